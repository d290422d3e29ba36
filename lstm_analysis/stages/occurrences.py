"""The occurrences of idioms that a study has."""

import xarray as xr

from .. import labels
from ..labels.idiom import Idioms
from .work import Work


def find_occurrences(state: Work, corpus: xr.Dataset) -> xr.Dataset | None:
    """Return the occurrences of the study's idioms: those of its lexicon, else those that the corpus marks."""
    for source in labels.build_sources(state.study.concepts, state.study.folder).values():
        if isinstance(source, Idioms):
            return labels.idiom_occurrences(corpus, source)
    return labels.mark_occurrences(corpus) if "mark_time" in corpus else None
