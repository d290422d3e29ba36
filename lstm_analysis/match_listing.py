"""The matches of a span: as a table for the terminal, as JSON, as rows of a file."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from .neuron_listing import aligned, p_text, plain

MOST_NEURONS = 24
"""Selected neurons that are named in a line."""
WIDTH = 34
"""Signs of text on each side of a match."""
SOURCES = {"hidden": "h", "tanh_cell": "tanh(c)", "tanh_hidden": "tanh(h)"}


def match_rows(found: xr.Dataset, dim: str = "match") -> pd.DataFrame:
    """Return what a result says of each match, or of each row of another dim, as a table."""
    names = [str(name) for name, variable in found.data_vars.items() if variable.dims == (dim,)]
    return pd.DataFrame({name: found[name].values for name in names})


def describe_occurrences(found: xr.Dataset, selected: list[int], phrase: str, chosen: int) -> str:
    """Return where a phrase stands, with the number of neurons selected there, one a line.

    Parameters
    ----------
    found
        A result of `find_text`.
    selected
        Neurons selected at the first ones; the others are not listed.
    phrase, chosen
        What was looked for, and which occurrence is matched.
    """
    rows = match_rows(found, "occurrence").iloc[: len(selected)]
    columns = {
        "": ["*" if i == chosen else "" for i in range(len(rows))],
        "no": [str(i + 1) for i in range(len(rows))],
        "span": [f"{row.start}:{row.stop}" for row in rows.itertuples()],
        "neurons": [str(n) for n in selected],
        "document": rows["document_name"].map(lambda name: str(name)[:24]).tolist(),
        "text": in_lines(rows),
    }
    n = int(found["n_occurrence"])
    more = [f"   and {n - len(rows):,} more (--occurrence N takes the Nth of all)"] if n > len(rows) else []
    head = f"{phrase!r} stands at {n:,} {'place' if n == 1 else 'places'}; neurons: selected there; *: matched below"
    return "\n".join([head, *aligned(columns, left=("document", "text")), *more])


def describe_matches(found: xr.Dataset, query: Mapping[str, Any], n_time: int) -> str:
    """Return matches as a table for the terminal: above it what was looked for, below it what the numbers mean."""
    rows = match_rows(found)
    columns = {
        "jaccard": [f"{value:.3f}" for value in rows["jaccard"]],
        "shared": [f"{row.n_shared}/{found.sizes['selected']}" for row in rows.itertuples()],
        "union": rows["n_union"].map(str).tolist(),
    }
    if "p_value" in rows:
        known = zip(rows["is_query"].tolist(), rows["p_value"].tolist(), strict=True)
        columns |= {"p": ["query" if is_query else p_text(p) for is_query, p in known]}
        columns |= {"random": ["-" if np.isnan(value) else f"{value:.3f}" for value in rows["null_jaccard"]]}
    columns |= {
        "span": [f"{start}:{start + n}" for start, n in zip(rows["start"], rows["length"], strict=True)],
        "document": rows["document_name"].map(lambda name: str(name)[:20]).tolist(),
        "text": in_lines(rows),
    }
    if "part_of_speech" in rows:
        columns["part of speech"] = rows["part_of_speech"].tolist()
    if "concepts" in rows and rows["concepts"].any():
        columns["concepts"] = rows["concepts"].tolist()
    left = ("document", "text", "part of speech", "concepts")
    table = aligned(columns, left) if len(rows) else ["No other place was found."]
    return "\n".join([_describe_query(found, query), *table, *_notes(found, query, n_time)])


def _describe_query(found: xr.Dataset, query: Mapping[str, Any]) -> str:
    names = zip(*(found[f"selected_{part}"].values for part in ("layer", "neuron", "sign")), strict=True)
    listed = [f"{layer}:{neuron}{'' if sign > 0 else '-'}" for layer, neuron, sign in names]
    more = f" and {len(listed) - MOST_NEURONS} more" if len(listed) > MOST_NEURONS else ""
    return (
        f"span {query['start']}:{query['stop']}, {len(listed)} neurons with {SOURCES[query['source']]} at threshold "
        f"{query['threshold']}, off {query['left']} tokens before and {query['right']} after "
        f"(-: downwards): {' '.join(listed[:MOST_NEURONS])}{more}"
    )


def _notes(found: xr.Dataset, query: Mapping[str, Any], n_time: int) -> list[str]:
    """Return what the columns mean, and what was not looked at."""
    notes = []
    searched = int(found["n_time_searched"])
    if searched < n_time:
        notes.append(
            f"LSTMVis' fast query looks at the first {searched:,} of {n_time:,} tokens only; --query precise at all."
        )
    if query["mode"] == "lstmvis":
        notes.append("as LSTMVis' server: raw states are compared with arctanh(threshold); no null distribution")
    if "p_value" in found and int(found["n_draw"]):
        low, high = int(found["null_n_selected_low"]), int(found["null_n_selected_high"])
        notes.append(
            f"p: share of {int(found['n_draw'])} random spans of this length, which select {low} to {high} neurons, "
            "whose match of the same rank is as good; random: the median of these"
        )
    above = float(found.get("jaccard_complete_above", 0))
    if above > 0:
        notes.append(f"Places with a Jaccard coefficient of {above:.3f} or less were not all looked at.")
    return notes


def in_lines(rows: pd.DataFrame) -> list[str]:
    """Return the columns before, text and after as lines, the texts below one another."""
    texts = zip(*(rows[name].tolist() for name in ("before", "text", "after")), strict=True)
    return [f"{before[-WIDTH:]:>{WIDTH}} [{text}] {after[:WIDTH]}" for before, text, after in texts]


def matches_as_json(found: xr.Dataset, query: Mapping[str, Any], occurrences: Mapping[str, Any]) -> str:
    """Return matches, with what was looked for and where it stands, as JSON; what is undefined is null."""
    scalars = {str(name): plain(variable.item()) for name, variable in found.data_vars.items() if not variable.dims}
    rows = {"selected": _records(match_rows(found, "selected")), "matches": _records(match_rows(found))}
    return json.dumps({"query": dict(query), **occurrences, **scalars, **rows}, indent=1, allow_nan=False)


def occurrences_for_json(found: xr.Dataset, selected: list[int]) -> dict[str, Any]:
    """Return where a phrase stands, and at how many places in all; `n_selected` is null where it was not counted."""
    rows = _records(match_rows(found, "occurrence"))
    counted = [*selected, *[None] * (len(rows) - len(selected))]
    listed = [{**row, "n_selected": n} for row, n in zip(rows, counted, strict=True)]
    return {"n_occurrence": int(found["n_occurrence"]), "occurrences": listed}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): plain(value) for name, value in row.items()} for row in table.to_dict("records")]
