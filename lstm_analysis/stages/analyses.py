"""Stage analyses: what goes beyond selectivity, each analysis into a store of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import xarray as xr
import zarr

from .. import reductions, schema, tasks
from ..analyses.categories import categories
from ..analyses.idioms import conclude_idioms, gather_blocks, plan_idioms
from ..analyses.sentence_position import conclude_positions, eta2_type_adjusted, plan_boundaries
from ..config import Study
from ..errors import UserError
from ..inference.model import LanguageModel
from ..statistics.jackknife_blocks import jackknife_blocks
from ..store import open_dataset, write_dataset
from .columns import assemble, by_neurons, forget_blocks
from .lesion import lesion, without_lesion
from .matches import matches
from .neuron_matching import neuron_matching
from .occurrences import find_occurrences
from .pca import pca
from .periodicity import periodicity
from .plans import forget_plans, keep_plan
from .probes import probes
from .tables import run_tables
from .tuning import tuning
from .work import Work, log, make_job, stream_starts


@dataclass(frozen=True)
class Analysis:
    """What goes beyond selectivity.

    Parameters
    ----------
    function
        Study at work and model to the dataset that is stored.
    refuses
        Why a study cannot have it, before anything is started; empty if it can.
    variables
        Table of what its variables mean.
    """

    function: Callable[[Work, LanguageModel], xr.Dataset]
    refuses: Callable[[Study], str] = lambda study: ""
    variables: Mapping[str, schema.Variable] = field(default_factory=lambda: schema.VARIABLES)


SHIFT_DRAWS = 1000
"""Draws of the tests at sentence boundaries: as many rows are permuted for each."""


def sentence_position(state: Work, model: LanguageModel) -> xr.Dataset:
    """Return how neurons follow the position in the sentence; without stored states the curve and its shares only."""
    summary = open_dataset(state.run / "summary.zarr")
    curve = reductions.tuning_from_summary(summary)
    adjusted = eta2_type_adjusted(run_tables(state.run))
    if not (state.stored and state.study.selectivity.draws):
        return curve.merge(adjusted)
    job, config = make_job(state, model), state.study.selectivity
    corpus = zarr.open_group(state.run / "corpus.zarr", mode="r")
    names = ("sentence", "sentence_position", "sentence_length", "document")
    sentence, position, length, document = (np.asarray(corpus[name][:]) for name in names)  # type: ignore[index]
    block = jackknife_blocks(np.asarray(corpus["document_start"][:]), len(sentence))  # type: ignore[index]
    plan = plan_boundaries(
        sentence, position, length, document, block, state.study.seed,
        carry=job.carry, end_symbol=has_end_symbol(state), reset=stream_starts(state),
    )  # fmt: skip
    log.info("sentence boundaries: %s", plan.attrs["note"])
    store = keep_plan(state, "boundaries", plan)
    draws = min(config.draws, SHIFT_DRAWS)
    found = by_neurons(
        state, model, "positions", tasks.position_block,
        lambda *_: (job, store, draws, config.alpha, state.study.seed), "analyses",
    )  # fmt: skip
    concluded = conclude_positions(assemble(found, summary), curve["eta2"], adjusted["eta2_type_adjusted"])
    return concluded.assign(n_token_in_table=adjusted["n_token_in_table"]).assign_attrs(note=plan.attrs["note"])


def idioms(state: Work, model: LanguageModel) -> xr.Dataset:
    """Return how neurons tell idioms from literal uses, from the same words elsewhere and from other phrases."""
    job, corpus = make_job(state, model), open_dataset(state.run / "corpus.zarr")
    states = open_dataset(state.beside or state.activations)
    surprisal = states["surprisal"].values if "surprisal" in states else None
    plan = plan_idioms(corpus, idiom_occurrences(state, corpus), surprisal, seed=state.study.seed)
    store = keep_plan(state, "idioms", plan)
    found = by_neurons(state, model, "idioms", tasks.idiom_block, lambda *_: (job, store), "analyses")
    blocks = gather_blocks([(*index, found[index]) for index in sorted(found)], model.layer_sizes)
    config = state.study.selectivity
    return conclude_idioms(blocks, plan, alpha=config.alpha, seed=state.study.seed)


def semantic_categories(state: Work, model: LanguageModel) -> xr.Dataset:
    """Return which neurons are called for which category of words, by which words, and what categories share."""
    scores = open_dataset(state.run / "selectivity.zarr").load()
    tables = run_tables(state.run)
    types = [str(form) for form in open_dataset(state.run / "corpus.zarr")["type"].values]
    return categories(scores, tables, types, state.study.selectivity.alpha)


def idiom_occurrences(state: Work, corpus: xr.Dataset) -> xr.Dataset:
    """Return the occurrences of the study's idioms: those of its lexicon, else those that the corpus marks.

    Raises
    ------
    UserError
        If the study has neither.
    """
    found = find_occurrences(state, corpus)
    if found is not None:
        return found
    raise UserError(
        "The analysis idioms needs occurrences of idioms, and the study names none. Give {source: idioms, file: ...} "
        "under concepts, or a corpus of JSON lines that marks them; or take idioms out of analyses."
    )


def has_end_symbol(state: Work) -> bool:
    """Whether each sentence of the corpus ends with a symbol that is no word."""
    return state.record.facts["corpus"].get("end_of_sentence") is not None


def without_tests(study: Study) -> str:
    """Return why a study without tests cannot call neurons for categories."""
    if study.selectivity.draws:
        return ""
    return (
        "The analysis categories calls neurons by a permutation test, and this study makes none "
        "(selectivity.draws: 0). Set selectivity.draws: 2000, or take categories out of analyses."
    )


def without_states(study: Study, name: str = "idioms", read: str = "states at single tokens") -> str:
    """Return why a study that keeps no states cannot look at single tokens, or at a neuron's course."""
    if study.store.activations != "none":
        return ""
    where = "phrases out of the study" if name == "matches" else f"{name} out of analyses"
    return (
        f"The analysis {name} reads {read}, and this study keeps none (store: none). Set "
        f"store.activations: float32, or take {where}."
    )


