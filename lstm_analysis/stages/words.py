"""The words of a study's concepts as sets that classifiers may tell apart; what their tasks read."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..statistics.type_table import TABLE_DIMS, TypeTable, read_type_table
from ..statistics.word_sets import WordSet, word_sets
from .tables import run_tables
from .work import Work


@dataclass(frozen=True)
class StudyWords:
    """The word sets of a study.

    Parameters
    ----------
    table
        Effects of the words.
    sets
        One for each concept.
    value_sd
        Standard deviation over tokens of each neuron of the table, dims (neuron).
    coords
        ``concept`` and ``source``.
    """

    table: TypeTable
    sets: tuple[WordSet, ...]
    value_sd: NDArray[np.float64]
    coords: dict[str, xr.DataArray]

    @property
    def told(self) -> list[int]:
        """The concepts whose words are told apart."""
        return [k for k, words in enumerate(self.sets) if not words.reason]

    def plan(self) -> xr.Dataset:
        """Return what tasks need to know of the sets that are told apart.

        ``stratum``, ``member`` (told, table_type), ``name`` (told), ``type_n_token`` (table_type).
        """
        dims, n_type, sets = ("told", "table_type"), len(self.table.n_token), [self.sets[k] for k in self.told]
        stratum = np.array([words.matching.stratum for words in sets], np.int32).reshape(len(sets), n_type)
        member = np.array([words.matching.member for words in sets], bool).reshape(len(sets), n_type)
        return xr.Dataset(
            {
                "stratum": (dims, stratum),
                "member": (dims, member),
                "name": ("told", np.array([words.name for words in sets], dtype=object)),
                "type_n_token": ("table_type", self.table.n_token),
            }
        )

    def counts(self) -> xr.Dataset:
        """Return ``n_type_member``, ``n_type_matched`` and ``untold``, dims (concept)."""
        told = [not words.reason for words in self.sets]
        sizes = {name: [getattr(words, name) for words in self.sets] for name in ("n_used", "n_matched")}
        return xr.Dataset(
            {
                "n_type_member": ("concept", np.where(told, sizes["n_used"], 0)),
                "n_type_matched": ("concept", np.where(told, sizes["n_matched"], 0)),
                "untold": ("concept", np.array([words.reason for words in self.sets], dtype=object)),
            },
            self.coords,
        )


def study_words(state: Work) -> StudyWords:
    """Return the words of a study's concepts, from the tables of its summary and its corpus."""
    tables = run_tables(state.run)
    arrays = {name: tables[name].transpose(*dims).values for name, dims in TABLE_DIMS.items() if name in tables}
    table = read_type_table(arrays)
    names = [
        f"{source}\n{name}" for source, name in zip(tables["source"].values, tables["concept"].values, strict=True)
    ]
    coords = {name: tables[name] for name in ("concept", "source")}
    return StudyWords(table, word_sets(table, names), arrays["value_sd"].ravel()[table.neuron], coords)
