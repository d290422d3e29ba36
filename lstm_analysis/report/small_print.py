"""What stands behind the numbers: nulls, draws, levels, choices, in sentences."""

from dataclasses import dataclass

from ..selectivity import is_present
from .headline import Group
from .material import Material, constant_neurons
from .scale import Scale


@dataclass(frozen=True)
class Remark:
    """A subject and what is to be said of it."""

    subject: str
    text: str


def small_print(material: Material, scale: Scale, groups: list[Group]) -> list[Remark]:
    """Return the remarks.

    Parameters
    ----------
    material
        The run.
    scale
        The measure that the page leads with.
    groups
        The headline.
    """
    return [
        _nulls(groups, material.draws),
        _levels(material),
        _intervals(material),
        Remark(
            "Chosen and reported",
            f"The neurons of the headline are chosen by {scale.measure} on the tokens that their scores are reported "
            "for, which flatters them; p over all neurons and q allow for it, scores and intervals do not. Where a "
            "section says held out, the neuron is chosen on some of the words or idioms and its score reported on "
            "others: categories on words of odd rank by frequency and on those of even rank, each reported on the "
            "other; idioms on all but one, reported on that one.",
        ),
        _twin(material),
        Remark(
            "Duplicates",
            "Neurons whose values correlate with |r| > .95 over a sample of tokens are one finding: only the strongest "
            "is listed, with the others behind =. Counts of called neurons count each of them."
            if "duplicate_of" in material.scores else
            "Neurons that do the same were not looked for, so that several listed neurons may be one finding.",
        ),
        _constant(material, scale),
        _states(material),
        Remark(
            "Unknown words",
            f"{100 * material.facts['corpus']['unknown_share']:.2f} % of tokens are unknown to the model; it reads its "
            "symbol for unknown words there, so that such words cannot be told apart by any neuron.",
        ),
        _documents(material),
    ]  # fmt: skip


def _nulls(groups: list[Group], draws: int) -> Remark:
    if not draws:
        return Remark(
            "Null",
            "None was computed (selectivity.draws: 0): there is no p, no q and no interval, and scores are effect "
            "sizes that describe. An extreme one is expected of the best of many neurons.",
        )
    rows = [row for group in groups for row in (*group.shown, *group.rest)]
    parts = []
    for short, what in (
        ("words", "exchanges membership among words of the same frequency, spread over documents and, if known, part "
                  "of speech, and tests type_smd"),
        ("shift", "turns the labels round within each document and tests the difference of the means"),
    ):  # fmt: skip
        n = sum(row.null == short for row in rows)
        parts += [f"{short} ({n:,} concept{'' if n == 1 else 's'}) {what}"] if n else []
    none = sum(row.null == "none" for row in rows)
    parts += [f"{none:,} {'has' if none == 1 else 'have'} none, for the reason given where it stands"] if none else []
    return Remark(
        "Null",
        f"{draws:,} draws each, so that no p is below 1 / {draws + 1:,}. " + "; ".join(parts) + ". A shift leaves "
        "topics in place: it is a gate, not a proof, and a concept that its words decide is tested over words.",
    )


def _levels(material: Material) -> Remark:
    if not material.draws:
        return Remark("Level", f"alpha = {material.alpha:g} is set and not used.")
    return Remark(
        "Level",
        f"alpha = {material.alpha:g}. p is that of the neuron alone; p over all neurons is corrected for having chosen "
        "the largest of all neurons of the model (max-T over the same draws), for one concept; q is the false "
        "discovery rate over all concepts and neurons of a null (Benjamini and Hochberg).",
    )


def _intervals(material: Material) -> Remark:
    level = f"{100 * (1 - material.alpha):g} %"
    if "auroc_low" in material.scores:
        text = (
            f"{level}, by leaving out blocks of documents in turn (jackknife, on the logit scale for auroc). Those of "
            "idioms are t intervals over idioms."
        )
    elif not material.draws:
        text = "None (selectivity.draws: 0)."
    else:
        text = "None for scores of tokens: they need stored states, and this study keeps none (store: none)."
    return Remark("Intervals", text)


def _twin(material: Material) -> Remark:
    if material.twin is None:
        text = (
            "No random-weights twin was put through the study (selectivity.twin), so that nothing here says how much "
            "an untrained network of this shape would reach on this text."
        )
    else:
        text = (
            f"A network of the same shape with {material.twin.kind} weights was put through the same study. What it "
            "reaches comes from the text and the architecture alone; the model's findings count as far as they exceed "
            "that. One twin is one draw: it has no interval."
        )
    return Remark("Random twin", text)


def _constant(material: Material, scale: Scale) -> Remark:
    n, n_neuron = len(constant_neurons(material.scores, scale.measure)), int(is_present(material.scores).sum())
    return Remark(
        "Constant neurons",
        f"{n:,} of {n_neuron:,} vary by less than 0.00001 and have no score; they are listed under Provenance and not "
        "counted among the neurons of a test."
        if n else f"None of {n_neuron:,} neurons is constant.",
    )  # fmt: skip


def _states(material: Material) -> Remark:
    carry = material.study["inference"]["carry"]
    text = {
        "document": "Carried from token to token within a document, zero at its start.",
        "sentence": "Carried within a sentence, zero at its start: nothing can be said of what a neuron keeps across "
        "a boundary.",
        "continuous": "Carried through the whole corpus as one stream.",
        "streams": "Carried within equal streams through the corpus, zero at the start of each.",
    }.get(carry, str(carry))
    kept = material.study["store"]["activations"]
    rest = {
        "none": "They are not stored: what needs a second look at them (exact ranks, shifts, idioms, boundaries) is "
        "missing.",
        "float16": "They are stored as float16, which can move auroc of saturated neurons by .01.",
    }.get(kept, f"They are stored as {kept}.")
    return Remark("States", f"{text} {rest}")


def _documents(material: Material) -> Remark:
    n = material.facts["corpus"]["n_document"]
    if n == 1:
        text = (
            "The corpus is one document. Labels cannot be shifted within documents against others, and no interval "
            "over documents exists; tests over words remain."
        )
    else:
        text = f"{n:,}. They are the blocks that intervals leave out; with few of them intervals are wide or missing."
    return Remark("Documents", text)
