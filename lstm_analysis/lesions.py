"""Neurons of a finished run taken out of its model, and what that costs kept beside the run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import xarray as xr

from . import schema
from .disk import check_folder
from .errors import UsageError
from .inference.lesion_passages import Kind
from .lock import RunLock
from .run import Run
from .stages.columns import forget_blocks_of
from .stages.lesion import LesionOptions, lesion_run
from .stages.lesion_choice import Chosen
from .stages.lesion_plan import refuse_unknown
from .store import write_dataset

if TYPE_CHECKING:
    from distributed import Client

Neuron = tuple[int, int]
STORE = "lesion.zarr"


def lesion(
    run: Run,
    lesions: Sequence[Neuron | Sequence[Neuron]],
    *,
    kind: Kind = "mean",
    n_token: int = 500,
    n_before: int = 32,
    n_random: int = 100,
    seed: int = 0,
    chosen_for: Mapping[Neuron, Sequence[str]] | None = None,
    output: Path | None = None,
    force: bool = False,
    client: "Client | None" = None,
) -> xr.Dataset:
    """Return what the model of a run loses without some neurons, and keep it beside the run.

    A lesion replaces h of its neurons for every reader of it: the recurrent matrix, the next layer, the decoder.

    Parameters
    ----------
    run
        A run of a study with scores. Without stored states its documents are read from their beginnings.
    lesions
        A neuron ``(layer, neuron)`` each, or several that are taken out together.
    kind
        What h is replaced by: its ``mean`` over the corpus, ``zero``, or (``resample``) what it is at other tokens.
    n_token
        Most tokens of a concept that are looked at, and as many matched controls.
    n_before
        Tokens that are read with the lesion before the first one that is looked at: with more the result comes nearer
        to that of a lesion that always was.
    n_random
        Random neurons of the same layer, alike in variance and outgoing norm, that each lesion is held against.
    seed
        Of what is drawn.
    chosen_for
        Concepts that neurons were chosen for: they count as selective for them.
    output
        Where the result is kept; by default ``lesion.zarr`` in the run.
    force
        Replace what is there.
    client
        A Dask client whose workers do it; by default this process does.

    Returns
    -------
    See `schema.LESION`; ``delta_loss`` (lesion, concept, prediction) is what the concept's tokens lose above their
    controls, in nats a token. ``prediction`` is ``next`` (of the token after it, having read it) or ``token`` (of the
    concept's token itself).

    Raises
    ------
    UserError
        If the run lacks what is needed, there is no such neuron, or a result would be overwritten.
    """
    place = refuse_overwriting(run, output, force)
    sets = [(cast(Neuron, one),) if isinstance(one[0], int) else tuple(cast(Sequence[Neuron], one)) for one in lesions]
    if not sets or not all(sets):
        raise UsageError("No neuron is named. Give at least one, as (layer, neuron), such as (1, 387).")
    refuse_unknown(run, sets)
    options = LesionOptions(kind, n_token, n_before, n_random, seed)
    chosen: Chosen = {(neuron,): list(names) for neuron, names in (chosen_for or {}).items()}
    with RunLock(run.path):
        found = lesion_run(run, sets, options, chosen, client)
        write_dataset(place, found, run.record["stages"]["selectivity"]["fingerprint"], schema.LESION)
        forget_blocks_of(run.path, "lesion")
    return found


def refuse_overwriting(run: Run, output: Path | None, force: bool) -> Path:
    """Return where the result goes.

    Raises
    ------
    UsageError
        If something is there that may not be replaced.
    """
    place = run.path / STORE if output is None else output
    if place.resolve() == (run.path / STORE).resolve() and "lesion" in run.record["study"]["analyses"]:
        raise UsageError(f"{place} belongs to the run's study (analyses: [lesion]). Give --output for another place.")
    if place.exists() and not force:
        raise UsageError(f"{place} is there already. Give --force to replace it, or --output for another place.")
    if place.exists() and not (place / "zarr.json").exists():
        raise UsageError(f"{place} is there and no store. Give another --output.")
    check_folder(place.parent)
    return place
