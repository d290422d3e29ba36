"""The facts at the head of the page, and the provenance at its foot, in words."""

import shlex
from dataclasses import dataclass

import numpy as np
import yaml

from ..selectivity import is_present
from .material import Material
from .scale import Scale


@dataclass(frozen=True)
class Fact:
    """A fact of the run: what it is, its value, and what belongs to it."""

    name: str
    value: str
    note: str = ""


def overview(material: Material, scale: Scale) -> list[Fact]:
    """Return the facts that every number on the page rests on.

    Parameters
    ----------
    material
        The run.
    scale
        The measure that the page leads with.
    """
    corpus, model = material.facts["corpus"], material.facts["model"]
    limited = "; cut at corpus.limit_tokens" if corpus["limited"] else ""
    facts = [
        Fact("tokens", f"{corpus['n_token']:,}", f"{corpus['n_sentence']:,} sentences{limited}"),
        Fact("documents", f"{corpus['n_document']:,}"),
        Fact("types", f"{corpus['n_type']:,}", f"{100 * corpus['unknown_share']:.2f} % of tokens unknown to the model"),
        Fact(
            "neurons",
            _layers(is_present(material.scores).sum("neuron").values.tolist()),
            f"vocabulary {model['n_vocabulary']:,}, {model['n_parameter']:,} parameters"
            + (f"; a random twin ({model['twin']})" if model.get("twin") else ""),
        ),
        _perplexity(material),
        _carry(material),
        _exactness(material, scale),
    ]
    return facts


def _layers(sizes: list[int]) -> str:
    """Return the sizes of the layers, written for a person."""
    return f"{len(sizes)} × {sizes[0]:,}" if len(set(sizes)) == 1 else " + ".join(f"{size:,}" for size in sizes)


def _carry(material: Material) -> Fact:
    inference = material.study["inference"]
    kept = "not stored" if material.states is None else f"stored as {material.study['store']['activations']}"
    precision = inference.get("precision", "float32")
    kept += "" if precision == "float32" else f", computed in {precision}"
    if inference["carry"] == "continuous":
        return Fact("states reset", "never", f"{_boundary(material)}; {kept}")
    if inference["carry"] == "streams":
        return Fact("states reset in", f"{inference['streams']:,} places", f"equal streams; {kept}")
    return Fact("states reset at each", str(inference["carry"]), f"carried on within it; {kept}")


def _boundary(material: Material) -> str:
    """Return how well the lanes of one stream meet."""
    n_lane = material.facts["lanes"]["plan"]["n_lane"]
    if n_lane == 1:
        return "one stream, read in sequence"
    facts = material.facts.get("activations") or material.facts["summary"]
    errors = [max(part) for part in facts["boundary_error"]]
    in_c = f", {errors[1]:.0e} in c" if errors[1:] else ""
    n_settled = facts.get("n_settled", 0)
    starts = "start" if n_settled == 1 else "starts"
    settled = f", {n_settled:,} {starts} of saturated cells corrected" if n_settled else ""
    return f"{n_lane} lanes meet within {max(errors[:1]):.0e} in h{in_c}{settled}"


def _perplexity(material: Material) -> Fact:
    for stage in ("activations", "summary"):
        facts = material.facts.get(stage, {})
        if "perplexity" in facts:
            note = f"{facts['bits_per_token']:.3f} bits per token over {facts['n_predicted']:,} tokens"
            return Fact("perplexity", f"{facts['perplexity']:,.1f}", note)
    return Fact("perplexity", "not measured", "inference.surprisal: false")


def _exactness(material: Material, scale: Scale) -> Fact:
    exact = material.facts.get("selectivity", {}).get("exact", False)
    if "auroc" not in material.scores:
        return Fact(scale.measure, "no auroc", "not among selectivity.measures")
    if exact:
        return Fact("auroc", "exact", "ranks of the stored states")
    bound = material.scores["auroc_error_bound"].values
    largest = f"error at most {np.nanmax(bound):.4f}" if np.isfinite(bound).any() else "undefined everywhere"
    return Fact("auroc", "from histograms", largest)


@dataclass(frozen=True)
class Provenance:
    """Where the numbers come from: the study, how to repeat it, digests, versions, and the stages with their times."""

    study: str
    command: str
    file: str
    digests: dict[str, str]
    versions: dict[str, str]
    stages: list[dict[str, str]]


def provenance(material: Material) -> Provenance:
    """Return the provenance of a run.

    Parameters
    ----------
    material
        The run.
    """
    file = f"{material.study['name']}.yaml"
    model, corpus = material.facts["model"], material.facts["corpus"]
    digests = {"model": model["digest"], "vocabulary": model["vocabulary_digest"], "corpus": corpus["digest"]}
    stages = [
        {
            "name": name, "state": entry["state"], "finished": entry.get("finished", ""),
            "seconds": f"{entry['seconds']:,.1f}" if "seconds" in entry else "", "inputs": entry["fingerprint"],
        }
        for name, entry in material.record["stages"].items() if name != "report"
    ]  # fmt: skip
    return Provenance(
        study=yaml.safe_dump(dict(material.study), sort_keys=False, allow_unicode=True, width=100),
        command=shlex.join(["lstm-analysis", "run", file, "--output", material.folder]),
        file=file,
        digests=digests,
        versions=dict(material.record["versions"]),
        stages=stages,
    )
