"""What each run is: its model, its corpus, how it was read, and what was tested."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..overview import Fact, overview
from .compared import Compared

OVERVIEW = ("tokens", "documents", "types", "neurons", "perplexity", "states", "scores")
"""What the facts of `overview` are about, in its order."""


@dataclass(frozen=True)
class Line:
    """A fact of each run."""

    name: str
    facts: tuple[Fact, ...]


def run_table(runs: Sequence[Compared]) -> list[Line]:
    """Return the facts of the runs, a line each.

    Parameters
    ----------
    runs
        The runs of the page.
    """
    found = [dict(zip(OVERVIEW, overview(run.material, run.scale), strict=True)) for run in runs]
    rows: dict[str, list[Fact]] = {
        "model": [_model(run) for run in runs],
        "neurons": [facts["neurons"] for facts in found],
        "corpus": [_corpus(run) for run in runs],
        "tokens": [_of(facts["tokens"], facts["tokens"].value) for facts in found],
        "documents": [facts["documents"] for facts in found],
        "types": [_of(facts["types"], facts["types"].value, "") for facts in found],
        "unknown to the model": [
            Fact("", f"{100 * run.material.facts['corpus']['unknown_share']:.2f} %", "of tokens") for run in runs
        ],
        "sentences": [_sentence(run) for run in runs],
        "perplexity": [facts["perplexity"] for facts in found],
        "states": [_of(facts["states"], f"reset {_reset(facts['states'])}") for facts in found],
        "auroc": [_of(facts["scores"], facts["scores"].value) for facts in found],
        "tested": [_tested(run) for run in runs],
        "analyses": [Fact("", ", ".join(run.material.study["analyses"]) or "none") for run in runs],
        "random twin": [_twin(run) for run in runs],
    }
    return [Line(name, tuple(facts)) for name, facts in rows.items()]


def _of(fact: Fact, value: str, note: str | None = None) -> Fact:
    return Fact(fact.name, value, fact.note if note is None else note)


def _reset(fact: Fact) -> str:
    """Return where states are reset, from the name of a fact and its value.

    >>> _reset(Fact("states reset at each", "document")), _reset(Fact("states reset", "never"))
    ('at each document', 'never')
    """
    return f"{fact.name} {fact.value}".removeprefix("states reset ")


def _model(run: Compared) -> Fact:
    facts = run.material.facts["model"]
    kind = run.material.study["model"].get("twin")
    note = f"read as its random twin ({kind})" if kind else ""
    return Fact("", PurePosixPath(str(facts["checkpoint"])).name, note)


def _corpus(run: Compared) -> Fact:
    level = "characters" if run.token == "character" else f"{run.token}s"
    digest = run.material.facts["corpus"]["digest"]
    return Fact("", f"{run.corpus['format']}, {level}", f"digest {digest[:12]}")


def _sentence(run: Compared) -> Fact:
    facts = run.material.facts["corpus"]
    mean = facts["n_token"] / facts["n_sentence"] if facts["n_sentence"] else float("nan")
    return Fact(
        "", f"{mean:.1f} {run.token}s on average", f"each a {run.sentence}" if run.sentence != "sentence" else ""
    )


def _tested(run: Compared) -> Fact:
    n = run.material.scores.sizes["concept"]
    value = f"{n:,} concept{'' if n == 1 else 's'}"
    if not run.material.draws:
        return Fact("", value, "no draws: effect sizes only")
    return Fact("", value, f"{run.material.draws:,} draws, alpha {run.material.alpha:g}")


def _twin(run: Compared) -> Fact:
    twin = run.material.twin
    return Fact("", "none") if twin is None else Fact("", twin.kind)
