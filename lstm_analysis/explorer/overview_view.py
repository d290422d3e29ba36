"""The overview: facts of the run, the map of its neurons by any score, and its words by their mean states."""

from dataclasses import dataclass
from urllib.parse import urlencode

import pandas as pd
from bokeh.document import Document
from bokeh.model import Model

from ..report.overview import overview
from ..report.scale import leading_scale
from ..selectivity import leading_measure
from .address import Query
from .choices import by_source, first_concepts
from .holdings import Holdings
from .pages import fill
from .score_map import map_table, neuron_scores, score_map, score_names
from .word_map import members, word_figure, word_map


@dataclass(frozen=True)
class OverviewAddress:
    """What the overview shows: a score, a concept, and the layer of the words' states (-1: all)."""

    score: str
    concept: str
    layer: int

    def query(self) -> str:
        """Return the state as the query of an address."""
        return urlencode({"score": self.score, "concept": self.concept, "layer": self.layer})


def overview_address(query: Query, holdings: Holdings) -> OverviewAddress:
    """Return the state that a query asks for."""
    known = [name for names in score_names(holdings).values() for name in names]
    default = leading_measure(holdings.scores) if holdings.scores is not None else ""
    concept = next(iter(first_concepts(holdings)), "")
    return OverviewAddress(
        query.one_of("score", known, default),
        query.one_of("concept", holdings.concepts, concept),
        query.whole("layer", -1, -1, max(0, len(holdings.layer_sizes) - 1)),
    )


def overview_view(holdings: Holdings, doc: Document) -> None:
    """Fill a document with the overview."""
    query = Query.of(doc)
    address = overview_address(query, holdings)
    figures: dict[str, Model] = {}
    scores = neuron_scores(holdings, address.score, address.concept) if address.score else None
    if scores is not None:
        figures["map"] = score_map(scores)
    words = word_map(holdings, None if address.layer < 0 else address.layer)
    member = None if words is None else members(holdings, words, address.concept)
    if words is not None and member is not None:
        figures["words"] = word_figure(words, member, address.concept)
    facts = overview(holdings.material, leading_scale(holdings.material.scores)) if holdings.material else []
    values = {
        "address": address, "names": score_names(holdings), "concepts": by_source(holdings), "facts": facts,
        "scores": scores, "words": words, "n_member": 0 if member is None else int(member.sum()),
        "stages": holdings.run.record["stages"], "missing": list(holdings.missing.values()), "problems": query.notes,
        "n_layer": len(holdings.layer_sizes),
        "of_concept": holdings.scores is not None and address.score in holdings.scores,
    }  # fmt: skip
    fill(doc, holdings, "/", "overview.html", figures, values)


def overview_table(holdings: Holdings, query: Query) -> pd.DataFrame | None:
    """Return the scores on the map as a table; ``None`` if there are none."""
    address = overview_address(query, holdings)
    return map_table(neuron_scores(holdings, address.score, address.concept)) if address.score else None


def words_table(holdings: Holdings, query: Query) -> pd.DataFrame | None:
    """Return the words of the scatter as a table; ``None`` if there are none."""
    address = overview_address(query, holdings)
    words = word_map(holdings, None if address.layer < 0 else address.layer)
    return None if words is None else words.table(members(holdings, words, address.concept))
