"""The card of a neuron."""

from typing import Any

import pandas as pd
from bokeh.document import Document
from bokeh.model import Model

from ..analyses.tuning.conclusion import MIN_ETA2, MIN_R
from ..errors import UserError
from ..report.cliff_figure import cliff_figure
from ..report.numerals import neuron_name
from ..report.tuning_curve import tuning_curve
from ..selectivity import leading_measure
from .address import Query, known_neurons
from .alike import alike, middle
from .bridge import Bridge, Changes
from .card_parts import OF_NEURON, draw_parts, make_parts, titles_of
from .card_parts import SHOWN as PARTS_SHOWN
from .choices import first_neurons
from .holdings import Holdings
from .look import readable
from .neuron_card import distribution, duplicates_of, facts_of, neighbours, passages_of, selectivity_of
from .neuron_figures import distribution_figure, selectivity_figure
from .pages import fill, fragment
from .stretch import Neuron

SHOWN = ("scores", "labels", "contexts", "summary", "sentence_position", "states", *PARTS_SHOWN)
"""Datasets that the card shows."""


def asked_neuron(query: Query, holdings: Holdings) -> Neuron:
    """Return the neuron that a query asks for, else the first that a reader may want to see."""
    found = known_neurons(query, "neuron", holdings)
    return found[0] if found else first_neurons(holdings)[0]


def neuron_view(holdings: Holdings, doc: Document) -> None:
    """Fill a document with the card of a neuron."""
    NeuronPage(holdings, doc, Query.of(doc))


class NeuronPage:
    """The card of a neuron in one tab. What needs all states is read when it is asked for (``more=1``).

    Parameters
    ----------
    holdings
        The run.
    doc
        The tab's document.
    query
        Of its address.
    """

    def __init__(self, holdings: Holdings, doc: Document, query: Query) -> None:
        self._holdings, self._neuron = holdings, asked_neuron(query, holdings)
        self._name = neuron_name(*self._neuron)
        self._bridge = Bridge(doc, self.ask)
        made = make_parts(OF_NEURON, holdings, self._neuron)
        values = self._values() | {"problems": query.notes, "middle": "", "alike": ""}
        values |= {"parts": made, "titles": titles_of(OF_NEURON, made), "has_twin": holdings.run.twin is not None}
        figures = self._figures(values["table"]) | draw_parts(OF_NEURON, holdings, self._neuron, made)
        values |= {"table": values["table"].to_dict("records"), "missing": holdings.reasons(*SHOWN)}
        fill(doc, holdings, "/neuron", "neuron.html", figures | self._bridge.figures, values)
        if query.text("more") == "1":
            doc.add_timeout_callback(lambda: self.ask({"more": ["1"]}), 200)

    def ask(self, changes: Changes) -> None:
        """Read what needs all states, and show it."""
        if not changes.get("more") or self._holdings.states is None:
            return
        waiting = fragment("waiting.html")
        self._tell({"alike": waiting, "middle": waiting})
        neuron, holdings = self._neuron, self._holdings
        self._bridge.later(lambda: middle(holdings, neuron), lambda found: self._show("middle", found))
        self._bridge.later(lambda: alike(holdings, neuron), lambda found: self._show("alike", found))

    def _show(self, part: str, found: object) -> None:
        file = "mistake.html" if isinstance(found, UserError) else f"{part}.html"
        self._tell({part: fragment(file, found=found, neuron=self._name)})

    def _tell(self, parts: dict[str, str]) -> None:
        self._bridge.tell(f"neuron={self._name}&more=1", parts)

    def _values(self) -> dict[str, Any]:
        holdings, neuron = self._holdings, self._neuron
        scores = holdings.scores
        return {
            "neuron": self._name, "about": facts_of(holdings, neuron), "alpha": holdings.alpha,
            "measure": "" if scores is None else leading_measure(scores),
            "table": pd.DataFrame() if scores is None else selectivity_of(holdings, neuron),
            "neighbours": neighbours(holdings, neuron), "passages": passages_of(holdings, neuron),
            "duplicates": duplicates_of(holdings, neuron), "stored": holdings.states is not None,
            "graded_floors": (MIN_ETA2, MIN_R),
        }  # fmt: skip

    def _figures(self, table: pd.DataFrame) -> dict[str, Model]:
        holdings, neuron = self._holdings, self._neuron
        figures: dict[str, Model] = {}
        if holdings.scores is not None:
            measure = leading_measure(holdings.scores)
            figures["selectivity"] = selectivity_figure(table, measure, holdings.alpha)
        spread = distribution(holdings, neuron)
        if spread is not None:
            figures["distribution"] = distribution_figure(spread)
        if holdings.tuning is not None:
            figures["tuning"] = readable(tuning_curve(holdings.tuning, *neuron))
            if "cliff_by_length" in holdings.tuning:
                figures["cliff"] = readable(cliff_figure(holdings.tuning, *neuron))
        return figures


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


def alike_table(holdings: Holdings, query: Query) -> pd.DataFrame | None:
    """Return the neurons that do much the same as one as a table; ``None`` without stored states."""
    return None if holdings.states is None else alike(holdings, asked_neuron(query, holdings)).table


def part_table(part: str, holdings: Holdings, query: Query) -> pd.DataFrame | None:
    """Return the table of a part of the card; ``None`` if there is none."""
    table = OF_NEURON[part].table
    return None if table is None else table(holdings, asked_neuron(query, holdings))
