"""Neuron by neuron: tables of which neurons stand out at spans, which are alike, and where one is extreme."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from .match.of_run import neuron_contexts, neurons_alike, neurons_at
from .match.of_states import States
from .match_listing import in_lines
from .neuron_listing import aligned
from .run import Run

if TYPE_CHECKING:
    from distributed import Client


def neurons_at_spans(
    run: Run,
    spans: Sequence[tuple[int, int]],
    n: int | None,
    layer: int | None,
    sign: int | None,
    source: States,
    client: "Client | None" = None,
) -> pd.DataFrame:
    """Return the neurons that are highest or lowest at spans, against all their own values.

    Parameters
    ----------
    run, spans, source, client
        As of `neurons_at`.
    n
        Most neurons, ``None`` for all.
    layer, sign
        Only of this layer; only those that are high (1) or low (-1).

    Returns
    -------
    Ranked by how far `percentile_mean` is from .5, and then by `percentile_weakest`; with several spans a column
    ``percentile_A_B`` for each.
    """
    found = neurons_at(run, spans, source, client)
    table = _by_neuron(found, ("percentile_mean", "percentile_weakest"))
    table["value"] = found["value"].mean("span").values.reshape(-1)
    if len(spans) > 1:
        for i, (start, stop) in enumerate(spans):
            table[f"percentile_{start}_{stop}"] = found["percentile"].values[i].reshape(-1)
    table.insert(2, "sign", np.sign(table["percentile_mean"] - 0.5))
    table = table[table["percentile_mean"].notna()]
    if layer is not None:
        table = table[table["layer"] == layer]
    if sign is not None:
        table = table[table["sign"] == sign]
    keys = {"far": (table["percentile_mean"] - 0.5).abs(), "weakest": (table["percentile_weakest"] - 0.5).abs()}
    order = pd.DataFrame(keys).sort_values(["far", "weakest"], ascending=False, kind="stable").index
    return table.loc[order[:n]].astype({"sign": int}).reset_index(drop=True)


def alike(
    run: Run,
    neuron: tuple[int, int],
    n: int | None,
    layer: int | None,
    threshold: float,
    source: States,
    client: "Client | None" = None,
) -> pd.DataFrame:
    """Return the neurons that do the same as one, up to sign, ranked by the size of their correlation with it.

    Returns
    -------
    Columns of `neurons_alike`: `correlation` at the same token, `correlation_best` and `lag_best`, `jaccard_on`,
    `jaccard_opposite`, and ``correlation_lag_K`` for each lag. The neuron itself, and constant ones, are left out.
    """
    found = neurons_alike(run, *neuron, threshold=threshold, source=source, client=client)
    found["correlation_same"] = found["correlation"].sel(lag=0)
    names = ("correlation_same", "correlation_best", "lag_best", "jaccard_on", "jaccard_opposite")
    table = _by_neuron(found, names).rename(columns={"correlation_same": "correlation"})
    for lag in found["lag"].values.tolist():
        table[f"correlation_lag_{lag}"] = found["correlation"].sel(lag=lag).values.reshape(-1)
    itself = (table["layer"] == neuron[0]) & (table["neuron"] == neuron[1])
    table = table[table["correlation"].notna() & ~itself]
    if layer is not None:
        table = table[table["layer"] == layer]
    order = table["correlation"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order[:n]].reset_index(drop=True)


def contexts(run: Run, neuron: tuple[int, int], n: int, source: States) -> pd.DataFrame:
    """Return the tokens at which a neuron is highest, lowest and in the middle of its range, with their text.

    Returns
    -------
    Columns ``part`` (``highest``, ``middle``, ``lowest``), ``rank``, ``time``, `value` and those of `align`.
    """
    found = neuron_contexts(run, *neuron, n=n, source=source)
    names = [str(name) for name, variable in found.data_vars.items() if variable.dims == ("part", "rank")]
    n_rank = found.sizes["rank"]
    columns = {"part": np.repeat(found["part"].values, n_rank), "rank": np.tile(np.arange(n_rank), found.sizes["part"])}
    table = pd.DataFrame(columns | {name: found[name].values.reshape(-1) for name in names})
    table = table.rename(columns={"context_time": "time"})
    return table[table["time"] >= 0].reset_index(drop=True)


def _by_neuron(found: xr.Dataset, names: Sequence[str]) -> pd.DataFrame:
    n_layer, n_neuron = found[names[0]].shape
    place = {"layer": np.repeat(np.arange(n_layer), n_neuron), "neuron": np.tile(np.arange(n_neuron), n_layer)}
    return pd.DataFrame(place | {name: found[name].values.reshape(-1) for name in names})


def describe_at_spans(table: pd.DataFrame, spans: Sequence[tuple[int, int]], texts: Sequence[str]) -> str:
    """Return neurons at spans as a table for the terminal; ``texts`` are the words of the spans."""
    head = ["at " + "; ".join(f"{a}:{b} [{text}]" for (a, b), text in zip(spans, texts, strict=True))]
    if not len(table):
        return "\n".join([*head, "No neuron fits. Leave --sign or --layer away to see the others."])
    columns = {"neuron": _names(table), "percentile": _numbers(table["percentile_mean"], 5)}
    if len(spans) > 1:
        columns["weakest"] = _numbers(table["percentile_weakest"], 5)
    columns["value"] = _numbers(table["value"], 3)
    notes = ["percentile: mean rank of the span's values among all values of the neuron (0 lowest, 1 highest)"]
    notes += ["weakest: that of the span that fits least"] if len(spans) > 1 else []
    return "\n".join([*head, *aligned(columns), *notes])


def describe_alike(table: pd.DataFrame, neuron: tuple[int, int], threshold: float) -> str:
    """Return neurons like one as a table for the terminal."""
    if not len(table):
        return f"No neuron varies together with {neuron[0]}:{neuron[1]}: it, or all others, are constant."
    columns = {
        "neuron": _names(table),
        "r": _numbers(table["correlation"], 3),
        "best r": _numbers(table["correlation_best"], 3),
        "at lag": [f"{lag:+d}" for lag in table["lag_best"]],
        "on together": _numbers(table["jaccard_on"], 3),
        "on when it is down": _numbers(table["jaccard_opposite"], 3),
    }
    return "\n".join(
        [
            f"like {neuron[0]}:{neuron[1]}",
            *aligned(columns),
            "r: Pearson's correlation over the whole corpus; at lag +k the neuron listed comes k tokens later",
            f"on together: of the tokens at which either is on (threshold {threshold}) the share at which both are",
        ]
    )


def describe_contexts(table: pd.DataFrame, neuron: tuple[int, int]) -> str:
    """Return a neuron's contexts as tables for the terminal."""
    lines = [f"{neuron[0]}:{neuron[1]}, at most one token a document and a word in each list"]
    for part, rows in table.groupby("part", sort=False):
        columns = {
            "value": _numbers(rows["value"], 3),
            "time": rows["time"].map(str).tolist(),
            "document": rows["document_name"].map(lambda name: str(name)[:20]).tolist(),
            "text": in_lines(rows),
        }
        lines += [f"-- {part}" + (" of its range" if part == "middle" else ""), *aligned(columns, ("document", "text"))]
    return "\n".join(lines)


def _names(table: pd.DataFrame) -> list[str]:
    return [f"{row.layer}:{row.neuron}" for row in table.itertuples()]


def _numbers(values: "pd.Series[float]", digits: int) -> list[str]:
    return ["-" if pd.isna(value) else f"{value:z.{digits}f}" for value in values]
