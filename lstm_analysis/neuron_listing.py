"""The neurons of a run that are strongest for a concept: as a table for the terminal, as JSON, as a file."""

import io
import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from . import schema
from .disk import write_whole
from .errors import UsageError, UserError, nearest
from .run import Run
from .selectivity import RANKABLE, position_scores, rank_neurons

SENTENCE_POSITION = "sentence_position"
"""The name by which the place in the sentence is asked for like a concept."""
POSITION_COLUMNS = (
    "cliff_neuron", "cliff_mean", "tau", "baseline", "eta2", "eta2_type_adjusted", "cliff_r_current",
    "level_r_current", "level_partial_r_previous",
)  # fmt: skip
GRADED_COLUMNS = ("graded_neuron", "r", "eta2", "eta2_type_adjusted", "p_value", "p_fwer", "q_value")
CALLED = ("cliff_neuron", "graded_neuron")
"""Columns that say which neurons are called."""
WITH_INTERVAL = ("cliff_mean", "tau", "r", "eta2")
"""Of the columns of positions and values those whose interval is shown; all are in the files."""
CONCEPT_COLUMNS = ("type_smd", "breadth", "p_value", "p_fwer", "q_value")
COUNTS = {"n_token": "tokens", "n_type": "types", "n_document": "documents"}
GRADED_NULL = "p_value: the values of the variable shifted around within each document"
NO_NULL = "no null distribution was computed, so there is no p: the scores describe"


def list_neurons(run: Run, concept: str, by: str | None = None, **options: Any) -> tuple[pd.DataFrame, str]:
    """Return ranked neurons of a run, and the score that ranks them.

    Parameters
    ----------
    run
        A run.
    concept
        One of its concepts, or ``sentence_position``: neurons that fall where a sentence ends; or a graded variable.
    by
        The score to rank by; by default that of `rank_neurons`.
    options
        Those of `rank_neurons`.

    Raises
    ------
    UserError
        If the run has no such concept, score or layer.
    """
    scores = run.selectivity
    concepts = [str(name) for name in scores["concept"].values]
    if concept not in concepts:
        scores = _along_a_variable(run, concept, scores)
        name = by or next((name for name in ("cliff_mean", "r", *RANKABLE) if name in scores), None)
        if by is None and any(called in scores for called in CALLED):
            return _in_order(_called_first(scores, str(name), **options), str(name)), str(name)
        return _in_order(rank_neurons(scores, name, **options), str(name)), str(name)
    name = by or next((name for name in RANKABLE if name in scores), None)
    return _in_order(rank_neurons(scores, name, concept=concept, **options), str(name)), str(name)


def _along_a_variable(run: Run, variable: str, scores: xr.Dataset) -> xr.Dataset:
    """Return what is known of the sentence position, or of a graded variable of the study, in a form to rank by."""
    graded = list(run.record["study"].get("graded", ()))
    if variable in graded:
        return position_scores(run.tuning.sel(variable=variable, drop=True), scores)
    if variable == SENTENCE_POSITION:
        return position_scores(run.sentence_position, scores)
    known = [*map(str, scores["concept"].values), SENTENCE_POSITION, *graded]
    raise UserError(f"{run.path} has no concept {variable!r}; {nearest(variable, known)}")


def _called_first(scores: xr.Dataset, by: str, n: int | None = 10, **options: Any) -> pd.DataFrame:
    """Return ranked neurons, those that are called before all others."""
    table = rank_neurons(scores, by, n=None, **options)
    called = next(name for name in CALLED if name in table)
    order = (table[called] != 1).sort_values(kind="stable").index
    return table.loc[order[:n]].reset_index(drop=True)