def without_courses(study: Study, name: str) -> str:
    """Return why a study that keeps no states cannot read neurons from the first token to the last."""
    return without_states(study, name, "each neuron over the whole corpus")


ANALYSES: dict[str, Analysis] = {
    "sentence_position": Analysis(sentence_position),
    "categories": Analysis(semantic_categories, without_tests),
    "idioms": Analysis(idioms, without_states, schema.IDIOM_VARIABLES),
    "matches": Analysis(matches, partial(without_states, name="matches"), schema.PHRASE_MATCHES),
    "tuning": Analysis(tuning, variables=schema.GRADED_TUNING),
    "periodicity": Analysis(periodicity, partial(without_courses, name="periodicity"), schema.PERIODICITY),
    "neuron_matching": Analysis(
        neuron_matching, partial(without_courses, name="neuron_matching"), schema.NEURON_MATCHING
    ),
    "pca": Analysis(pca, variables=schema.PCA_VARIABLES),
    "probes": Analysis(probes, variables=schema.PROBE_VARIABLES),
    "lesion": Analysis(lesion, without_lesion, schema.LESION),
}
LAST = "lesion"
"""The analysis that looks at what the others have found."""


def analyses_stage(state: Work, model: LanguageModel) -> None:
    """Do the analyses that the study asks for."""
    names = state.study.analyses or ()
    with state.stage("analyses", *(f"{name}.zarr" for name in names)):
        for name in sorted(names, key=lambda name: name == LAST):
            analysis = ANALYSES[name]
            found = analysis.function(state, model)
            write_dataset(state.run / f"{name}.zarr", found, state.prints["analyses"], analysis.variables)
    forget_plans(state)
    forget_blocks(state)
