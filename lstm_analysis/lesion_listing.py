"""What lesions cost, as text for the terminal and as JSON."""

import json
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from .analyses.lesion import dissociations, hurt, unused
from .neuron_listing import aligned, p_text, plain

LEAD = "next"
"""The losses that the text shows: of the token after the concept's, which its neurons can help to predict."""
MOST_PAIRS = 10
_SCORES = ("delta_loss", "delta_loss_se", "delta_loss_target", "delta_loss_control", "p_value", "p_fwer")


def describe_lesions(found: xr.Dataset, alpha: float) -> str:
    """Return what lesions cost as tables for the terminal."""
    one = found.sel(prediction=LEAD)
    lines = [
        f"lesions by {_how(found)}; losses in nats a token, of the token after the one that is looked at",
        *aligned(_overall(found), ("chosen for",)),
        f"overall: at {int(found['n_token_overall']):,} random tokens, where the intact model loses "
        f"{float(found['intact_loss_overall']):.3f}",
        "",
        *_by_concept(one, hurt(found, alpha, LEAD)),
        "p: share of matched random neurons of the layer that cost as much; p all: all concepts looked at at once",
    ]
    return "\n".join([*lines, *_dissociated(found, alpha), *_unused(found, alpha)])


def lesions_as_json(found: xr.Dataset, alpha: float) -> str:
    """Return what lesions cost as JSON; what is undefined is null."""
    names = found["lesion"].values.tolist()
    content = {
        **{name: plain(value) for name, value in found.attrs.items()},
        "intact_loss_overall": plain(found["intact_loss_overall"].item()),
        "n_token_overall": int(found["n_token_overall"]),
        "lesions": [_lesion_for_json(found.isel(lesion=i)) for i in range(len(names))],
        "double_dissociations": [row._asdict() | _named(found, row._asdict()) for row in dissociations(found, alpha)],
        "encoded_not_used": [_named(found, row._asdict()) for row in unused(found, alpha)],
    }
    return json.dumps(content, indent=1, allow_nan=False)


def _lesion_for_json(one: xr.Dataset) -> dict[str, Any]:
    members = ("member_layer", "member_neuron")
    there = one["member_layer"].values >= 0
    place = zip(*(one[name].values[there].tolist() for name in members), strict=True)
    rows = []
    for concept in range(one.sizes["concept"]):
        for prediction in one["prediction"].values.tolist():
            at = one.isel(concept=concept).sel(prediction=prediction)
            row: dict[str, Any] = {"concept": str(at["concept"].item()), "prediction": prediction}
            row |= {name: plain(at[name].item()) for name in (*_SCORES, "selective")}
            row |= {f"n_token_{group}": int(at["n_token"].sel(group=group)) for group in ("target", "baseline")}
            rows.append(row)
    overall = {name: plain(one[name].item()) for name in ("delta_loss_overall", "delta_loss_overall_se", "p_overall")}
    return {
        "lesion": str(one["lesion"].item()), "neurons": [list(pair) for pair in place],
        "chosen_for": str(one["chosen_for"].item()), **overall, "n_random": int(one["n_random"]), "concepts": rows,
    }  # fmt: skip


def _named(found: xr.Dataset, row: dict[str, Any]) -> dict[str, str]:
    """Return names in the place of the places of lesions and concepts."""
    kinds = {name: "lesion" if "lesion" in name else "concept" for name in row if name != "strength"}
    return {name: str(found[kind].values[row[name]]) for name, kind in kinds.items()}


def _how(found: xr.Dataset) -> str:
    how = {"mean": "the neuron's mean", "zero": "zero", "resample": "the neuron's values at other tokens"}
    return how[str(found.attrs["kind"])]


def _overall(found: xr.Dataset) -> dict[str, list[str]]:
    random = found["random_delta_loss_overall"]
    ends = (
        random.quantile([0.05, 0.95], "draw").values
        if random.sizes["draw"]
        else np.full((2, *random.shape[1:]), np.nan)
    )
    columns = {
        "lesion": found["lesion"].values.tolist(),
        "overall": _signed(found["delta_loss_overall"].values),
        "se": _plain_numbers(found["delta_loss_overall_se"].values),
        "p": [p_text(p) for p in found["p_overall"].values],
        "random, 90 %": [f"{a:+.4f} to {b:+.4f}" if a == a else "-" for a, b in ends.T],
    }
    if any(found["chosen_for"].values):
        columns["chosen for"] = found["chosen_for"].values.tolist()
    return columns


def _by_concept(one: xr.Dataset, hurts: NDArray[np.bool_]) -> list[str]:
    """Return what concepts lose that a lesion hurts, or that its neurons are selective for."""
    rows = np.argwhere(hurts | one["selective"].transpose("lesion", "concept").values)
    if not len(rows):
        return ["No lesion hurts a concept more than its controls, all concepts looked at at once."]
    at = [one.isel(lesion=i, concept=k) for i, k in rows.tolist()]
    return aligned(
        {
            "lesion": [str(cell["lesion"].item()) for cell in at],
            "concept": [str(cell["concept"].item()) for cell in at],
            "above controls": _signed([cell["delta_loss"].item() for cell in at]),
            "se": _plain_numbers([cell["delta_loss_se"].item() for cell in at]),
            "p": [p_text(cell["p_value"].item()) for cell in at],
            "p all": [p_text(cell["p_fwer"].item()) for cell in at],
            "at its tokens": _signed([cell["delta_loss_target"].item() for cell in at]),
            "tokens": [f"{int(cell['n_token'].sel(group='target')):,}" for cell in at],
            "selective": ["yes" if cell["selective"].item() else "" for cell in at],
        },
        ("concept",),
    )


def _dissociated(found: xr.Dataset, alpha: float) -> list[str]:
    pairs = dissociations(found, alpha)
    if not pairs:
        return []
    lines = [f"double dissociations: {len(pairs):,}" + (f", the first {MOST_PAIRS}" if len(pairs) > MOST_PAIRS else "")]
    for pair in pairs[:MOST_PAIRS]:
        name = _named(found, pair._asdict())
        lines.append(
            f"  {name['lesion']} hurts {name['concept']} and not {name['other_concept']}; "
            f"{name['other_lesion']} the other way round"
        )
    return lines


def _unused(found: xr.Dataset, alpha: float) -> list[str]:
    names = [_named(found, row._asdict()) for row in unused(found, alpha)]
    if not names:
        return []
    text = ", ".join(f"{name['lesion']} ({name['concept']})" for name in names)
    return [f"encoded, but no loss seen at the concept's tokens: {text}"]


def _signed(values: Any) -> list[str]:
    return ["-" if pd.isna(value) else f"{value:+.4f}" for value in values]


def _plain_numbers(values: Any) -> list[str]:
    return ["-" if pd.isna(value) else f"{value:.4f}" for value in values]