def _in_order(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the columns in an order that does not depend on the store: places, ``by``, then as in the vocabulary."""
    first = [name for name in ("layer", "neuron", "sign", "duplicates", by) if name in table]
    known = list(schema.VARIABLES)

    def place(name: str) -> tuple[int, str]:
        stem = max((other for other in known if name == other or name.startswith(f"{other}_")), key=len, default="")
        return (known.index(stem) if stem else len(known), name)

    return table[[*first, *sorted(set(map(str, table)) - set(first), key=place)]]


def describe_neurons(table: pd.DataFrame, concept: str, by: str) -> str:
    """Return ranked neurons as a table for the terminal: counts above it, what the null is below it."""
    of_position = "n_token_target" not in table
    if not len(table):
        return f"No neuron fits, or none has a score {by}. Leave --q, --sign or --layer away to see the others."
    known = _position_columns(table) if of_position else [name for name in CONCEPT_COLUMNS if name in table]
    names = [by, *(name for name in known if name != by)]
    columns = {"neuron": [f"{row.layer}:{row.neuron}" for row in table.itertuples()]}
    columns |= {name: _position_cells(table, name) if of_position else _cells(table, name) for name in names}
    if "duplicates" in table and table["duplicates"].any():
        columns["the same up to sign"] = table["duplicates"].tolist()
    head = f"neurons by {by}, {RANKABLE[by].meaning}" if of_position else _counts(table, concept)
    return "\n".join([head, *aligned(columns), *_notes(table, names, of_position)])


def rows_as_json(table: pd.DataFrame, query: Mapping[str, object], name: str) -> str:
    """Return a table as JSON, its rows under a name beside what was asked; what is undefined is null."""
    rows = [{name: plain(value) for name, value in row.items()} for row in table.to_dict("records")]
    return json.dumps({**query, name: rows}, indent=1, allow_nan=False)


def write_neurons(table: pd.DataFrame, file: Path, kind: str) -> None:
    """Write ranked neurons in one step as a ``csv`` or ``parquet`` file, in place of one that is there."""
    content = io.BytesIO()
    if kind == "csv":
        table.to_csv(content, index=False)
    else:
        table.to_parquet(content, index=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, content.getvalue())


def refuse_existing(file: Path, force: bool) -> None:
    """Refuse to replace a file that nobody allowed to be replaced.

    Raises
    ------
    UsageError
        If it is there and ``force`` is not given, or it is a folder.
    """
    if file.is_dir():
        raise UsageError(f"{file} is a folder; give the name of a file in it.")
    if file.exists() and not force:
        raise UsageError(f"{file} is there already. Give --force to replace it, or another name.")


def _position_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of the fit and of the cliffs, or those of a graded variable."""
    return [name for name in (GRADED_COLUMNS if "r" in table else POSITION_COLUMNS) if name in table]


def _is_p(name: str) -> bool:
    return bool({"p", "q"} & set(name.split("_"))) and not name.endswith(("_low", "_high"))


def _cells(table: pd.DataFrame, name: str) -> list[str]:
    """Return a column as text, with its interval where it has one."""
    cells = [p_text(value) if _is_p(name) else _number(value) for value in table[name]]
    if f"{name}_low" not in table:
        return cells
    ends = zip(table[f"{name}_low"], table[f"{name}_high"], strict=True)
    return [f"{cell} [{_number(low)}, {_number(high)}]" for cell, (low, high) in zip(cells, ends, strict=True)]


def _position_cells(table: pd.DataFrame, name: str) -> list[str]:
    """Return a column as text: called or not, with an interval, or with the p of the neuron alone."""
    if name in CALLED:
        return [{1: "called", 0: "no"}.get(int(value), "untested") for value in table[name]]
    if name in WITH_INTERVAL or _is_p(name):
        return _cells(table, name)
    cells = [_number(value) for value in table[name]]
    if f"{name}_p" not in table:
        return cells
    return [f"{cell} (p {p_text(p)})" for cell, p in zip(cells, table[f"{name}_p"], strict=True)]


def p_text(value: float) -> str:
    """Return a p-value as it stands in a table."""
    return "-" if pd.isna(value) else "<.0001" if value < 5e-5 else f"{value:.4f}".removeprefix("0")


def _number(value: Any, digits: int = 3) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:.{digits}f}" if isinstance(value, float) else f"{value:,}"


def aligned(columns: dict[str, list[str]], left: Collection[str] = ()) -> list[str]:
    """Return columns as lines, the names first, cells to the right but for the columns named in ``left``."""
    widths = {name: max(map(len, (name, *cells))) for name, cells in columns.items()}
    rows = [tuple(columns), *zip(*columns.values(), strict=True)]
    signs = ["<" if name in left else ">" for name in columns]
    cells = [zip(row, signs, widths.values(), strict=True) for row in rows]
    return ["  ".join(f"{cell:{sign}{width}}" for cell, sign, width in row).rstrip() for row in cells]


def _counts(table: pd.DataFrame, concept: str) -> str:
    """Return how much the scores of a concept rest on."""
    groups = []
    for group in ("target", "baseline"):
        counted = [f"{int(table[f'{name}_{group}'].iloc[0]):,} {what}" for name, what in COUNTS.items()
                   if f"{name}_{group}" in table]  # fmt: skip
        groups.append(", ".join(counted))
    text = f"{concept}: {groups[0]} against {groups[1]}"
    matched = [name for name in ("n_type_member", "n_type_matched") if name in table]
    if len(matched) == 2:
        member, others = (int(table[name].iloc[0]) for name in matched)
        text += f"; by words: {member:,} against {others:,} matched words"
    return text


def _notes(table: pd.DataFrame, names: list[str], of_position: bool) -> list[str]:
    """Return what the intervals and the p-values of a table mean."""
    notes = ["[..., ...]: 95 % interval over blocks of documents"] if any(f"{n}_low" in table for n in names) else []
    if of_position and "p_fwer" in names:
        return [*notes, f"{GRADED_NULL}; p_fwer: for the best of all neurons; q_value: over variables and neurons"]
    if of_position:
        tested = any(f"{name}_p" in table for name in names)
        text = (
            "p: of the neuron alone, lengths permuted among like sentences; with --json p for all neurons and q as well"
        )
        return [*notes, *([text] if tested else [])]
    null = [f"p_value: {table['p_null'].iloc[0]}"] if "p_null" in table and table["p_null"].iloc[0] else []
    null += ["p_fwer: for the best of all neurons"] if "p_fwer" in names else []
    null += ["q_value: false discovery rate over concepts and neurons"] if "q_value" in names else []
    return [*notes, "; ".join(null) or NO_NULL]


def plain(value: Any) -> Any:
    """Return a value of a table as JSON knows it."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
