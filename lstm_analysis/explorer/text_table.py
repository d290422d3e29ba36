"""The tokens that the text view shows, as a table."""

from dataclasses import replace

import pandas as pd

from .address import Query, TextAddress, text_address
from .choices import first_concepts, first_neurons
from .holdings import Holdings
from .matching import find
from .stretch import read_stretch


def text_table(holdings: Holdings, query: Query) -> pd.DataFrame:
    """Return the tokens that are seen, with the values of the neurons and the labels of the concepts."""
    a = completed(text_address(query, holdings), query, holdings)
    stretch = read_stretch(holdings, a.at, a.stop, a.neurons, a.state, a.concepts)
    return stretch.table([str(name) for name in holdings.corpus["document_name"].values])


def completed(address: TextAddress, query: Query, holdings: Holdings) -> TextAddress:
    """Return an address with the neurons and tracks that are shown as long as none are asked for."""
    if not address.neurons and holdings.states is not None:
        address = replace(address, neurons=first_neurons(holdings))
    if not address.concepts and not query.given("concept"):
        address = replace(address, concepts=first_concepts(holdings))
    return address


def matches_table(holdings: Holdings, query: Query) -> pd.DataFrame | None:
    """Return the matches of the brushed span, a row each; ``None`` without a span or stored states.

    Raises
    ------
    UserError
        If the span selects no neuron.
    """
    a = text_address(query, holdings)
    if a.span is None or holdings.states is None:
        return None
    found = find(holdings, a)
    return pd.DataFrame({str(n): found[n].values for n in found.data_vars if found[n].dims == ("match",)})
