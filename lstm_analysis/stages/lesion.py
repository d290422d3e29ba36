"""Analysis lesion: what the model loses without some neurons, overall and at the tokens of each concept."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema, tasks
from ..analyses.lesion import NeuronSet, conclude_lesions, draw_random, outgoing_norms
from ..config import Study
from ..inference.lesion_passages import Kind, Lesion
from ..inference.model import LanguageModel
from ..inference.readers_of import readers_of
from ..lesion_config import LesionConfig
from ..progress import Progress, Step
from ..ranges import at_least
from ..record import fingerprint
from ..run import Run
from .columns import in_blocks
from .lesion_choice import Chosen, found_neurons, selective_for
from .lesion_plan import LesionPlan, moments, name_of, plan_lesions, refuse_unknown
from .lesion_streams import run_job, run_model
from .work import Work

if TYPE_CHECKING:
    from distributed import Client

log = logging.getLogger("lstm_analysis")

BLOCK_TOKENS = 8192
"""Tokens of the passages of a block."""
_SUMS = ("delta_sum", "delta_square_sum", "intact_sum", "n_token")
_SECONDS = ("intact_seconds", "lesioned_seconds")
Means = Sequence[NDArray[np.float64]]


@dataclass(frozen=True)
class LesionOptions(LesionConfig):
    """How lesions are made and looked at, and the ``seed`` of what is drawn."""

    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(0, self, "lesion", "seed")


def lesion(state: Work, model: LanguageModel) -> xr.Dataset:
    """Return what the model loses without the neurons that the study has found."""
    run = Run(state.run)
    chosen = found_neurons(run)

    def bar(n_block: int, n_done: int) -> Progress:
        return state.progress("lesion", n_block, unit="blocks", initial=n_done)

    options = LesionOptions(**vars(state.study.lesion), seed=state.study.seed)
    return lesion_run(run, list(chosen), options, chosen, state.client, bar)


def lesion_run(
    run: Run,
    lesions: Sequence[NeuronSet],
    options: LesionOptions,
    chosen: Chosen | None = None,
    client: "Client | None" = None,
    progress: Callable[[int, int], Progress] | None = None,
) -> xr.Dataset:
    """Return what the model of a run loses without some neurons; nothing but results of blocks is written.

    Parameters
    ----------
    run
        A run with scores. Where it keeps no states, or not all that its model carries, these are read anew.
    lesions
        Neurons (layer, neuron) of each lesion.
    options
        See `LesionOptions`.
    chosen
        Concepts that lesions were chosen for.
    client
        A Dask client whose workers do it.
    progress
        Makes the progress bar, of so many blocks of which so many are done.

    Returns
    -------
    See `schema.LESION`.

    Raises
    ------
    UserError
        If the run lacks what is needed, or there is no such neuron.
    """
    model, chosen = run_model(run), chosen or {}
    job = run_job(run, model)
    refuse_unknown(run, lesions)
    mean, sd = moments(run, model)
    draws = draw_random(lesions, sd, outgoing_norms(readers_of(model)), options.n_random, options.seed)
    rows = list(dict.fromkeys([*lesions, *(one for sets in draws for one in sets)]))
    plan = plan_lesions(run, chosen, options.n_token, options.n_before, options.seed)
    log.info(
        "lesion: %d neurons or sets, %d of them to hold the others against; %s passages, %s tokens", len(rows),
        len(rows) - len(lesions), f"{len(plan.windows.start):,}", f"{plan.windows.n_read:,}",
    )  # fmt: skip
    values = [Lesion(one, _values(one, mean, options.kind)) for one in rows]
    blocks = plan.windows.blocks(BLOCK_TOKENS)
    arguments = {(i,): (job, *plan.of_block(*block), values, options.seed) for i, block in enumerate(blocks)}
    prints = [run.record["stages"][stage]["fingerprint"] for stage in ("summary", "labels")]
    print_ = fingerprint("lesion", *prints, rows, plan.concepts, vars(options))
    bar = progress or (lambda n, done: Progress(Step("lesion", "blocks", n, done)))
    found = in_blocks(job.run, client, "lesion", tasks.lesion_block, arguments, print_, bar)
    sums = _sum([found[index] for index in sorted(found)], len(rows))
    concluded = conclude_lesions(sums, lesions, draws, {one: i for i, one in enumerate(rows)})
    return _described(concluded, run, lesions, plan, options, mean, chosen)


def _values(lesion: NeuronSet, mean: Means, kind: Kind) -> tuple[float, ...] | None:
    """Return what h of each neuron is replaced by."""
    if kind == "resample":
        return None
    return tuple(float(mean[layer][neuron]) if kind == "mean" else 0.0 for layer, neuron in lesion)


def _sum(blocks: Sequence[xr.Dataset], n_row: int) -> xr.Dataset:
    """Return the sums over all blocks, in their order; and tell what lesions cost."""
    total = {name: blocks[0][name].copy() for name in _SUMS}
    for block in blocks[1:]:
        for name in _SUMS:
            total[name] += block[name]
    intact, lesioned = (float(sum(block[name] for block in blocks)) for name in _SECONDS)
    log.info(
        "lesion: %d read side by side took %.1f times as long as the intact model alone, %.2f each",
        n_row, lesioned / intact, lesioned / intact / max(n_row, 1),
    )  # fmt: skip
    return xr.Dataset(total)


def _described(
    found: xr.Dataset,
    run: Run,
    lesions: Sequence[NeuronSet],
    plan: LesionPlan,
    options: LesionOptions,
    mean: Means,
    chosen: Chosen,
) -> xr.Dataset:
    """Return the results with their names, and with what is known of lesions and concepts beside them."""
    value = np.full(found["member_layer"].shape, np.nan)
    for row, one in zip(value, lesions, strict=True):
        row[: len(one)] = _values(one, mean, options.kind) or np.nan
    same = [int(array.sum()) for array in plan.tokens.same_type]
    coords = {name: run.selectivity[name].values[plan.concepts] for name in ("concept", "source")}
    attrs: dict[str, Any] = vars(options)
    return found.assign(
        member_value=(("lesion", "member"), value),
        selective=selective_for(run, lesions, plan.concepts, chosen),
        chosen_for=("lesion", np.array([", ".join(chosen.get(one, ())) for one in lesions], object)),
        n_control_same_type=("concept", np.array(same, np.int64)),
    ).assign_coords(
        lesion=np.array([name_of(one) for one in lesions], object),
        concept=coords["concept"].astype(object),
        source=("concept", coords["source"].astype(object)),
        group=np.array(schema.GROUPS, object),
    ).assign_attrs(attrs)  # fmt: skip


def without_lesion(study: Study) -> str:
    """Return why a study cannot take neurons out."""
    if study.store.activations == "float32" or study.inference.carry != "continuous":
        return ""
    return (
        "The analysis lesion begins from stored states, and without them from the beginning of streams; this study has "
        "one stream (carry: continuous) and keeps no full states. Set store.activations: float32, or take lesion out "
        "of analyses."
    )
