"""Neurons of two runs matched: by their states over the same tokens, or by what they are selective for."""

import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import tasks
from .analyses.neuron_matching import MIN_CONCEPT, Best, best_of, fingerprint_correlation
from .cluster import work
from .errors import UsageError, UserError
from .locations import exists
from .matching_plan import plan_of_two
from .matching_result import between_models
from .neuron_pairs import MOST_WHOLE, Pair, Pairs, gather_pairs, is_whole, pair_queue
from .progress import Progress, Step
from .record import product
from .run import Run
from .schema import NEURON_MATCHING, attach_attrs
from .selectivity import is_present
from .stages.work import explain
from .store import write_dataset
from .tasks import MatchedStates

if TYPE_CHECKING:
    from distributed import Client

By = Literal["states", "selectivity"]
Bar = Callable[[str, int], Progress]
SCORE = "auroc"
"""The score that fingerprints are made of."""


def match_neurons(
    run: Run,
    other: Run,
    *,
    by: By = "states",
    seed: int = 0,
    client: "Client | None" = None,
    folder: Path | None = None,
    progress: Bar | None = None,
) -> xr.Dataset:
    """Return which neurons of two runs do the same.

    Parameters
    ----------
    run, other
        Two models, or one at two epochs of its training. If the study of the first one has a random twin and the
        analysis ``neuron_matching``, |r| with that twin is what unrelated neurons reach.
    by
        ``states``: Pearson's r of h over the tokens that both read, which must be the same texts; models of other
        vocabularies are aligned by words. ``selectivity``: of the AUROC over the concepts that both runs have.
    seed
        Of the random rotations of the other model's layers.
    client
        A Dask client whose workers multiply.
    folder
        Where tasks find the tokens, seen by all workers; by default a temporary one of this machine.
    progress
        Makes the progress bar of a step, from its name and its pairs of blocks of neurons.

    Returns
    -------
    Dims (rank, layer, neuron): ``best_layer, best_neuron, r, r_residual``, the latter of what word types and places in
    the sentence leave; dims (layer, neuron): ``mutual``, ``r_rotated``, ``r_twin``, ``excess_r``, ``assigned_layer``,
    ``assigned_neuron``, ``assigned_r``; the best of each neuron of the other run, ``other_best_layer`` and so on, dims
    (rank, layer_other, neuron_other). NaN for constant neurons. With more than 4,096 neurons in one of the models there
    are no partners and no rotations.

    Raises
    ------
    UserError
        If the texts differ, a run keeps no states, or there are fewer than 8 common concepts.
    """
    if run.path.resolve() == other.path.resolve():
        raise UsageError(f"{run.path} was given twice. Its own duplicates are found by analyses: [neuron_matching].")
    if by == "selectivity":
        return attach_attrs(_by_selectivity(run, other, seed), NEURON_MATCHING)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".neuron_matching.") as place:
        found = _by_states(run, other, seed, client, Path(place) / "plan.zarr", progress or _bar)
        return attach_attrs(found, NEURON_MATCHING)


def _by_states(run: Run, other: Run, seed: int, client: "Client | None", plan: Path, progress: Bar) -> xr.Dataset:
    mine, second = _states(run, "my_row"), _states(other, "other_row")
    write_dataset(plan, plan_of_two(run, other))

    def pairs(one: MatchedStates, two: MatchedStates) -> Pairs:
        return gather_pairs(_do(client, plan, one, two, progress), one, two)

    found = pairs(mine, second)
    within = pairs(second, second) if is_whole(mine, second) else None
    r_twin = _reached_in_twin(run, mine)
    result = between_models(found, (mine.layer_sizes, second.layer_sizes), within, r_twin, seed)
    return result.assign_attrs(run=str(run.path), other=str(other.path), by="states", baseline=_baseline(r_twin))


def _reached_in_twin(run: Run, states: MatchedStates) -> NDArray[np.float64] | None:
    """Return the largest |r| of each neuron with the run's random twin, ``None`` if that is not known."""
    if run.twin is None or "neuron_matching" not in run.record["study"]["analyses"]:
        return None
    r_twin = run.twin.neuron_matching["r_twin"].values
    return np.concatenate([r_twin[layer, :size] for layer, size in enumerate(states.layer_sizes)])


def _do(
    client: "Client | None", plan: Path, one: MatchedStates, two: MatchedStates, progress: Bar
) -> Iterator[tuple[Pair, xr.Dataset]]:
    queue = pair_queue(plan.resolve(), one, two)
    left = deque((index, *arguments) for index, arguments in queue.items())
    with progress("neuron-pairs", len(queue)) as bar:
        for (index, *_), outcome in work(client, "neuron-pairs", tasks.pair_block, left):
            if isinstance(outcome, UserError):
                raise outcome
            if isinstance(outcome, BaseException):
                raise UserError(f"Matching neurons failed: {explain(outcome, plan.parent)}") from outcome
            yield cast(Pair, index), outcome
            bar.update(1)


