"""What stands between the columns: in what the runs differ, and what may not be compared."""

from collections.abc import Callable, Sequence
from typing import Any

from ..small_print import Remark
from .compared import Compared

SAME_TEXTS = "All runs read the same tokens, so that a difference between columns is not one of texts."
DIFFERENT_TEXTS = (
    "The runs read different texts. A difference between columns may be that of the texts, of the models or of both."
)
SAME_MODEL = (
    "All runs are of the same model, weight by weight: a neuron of the same name is the same neuron in each. Rows side "
    "by side are of the same rank, not of the same neuron."
)
DIFFERENT_MODELS = (
    "A neuron is named layer:neuron within its own model. Neurons of the same name in two models have nothing to do "
    "with each other, and rows side by side are of the same rank, not of the same neuron."
)


def warnings(runs: Sequence[Compared]) -> list[Remark]:
    """Return in what the runs differ, as far as it moves numbers; empty if in nothing.

    Parameters
    ----------
    runs
        The runs of the page.
    """
    return [Remark(subject, f"{_listed(runs, of)}. {text}") for subject, of, text in DIFFERENCES if _differ(runs, of)]


def small_print(runs: Sequence[Compared], measure: str) -> list[Remark]:
    """Return what the numbers rest on.

    Parameters
    ----------
    runs
        The runs of the page.
    measure
        By which neurons of the sentence position are ranked.
    """
    return [
        Remark("Texts", DIFFERENT_TEXTS if _differ(runs, _digest) else SAME_TEXTS),
        Remark("Neurons", DIFFERENT_MODELS if _differ(runs, _model) else SAME_MODEL),
        Remark(
            "What can be compared",
            "auroc and eta2 have no unit and one scale: .5 and 0 are those of a neuron that knows nothing. They are "
            "shares and ranks within a run, so a rarer concept, another mix of words or a longer sentence changes them "
            "without any change of the model. tau, positions and lengths are in tokens of the run's own kind.",
        ),
        Remark(
            "Ranked by",
            "eta2_type_adjusted: the share of a neuron's variance that lies between positions, after what word types "
            "explain. Bias-corrected, so it can be below 0."
            if measure != "eta2" else
            "eta2, the share of a neuron's variance that lies between positions: not every run has "
            "eta2_type_adjusted, which needs stored states and selectivity.draws. Words differ by position, so a part "
            "of it can be theirs.",
        ),
        Remark(
            "Tests",
            "Each p is that of one run: it is corrected for the neurons of its model, not for the number of runs. No "
            "test of a difference between runs was made; intervals that do not overlap are a hint, and intervals that "
            "do are none of sameness.",
        ),
        Remark(
            "Chosen and reported",
            "The best neurons are chosen on the tokens that their scores are reported for, which flatters them, and "
            "more so the more neurons a model has. The random twin's best is chosen in the same way: compare each run "
            "with its own twin first, and then these distances.",
        ),
        Remark(
            "Intervals",
            "By leaving out blocks of documents in turn (jackknife), within each run. A run of fewer documents has "
            "wider ones.",
        ),
    ]  # fmt: skip


def _digest(run: Compared) -> str:
    return str(run.material.facts["corpus"]["digest"])


def _model(run: Compared) -> str:
    return str(run.material.facts["model"]["digest"])


def _versions(run: Compared) -> str:
    return ", ".join(f"{name} {version}" for name, version in run.material.record["versions"].items())


def _differ(runs: Sequence[Compared], of: Callable[[Compared], Any]) -> bool:
    return len({str(of(run)) for run in runs}) > 1


def _listed(runs: Sequence[Compared], of: Callable[[Compared], Any]) -> str:
    return "; ".join(f"{run.letter}: {of(run)}" for run in runs)


DIFFERENCES: tuple[tuple[str, Callable[[Compared], Any], str], ...] = (
    (
        "Text", lambda run: f"digest {_digest(run)[:12]}",
        "Words, sentences and concepts are more or less frequent in each, which moves every score.",
    ),
    (
        "Model", lambda run: f"digest {_model(run)[:12]}",
        "A neuron of the one has no counterpart in the other by its name.",
    ),
    (
        "Unit of time", lambda run: f"a {run.token}",
        "Positions, lengths and tau of the one are not those of the other, nor are perplexity and bits, which are per "
        "token: a word is several characters long, and a token of code may be a bracket.",
    ),
    (
        "Sentence", lambda run: f"a {run.sentence}",
        "Positions count from the start of another thing in each run, and its typical length differs.",
    ),
    (
        "Neurons", lambda run: f"{run.material.facts['model']['n_layer']} × {run.material.facts['model']['n_neuron']}",
        "The best of more neurons is more extreme by chance.",
    ),
    (
        "Carry", lambda run: run.material.study["inference"]["carry"],
        "Where states are reset a neuron cannot know what came before.",
    ),
    ("Draws", lambda run: f"{run.material.draws:,}", "The smallest possible p is 1 / (draws + 1)."),
    ("Alpha", lambda run: f"{run.material.alpha:g}", "What is called in one run may not be in the other."),
    (
        "Leading measure", lambda run: run.scale.measure,
        "Scores of concepts are of different measures and cannot be set against each other.",
    ),
    (
        "Stored states", lambda run: run.material.study["store"]["activations"],
        "Without stored states there are no exact ranks, intervals and cliffs; float16 moves the scores of saturated "
        "neurons by up to .01.",
    ),
    (
        "Random twin", lambda run: "none" if run.material.twin is None else run.material.twin.kind,
        "The twins are drawn in different ways, or one run has none.",
    ),
    ("Versions", lambda run: _versions(run), "Numbers may differ in their last digits, or by what CHANGES says."),
)  # fmt: skip
"""What may differ, and what follows from it."""
