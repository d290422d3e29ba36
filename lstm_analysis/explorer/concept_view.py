"""The card of a concept."""

from dataclasses import dataclass
from urllib.parse import urlencode

import pandas as pd
from bokeh.document import Document
from bokeh.model import Model

from ..report.scale import Scale, leading_scale
from ..report.score_distribution import score_distribution
from ..selectivity import RANKABLE, leading_measure
from .address import Query
from .card_parts import OF_CONCEPT, draw_parts, make_parts
from .card_parts import SHOWN as PARTS_SHOWN
from .choices import by_source, first_concepts
from .concept_card import contrasts, counts_of, idiom_matrix, overlaps, rankable_scores, ranked
from .concept_figures import effect_figure, matrix_figure
from .holdings import Holdings
from .look import readable
from .pages import fill

N_RANKED = 25
COLUMNS = ("type_smd", "breadth", "p_value", "p_fwer", "q_value")
SHOWN = ("scores", "labels", "categories", "idioms", *PARTS_SHOWN)
"""Datasets that the card shows."""


@dataclass(frozen=True)
class ConceptAddress:
    """What the card shows: a concept, the score that ranks its neurons, the controls of idioms."""

    concept: str
    by: str
    contrast: str

    def query(self) -> str:
        """Return the state as the query of an address."""
        return urlencode({"concept": self.concept, "by": self.by, "contrast": self.contrast})


def concept_address(query: Query, holdings: Holdings) -> ConceptAddress:
    """Return the state that a query asks for."""
    scores, kinds = holdings.scores, contrasts(holdings)
    return ConceptAddress(
        query.one_of("concept", holdings.concepts, next(iter(first_concepts(holdings)), "")),
        query.one_of("by", rankable_scores(holdings), "" if scores is None else leading_measure(scores)),
        query.one_of("contrast", kinds, next(iter(kinds), "")),
    )


def concept_view(holdings: Holdings, doc: Document) -> None:
    """Fill a document with the card of a concept."""
    query = Query.of(doc)
    address = concept_address(query, holdings)
    values = {
        "address": address, "concepts": by_source(holdings), "problems": query.notes, "alpha": holdings.alpha,
        "missing": [], "rows": [], "n_ranked": 0, "columns": [], "counts": {}, "null": "", "overlap": [], "shared": "",
        "matrix": None, "contrasts": contrasts(holdings), "rankable": rankable_scores(holdings), "meaning": "",
    }  # fmt: skip
    figures: dict[str, Model] = {}
    if holdings.scores is not None and address.concept:
        every = ranked(holdings, address.concept, address.by, None)
        figures["effect"] = _effect(holdings, address, every)
        table, shared = overlaps(holdings, address.concept)
        values |= {
            "rows": every[:N_RANKED].to_dict("records"), "n_ranked": len(every),
            "columns": [name for name in COLUMNS if name in every and every[name].notna().any()],
            "counts": counts_of(holdings, address.concept),
            "null": str(every["p_null"].iloc[0]) if "p_null" in every and len(every) else "",
            "overlap": table.to_dict("records"), "shared": shared, "meaning": RANKABLE[address.by].meaning,
        }  # fmt: skip
    made = make_parts(OF_CONCEPT, holdings, address.concept)
    figures |= draw_parts(OF_CONCEPT, holdings, address.concept, made)
    source = dict(zip(holdings.concepts, holdings.sources, strict=True)).get(address.concept, "")
    if address.contrast and is_idiom(holdings, address.concept, source):
        matrix = idiom_matrix(holdings, address.contrast, address.concept)
        values["matrix"] = matrix
        if matrix is not None:
            figures["matrix"] = matrix_figure(matrix, address.concept)
    values |= {"parts": made, "missing": holdings.reasons(*SHOWN)}
    fill(doc, holdings, "/concept", "concept.html", figures, values)


def is_idiom(holdings: Holdings, concept: str, source: str) -> bool:
    """Whether a concept is an idiom, or all idioms of its source together."""
    if holdings.idioms is None:
        return False
    names = {str(name) for name in holdings.idioms["idiom"].values}
    of_source = {name for name, other in zip(holdings.concepts, holdings.sources, strict=True) if other == source}
    return bool(names & of_source)


def _effect(holdings: Holdings, address: ConceptAddress, every: pd.DataFrame) -> Model:
    assert holdings.scores is not None
    chance = next((name for name in ("q_value", "p_value") if name in every and every[name].notna().any()), "")
    if chance:
        return effect_figure(every, address.by, chance, holdings.alpha, RANKABLE[address.by].neutral or 0.0)
    leading = leading_scale(holdings.scores)
    one = holdings.scores.isel(concept=holdings.concepts.index(address.concept))
    scale = leading if leading.measure == address.by else _scale(every, address.by)
    return readable(score_distribution(one, scale))


def _scale(every: pd.DataFrame, by: str) -> Scale:
    middle = RANKABLE[by].neutral or 0.0
    reach = float((every[by] - middle).abs().max()) if every[by].notna().any() else 1.0
    return Scale(by, middle, reach or 1.0)


def concept_table(holdings: Holdings, query: Query) -> pd.DataFrame | None:
    """Return all ranked neurons of a concept as a table; ``None`` without scores."""
    address = concept_address(query, holdings)
    return None if holdings.scores is None else ranked(holdings, address.concept, address.by, None)


def overlap_table(holdings: Holdings, query: Query) -> pd.DataFrame | None:
    """Return what a concept shares with others as a table; ``None`` without scores."""
    address = concept_address(query, holdings)
    return None if holdings.scores is None else overlaps(holdings, address.concept)[0]


def matrix_table(holdings: Holdings, query: Query) -> pd.DataFrame | None:
    """Return the matrix of idioms as a table; ``None`` if there is none."""
    address = concept_address(query, holdings)
    matrix = idiom_matrix(holdings, address.contrast, address.concept) if address.contrast else None
    return None if matrix is None else matrix.table()


def concept_part_table(part: str, holdings: Holdings, query: Query) -> pd.DataFrame | None:
    """Return the table of a part of the card; ``None`` if there is none."""
    table = OF_CONCEPT[part].table
    return None if table is None else table(holdings, concept_address(query, holdings).concept)
