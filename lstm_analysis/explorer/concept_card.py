"""What the card of a concept says: its neurons, what it shares with other concepts, idioms against their controls."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..report.idiom_section import MEANINGS, best_in, by_occurrences
from ..report.numerals import neuron_name
from ..selectivity import RANKABLE, rank_neurons
from .holdings import Holdings

N_IDIOM, N_NEURON = 24, 14


@dataclass(frozen=True)
class IdiomMatrix:
    """AUROC of idioms against one kind of control, at the neurons that separate them best on average.

    Parameters
    ----------
    contrast, meaning
        The kind of control.
    idioms, neurons
        Names of rows and columns.
    auroc
        Dims (idiom, neuron), NaN where there are no controls.
    n_idiomatic, n_control
        Dims (idiom).
    n_all
        Idioms with occurrences.
    """

    contrast: str
    meaning: str
    idioms: list[str]
    neurons: list[str]
    auroc: NDArray[np.float64]
    n_idiomatic: NDArray[np.int64]
    n_control: NDArray[np.int64]
    n_all: int

    def table(self) -> pd.DataFrame:
        """Return a row an idiom: ``idiom, n_idiomatic, n_control`` and the AUROC of each neuron."""
        columns = {"idiom": self.idioms, "n_idiomatic": self.n_idiomatic, "n_control": self.n_control}
        return pd.DataFrame(columns | {name: self.auroc[:, j] for j, name in enumerate(self.neurons)})


def rankable_scores(holdings: Holdings) -> list[str]:
    """Return the scores of concepts that neurons can be ranked by."""
    scores = holdings.scores
    return [] if scores is None else [n for n in RANKABLE if n in scores and "concept" in scores[n].dims]


def ranked(holdings: Holdings, concept: str, by: str, n: int | None) -> pd.DataFrame:
    """Return the neurons most selective for a concept, duplicates as one; see `selectivity.rank_neurons`."""
    assert holdings.scores is not None
    return rank_neurons(holdings.scores, by, concept=concept, n=n)


def counts_of(holdings: Holdings, concept: str) -> dict[str, dict[str, int]]:
    """Return how many tokens, types and documents are target and baseline of a concept."""
    assert holdings.scores is not None
    one = holdings.scores.isel(concept=holdings.concepts.index(concept))
    names = {"n_token": "token", "n_type": "type", "n_document": "document"}
    groups = ("target", "baseline")
    return {g: {noun: int(one[name].sel(group=g).item()) for name, noun in names.items() if name in one}
            for g in groups}  # fmt: skip


def overlaps(holdings: Holdings, concept: str) -> tuple[pd.DataFrame, str]:
    """Return the concepts whose neurons a concept shares, most first, and what its set of neurons is.

    Returns
    -------
    Columns ``concept, n_shared, n_same_sign, jaccard, lift``, empty if it shares none; and the kind of set.
    """
    found = holdings.categories
    if found is not None and concept in holdings.concepts:
        i = holdings.concepts.index(concept)
        for kind in found["neuron_set"].values.tolist():
            one = found.sel(neuron_set=kind).isel(concept=i)
            table = _shared(one, holdings.concepts, i, "overlap_n", "overlap_jaccard", "overlap_lift")
            if len(table):
                table.insert(2, "n_same_sign", one["overlap_n_same_sign"].values[table.pop("place")])
                return table, "neurons called for it" if kind == "called" else "its strongest neurons"
    idioms = holdings.idioms
    if idioms is not None and concept in idioms["idiom"].values.tolist():
        names = [str(name) for name in idioms["idiom"].values]
        i = names.index(concept)
        for kind, said in (("selective", "neurons that differ at it"), ("active", "neurons active over it")):
            one = idioms.isel(idiom=i)
            table = _shared(one, names, i, f"n_{kind}_both", f"{kind}_jaccard", f"{kind}_lift")
            if len(table):
                return table.drop(columns="place"), said
    return pd.DataFrame(), ""


def _shared(one: xr.Dataset, names: list[str], own: int, n: str, jaccard: str, lift: str) -> pd.DataFrame:
    columns = {"concept": names, "n_shared": one[n].values, "jaccard": one[jaccard].values, "lift": one[lift].values}
    table = pd.DataFrame(columns | {"place": range(len(names))})
    table = table[(table["n_shared"] > 0) & (table["place"] != own)]
    return table.sort_values(["jaccard", "n_shared"], ascending=False, kind="stable").reset_index(drop=True)


def contrasts(holdings: Holdings) -> list[str]:
    """Return the kinds of controls of idioms of which there are any, literal uses first."""
    found = holdings.idioms
    if found is None:
        return []
    names = [str(name) for name in found["contrast"].values]
    known = [name for name in names if bool(found["auroc"].sel(contrast=name).notnull().any())]
    return sorted(known, key=lambda name: name != "literal")


def idiom_matrix(holdings: Holdings, contrast: str, concept: str) -> IdiomMatrix | None:
    """Return idioms against one kind of control; ``None`` if no idiom has any.

    Parameters
    ----------
    holdings
        A run with idioms.
    contrast
        One of `contrasts`.
    concept
        An idiom that is shown whatever its place, or another concept.
    """
    found = holdings.idioms
    assert found is not None
    one = found.sel(contrast=contrast)
    names = [str(name) for name in found["idiom"].values]
    n_idiomatic, n_control = one["n_idiomatic"].values, one["n_control"].values
    some = [i for i in by_occurrences(found) if n_idiomatic[i] > 0 and n_control[i] > 0]
    shown = some[:N_IDIOM]
    if concept in names and names.index(concept) in some and names.index(concept) not in shown:
        shown[-1] = names.index(concept)
    best = best_in(found, contrast)[:N_NEURON] or best_in(found, str(found.attrs["primary_contrast"]))[:N_NEURON]
    if not shown or not best:
        return None
    auroc = one["auroc"].transpose("idiom", "layer", "neuron").values[shown]
    return IdiomMatrix(
        contrast, MEANINGS.get(contrast, contrast), [names[i] for i in shown], [neuron_name(*place) for place in best],
        np.stack([auroc[:, layer, neuron] for layer, neuron in best], axis=1), n_idiomatic[shown], n_control[shown],
        len(some),
    )  # fmt: skip
