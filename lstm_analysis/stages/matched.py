"""A replicate's neurons matched with those of the study's model, while the states of both are there."""

from ..progress import Progress
from ..run import MATCHED, Run
from ..run_matching import match_neurons
from ..schema import NEURON_MATCHING
from ..store import write_dataset
from .work import Work, log


def match_replicate(state: Work, replicate: Work) -> None:
    """Write which neurons of the replicate do the same as those of the model; what is there is not done again."""
    place = replicate.run / MATCHED
    if place.exists():
        return
    names = {"run": state.study.name, "other": replicate.run.name}
    log.info("%s: its neurons are matched with those of the model", replicate.inside)

    def bar(name: str, n_pair: int) -> Progress:
        return state.progress(name, n_pair, unit="pairs")

    found = match_neurons(
        Run(state.run), Run(replicate.run), seed=state.study.seed, client=state.client, folder=state.run, progress=bar
    )
    write_dataset(place, found.assign_attrs(names), replicate.prints["analyses"], NEURON_MATCHING)
