"""Matched neurons: as a table of all, as text for the terminal."""

import numpy as np
import pandas as pd
import xarray as xr

from .neuron_listing import aligned

COLUMNS = ("r", "r_residual", "mutual", "r_rotated", "r_twin", "excess_r", "assigned_layer", "assigned_neuron",
           "assigned_r", "family", "duplicate")  # fmt: skip


def matched_neurons(found: xr.Dataset) -> pd.DataFrame:
    """Return a row for each neuron that has a best match: mutual ones first, then by |r|."""
    best = found.isel(rank=0)
    layer, neuron = np.nonzero(best["best_layer"].values >= 0)
    columns = {"layer": layer, "neuron": neuron}
    names = ("best_layer", "best_neuron", *(name for name in COLUMNS if name in found))
    columns |= {name: best[name].transpose("layer", "neuron").values[layer, neuron] for name in names}
    table = pd.DataFrame(columns)
    order = np.lexsort((neuron, layer, -table["r"].abs().to_numpy(), -table["mutual"].to_numpy()))
    return table.iloc[order].reset_index(drop=True)


def describe_matched(found: xr.Dataset, table: pd.DataFrame, n: int) -> str:
    """Return the first mutual matches as a table for the terminal: counts above it, what the numbers mean below."""
    mutual = table[table["mutual"] == 1]
    above = int((mutual["excess_r"] > 0).sum())
    rests = f"{int(found['n_concept'])} concepts" if "n_concept" in found else f"{int(found['n_token']):,} tokens"
    head = (
        f"{len(mutual):,} of {len(table):,} neurons have a mutual best match over {rests}; {above:,} of them are above "
        f"{BASELINES[found.attrs['baseline']]}"
    )
    rows = mutual.iloc[:n]
    if not len(rows):
        return head
    columns = {
        "neuron": [f"{row.layer}:{row.neuron}" for row in rows.itertuples()],
        "other": [f"{row.best_layer}:{row.best_neuron}" for row in rows.itertuples()],
    }
    numbers = [name for name in ("r", "r_residual", "excess_r", "r_twin", "r_rotated") if name in rows]
    columns |= {name: [_number(value) for value in rows[name]] for name in numbers}
    return "\n".join([head, *aligned(columns), *_notes(found)])


BASELINES = {
    "twin": "what they reach in their model's random twin (excess_r > 0)",
    "rotation": "what they reach in rotated layers of the other model (excess_r > 0)",
}


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:+.3f}"


def _notes(found: xr.Dataset) -> list[str]:
    notes = ["excess_r: |r| less r_twin, the largest |r| with the model's own random twin, or without one less "
             "r_rotated, that with randomly rotated layers"]  # fmt: skip
    if "r_residual" in found:
        n = int(found["n_token_residual"])
        notes.append(f"r_residual: of what types and places in the sentence leave, over {n:,} tokens of frequent types")
    return notes
