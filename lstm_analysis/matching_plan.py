"""Over which tokens neurons are matched: all of a run, or those that two runs share, aligned by tokens or by words."""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .errors import UserError
from .reductions.type_table import frequent_rows
from .run import Run
from .schema import LAST_POSITION

Integers = NDArray[np.integer]


class Sequence(NamedTuple):
    """Tokens or words of a run in order.

    Parameters
    ----------
    code, table
        What each is: an index, and the texts that it points to.
    position
        Its place in the sentence.
    row
        Row of the states after it: of a word's last piece.
    """

    code: Integers
    table: NDArray[Any]
    position: Integers
    row: NDArray[np.int64]


def plan_of_run(corpus: Any) -> xr.Dataset:
    """Return the plan of a run by itself, of its corpus as a Zarr group; see `matching_plan`."""
    tokens = _tokens(corpus)
    return matching_plan(tokens.code, tokens.position, len(tokens.table))


def matching_plan(code: Integers, position: Integers, n_code: int) -> xr.Dataset:
    """Return which row of a table of frequent types each token has, and its position.

    Parameters
    ----------
    code, position
        Type of each token, and its place in the sentence, dims (time).
    n_code
        Number of types.

    Returns
    -------
    ``type_row``, -1 for a type with fewer than 5 tokens or past the 16,384 most frequent ones, and ``position``, later
    ones taken together; dims (time). Its attribute ``n_type`` is the number of rows.
    """
    row = frequent_rows(np.bincount(code, minlength=n_code))
    columns = {"type_row": row[code], "position": np.minimum(position, LAST_POSITION).astype(np.int16)}
    return xr.Dataset(
        {name: ("time", values) for name, values in columns.items()}, attrs={"n_type": int(row.max(initial=-1)) + 1}
    )


def plan_of_two(mine: Run, other: Run) -> xr.Dataset:
    """Return the plan of the tokens that two runs share, with ``my_row`` and ``other_row`` in their states.

    Runs of the same tokens are aligned token by token; others by words, of which the state after the last piece
    counts. Symbols for the end of a sentence are left out where they are aligned by words.

    Raises
    ------
    UserError
        If the texts differ, naming the first place where they do.
    """
    one, two = (_tokens(run.in_place("corpus")) for run in (mine, other))
    if _first_difference(one, two) is not None:
        one, two = (_words(run) for run in (mine, other))
        if (at := _first_difference(one, two)) is not None:
            raise _refusal((mine, other), (one, two), at)
    plan = matching_plan(one.code, one.position, len(one.table))
    return plan.assign(my_row=("time", one.row), other_row=("time", two.row))


def _tokens(corpus: Any) -> Sequence:
    """Return the rows of a corpus: words, or pieces of words."""
    code, table = ("token_id", "token_name") if "word" in corpus else ("type_id", "type")
    codes, names, position = (np.asarray(corpus[name][:]) for name in (code, table, "sentence_position"))
    return Sequence(codes, names.astype(object), position, np.arange(len(codes), dtype=np.int64))


def _words(run: Run) -> Sequence:
    """Return the words of a run, without symbols for the end of a sentence."""
    corpus = run.in_place("corpus")
    if "word" not in corpus:
        words = _tokens(corpus)
    else:
        names = ("word_type_id", "type", "word_sentence_position", "word")
        code, table, position, word = (np.asarray(corpus[name].values) for name in names)
        last = np.searchsorted(word, np.arange(len(code)), side="right") - 1
        words = Sequence(code, table.astype(object), position, last.astype(np.int64))
    symbol = run.facts.get("corpus", {}).get("end_of_sentence")
    kept = np.flatnonzero(words.table[words.code] != symbol) if symbol is not None else slice(None)
    return Sequence(words.code[kept], words.table, words.position[kept], words.row[kept])


def _first_difference(mine: Sequence, other: Sequence) -> int | None:
    """Return the first place at which two texts differ, one past the end of the shorter one; ``None`` if nowhere."""
    known = {text: code for code, text in enumerate(mine.table.tolist())}
    code = np.array([known.get(text, -1) for text in other.table.tolist()] or [-1], np.int64)
    n = min(len(mine.code), len(other.code))
    differs = np.flatnonzero(mine.code[:n] != code[other.code[:n]])
    if len(differs):
        return int(differs[0])
    return None if len(mine.code) == len(other.code) else n


def _refusal(runs: tuple[Run, Run], texts: tuple[Sequence, Sequence], at: int) -> UserError:
    one, two = [
        f"{str(words.table[words.code[at]])!r} (token {int(words.row[at]):,})" if at < len(words.code) else "missing"
        for words in texts
    ]
    sizes = " and ".join(f"{len(words.code):,}" for words in texts)
    return UserError(
        f"{runs[0].path} and {runs[1].path} were read over different texts: of their {sizes} words number {at:,}, "
        f"counted from 0, is {one} in the first and {two} in the second. States can be compared over the same words "
        "only: read the same corpus with both models, or match them by what they are selective for (--by selectivity)."
    )