def _bar(name: str, n_pair: int) -> Progress:
    return Progress(Step(name, "pairs", n_pair))


def _states(run: Run, rows: str) -> MatchedStates:
    """Return the states of a run, refusing one that keeps none."""
    products = run.record["stages"].get("activations", {}).get("products", ())
    name = next((name for name in products if name.endswith("activations.zarr")), "activations.zarr")
    place = product(run.path, name)
    if run.record["study"]["model"].get("twin") is not None and not exists(place, "The store"):
        raise UserError(
            f"{run.path} is a random twin, whose states are not kept. What the neurons of its model reach in it is "
            "r_twin in its neuron_matching.zarr (analyses: [neuron_matching])."
        )
    sizes = run.activations.attrs.get("layer_sizes") or run.facts["model"]["layer_sizes"]
    if "hidden_state" not in run.activations:
        raise UserError(f"{run.path} keeps no hidden_state. Run its study with hidden among inference.states.")
    return MatchedStates(place if isinstance(place, str) else place.resolve(), tuple(sizes), rows)


def _by_selectivity(run: Run, other: Run, seed: int) -> xr.Dataset:
    """Return neurons matched by their scores over common concepts."""
    scores = [one.selectivity for one in (run, other)]
    twin = None if run.twin is None else run.twin.selectivity
    concepts = _common_concepts(run, other, *scores)
    mine, second = (_flat(one, concepts) for one in scores)
    sizes = tuple(is_present(one).sum("neuron").values.tolist() for one in scores)
    found = _fingerprint_pairs(mine, second)
    within = _fingerprint_pairs(second, second)
    of_twin = None if twin is None else np.abs(_fingerprint_pairs(mine, _flat(twin, concepts)).mine.r[:, 0])
    result = between_models(found, (sizes[0], sizes[1]), within, of_twin, seed)
    result = result.drop_vars([name for name in result if "residual" in str(name)]).drop_vars("n_token")
    attrs = {"run": str(run.path), "other": str(other.path), "by": "selectivity", "baseline": _baseline(of_twin)}
    return result.assign(n_concept=len(concepts)).assign_attrs(attrs)


def _common_concepts(run: Run, other: Run, mine: xr.Dataset, second: xr.Dataset) -> list[str]:
    """Return the concepts that both runs have a score for, in the order of the first."""
    scored = []
    for one, scores in ((run, mine), (other, second)):
        if SCORE not in scores:
            raise UserError(f"{one.path} has no {SCORE}; name it under selectivity.measures and run the study again.")
        scored.append(scores["concept"].values[scores[SCORE].notnull().any(("layer", "neuron")).values].tolist())
    common = [name for name in dict.fromkeys(scored[0]) if name in set(scored[1])]
    if len(common) < MIN_CONCEPT:
        raise UserError(
            f"{run.path} and {other.path} have {len(common)} concepts with scores in common, which says nothing of "
            f"their neurons; {MIN_CONCEPT} are needed. Give both studies the same concepts."
        )
    return common


def _flat(scores: xr.Dataset, concepts: list[str]) -> NDArray[np.float64]:
    """Return the scores of all neurons, layer by layer, dims (concept, neuron)."""
    one = scores[SCORE].transpose("concept", "layer", "neuron")
    names = one["concept"].values.tolist()
    values = one.values[[names.index(name) for name in concepts]].astype(np.float64)
    found: NDArray[np.float64] = values[:, is_present(scores).transpose("layer", "neuron").values]
    return found


def _fingerprint_pairs(mine: NDArray[np.float64], other: NDArray[np.float64]) -> Pairs:
    """Return the pairs of all neurons by their scores."""
    if max(mine.shape[1], other.shape[1]) > MOST_WHOLE:
        raise UserError(f"Matching by selectivity holds all pairs of neurons; more than {MOST_WHOLE:,} are too many.")
    r = fingerprint_correlation(mine, other).astype(np.float32)
    if mine is other:
        np.fill_diagonal(r, np.nan)
    nothing = np.full(r.shape, np.nan, np.float32)
    best: tuple[Best, Best] = best_of(r, nothing, 0), best_of(r.T, nothing.T, 0)
    return Pairs(*best, r, nothing, other.std(axis=0))


def _baseline(r_twin: NDArray[np.floating] | None) -> str:
    return "rotation" if r_twin is None else "twin"
