"""What a neuron's card shows when it is asked for, because all of its states, or all states, are read for it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from ..match.of_run import neuron_contexts, neurons_alike
from ..report.numerals import neuron_name
from ..report.passages import Passage, Token
from .holdings import Holdings
from .stretch import Neuron, column, read_words

N_ALIKE, N_MIDDLE = 12, 8


@dataclass(frozen=True)
class Alike:
    """Neurons that do much the same as one.

    Parameters
    ----------
    table
        Columns ``neuron, correlation, lag, jaccard_on, jaccard_opposite``, the largest correlation in size first.
    n_neuron
        Neurons that were compared.
    """

    table: pd.DataFrame
    n_neuron: int


def alike(holdings: Holdings, neuron: Neuron, threshold: float = 0.3) -> Alike:
    """Return the neurons most correlated with one, at any of a few lags; reads all states.

    Raises
    ------
    UserError
        If the run has no states.
    """
    found = neurons_alike(holdings.run, *neuron, threshold=threshold)
    names = ("correlation_best", "lag_best", "jaccard_on", "jaccard_opposite")
    flat = {name: found[name].transpose("layer", "neuron").values for name in names}
    size = np.abs(flat["correlation_best"])
    size[neuron] = np.nan
    n_known = int(np.isfinite(size).sum())
    order = np.argsort(np.where(np.isnan(size), np.inf, -size), axis=None, kind="stable")[:n_known]
    layer, number = np.unravel_index(order[:N_ALIKE], size.shape)
    rows = {"neuron": [neuron_name(a, b) for a, b in zip(layer.tolist(), number.tolist(), strict=True)]}
    columns = {"correlation": "correlation_best", "lag": "lag_best", "jaccard_on": "jaccard_on",
               "jaccard_opposite": "jaccard_opposite"}  # fmt: skip
    table = pd.DataFrame(rows | {name: flat[stored][layer, number] for name, stored in columns.items()})
    return Alike(table, len(order))


def middle(holdings: Holdings, neuron: Neuron) -> tuple[Passage, ...]:
    """Return passages where a neuron is in the middle of its range; reads all its values.

    Raises
    ------
    UserError
        If the run has no states.
    """
    found = neuron_contexts(holdings.run, *neuron, n=N_MIDDLE).sel(part="middle")
    kept = [rank for rank in range(found.sizes["rank"]) if found["context_time"].values[rank] >= 0]
    return tuple(_passage(holdings, found.isel(rank=rank)) for rank in kept)


def _passage(holdings: Holdings, one: xr.Dataset) -> Passage:
    """Return the passage around a token, inside its document."""
    time, offsets = int(one["context_time"].item()), one["offset"].values
    start, stop = max(0, time + int(offsets[0])), min(holdings.n_token, time + int(offsets[-1]) + 1)
    words, documents = read_words(holdings, start, stop), column(holdings, "document", start, stop)
    values = dict(zip((time + offsets).tolist(), one["neighbour_value"].values.tolist(), strict=True))
    tokens = {
        at: Token(word, float(values[at]), False)
        for at, word, document in zip(range(start, stop), words, documents.tolist(), strict=True)
        if document == documents[time - start]
    }
    before = tuple(token for at, token in tokens.items() if at < time)
    after = tuple(token for at, token in tokens.items() if at > time)
    return Passage(str(one["document_name"].item()), time, before, tokens[time], after)
