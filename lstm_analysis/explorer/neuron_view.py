"""The card of a neuron."""

import pandas as pd
from bokeh.document import Document
from bokeh.model import Model

from ..report.cliff_figure import cliff_figure
from ..report.numerals import neuron_name
from ..report.tuning_curve import tuning_curve
from ..selectivity import leading_measure
from .address import Query, known_neurons
from .choices import first_neurons
from .holdings import Holdings
from .look import readable
from .neuron_card import distribution, duplicates_of, facts_of, neighbours, passages_of, selectivity_of
from .neuron_figures import distribution_figure, selectivity_figure
from .pages import fill
from .stretch import Neuron


def asked_neuron(query: Query, holdings: Holdings) -> Neuron:
    """Return the neuron that a query asks for, else the first that a reader may want to see."""
    found = known_neurons(query, "neuron", holdings)
    return found[0] if found else first_neurons(holdings)[0]


def neuron_view(holdings: Holdings, doc: Document) -> None:
    """Fill a document with the card of a neuron."""
    query = Query(doc.session_context.request.arguments if doc.session_context else {})
    neuron = asked_neuron(query, holdings)
    figures: dict[str, Model] = {}
    measure, table = "", pd.DataFrame()
    if holdings.scores is not None:
        measure, table = leading_measure(holdings.scores), selectivity_of(holdings, neuron)
        figures["selectivity"] = selectivity_figure(table, measure, holdings.alpha)
    spread = distribution(holdings, neuron)
    if spread is not None:
        figures["distribution"] = distribution_figure(spread)
    if holdings.tuning is not None:
        figures["tuning"] = readable(tuning_curve(holdings.tuning, *neuron))
        if "cliff_by_length" in holdings.tuning:
            figures["cliff"] = readable(cliff_figure(holdings.tuning, *neuron))
    values = {
        "neuron": neuron_name(*neuron), "about": facts_of(holdings, neuron), "measure": measure,
        "table": table.to_dict("records"), "alpha": holdings.alpha, "neighbours": neighbours(holdings, neuron),
        "passages": passages_of(holdings, neuron), "duplicates": duplicates_of(holdings, neuron),
        "missing": list(holdings.missing.values()), "problems": query.notes, "stored": holdings.states is not None,
    }  # fmt: skip
    fill(doc, holdings, "/neuron", "neuron.html", figures, values)


def neuron_table_of(holdings: Holdings, query: Query) -> pd.DataFrame | None:
    """Return the scores of a neuron for every concept as a table; ``None`` if there are none."""
    return None if holdings.scores is None else selectivity_of(holdings, asked_neuron(query, holdings))


def passages_table(holdings: Holdings, query: Query) -> pd.DataFrame:
    """Return the passages of a neuron, a row each: which end, document, token, value, text."""
    rows = [
        {"extreme": extreme, "document": one.document, "time": one.time, "value": one.centre.value,
         "before": " ".join(token.word for token in one.before), "token": one.centre.word,
         "after": " ".join(token.word for token in one.after)}
        for extreme, passages in passages_of(holdings, asked_neuron(query, holdings)).items() for one in passages
    ]  # fmt: skip
    return pd.DataFrame(rows)
