"""Analysis probes: how much of a concept one, two, four and eight neurons hold."""

import numpy as np
import xarray as xr

from .. import tasks
from ..analyses.probes import empty_probe
from ..inference.model import LanguageModel
from .columns import do_kept
from .plans import keep_plan
from .words import study_words
from .work import Work


def probes(state: Work, model: LanguageModel) -> xr.Dataset:
    """Return the sparse probes of the study's concepts that are decided by their words."""
    words = study_words(state)
    plan = words.plan().assign(effect=(("table_type", "kept"), words.table.effect.astype(np.float32)))
    store = keep_plan(state, "probes", plan)
    queue = {(k,): (state.run.resolve(), store, i, state.study.seed) for i, k in enumerate(words.told)}
    found = do_kept(state, "probes", tasks.probe_concept, queue, "analyses", "concepts")
    whole = xr.concat([found.get((k,), empty_probe()) for k in range(len(words.sets))], dim="concept")
    chosen, there = whole["chosen"].values, whole["chosen"].values >= 0
    flat = np.where(there, words.table.neuron[chosen], -1) if words.table.neuron.size else chosen
    places = {"chosen_layer": flat // model.n_neuron, "chosen_neuron": flat % model.n_neuron}
    found_at = {name: (whole["chosen"].dims, np.where(there, place, -1)) for name, place in places.items()}
    return whole.drop_vars("chosen").assign(found_at).merge(words.counts())
