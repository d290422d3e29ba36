"""Copies of documents against a comparison of their tokens."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.corpus import copies
from lstm_analysis.corpus.copies import find_copies


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=4), min_size=1, max_size=9), st.integers(1, 7))
def test_copies_are_the_documents_of_the_same_tokens(documents, rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "ROWS_AT_ONCE", rows)
        starts = np.cumsum([0, *map(len, documents)])[:-1]
        type_id = np.array([token for document in documents for token in document], np.int32)
        corpus = xr.Dataset({"type_id": ("time", type_id), "document_start": ("document_name", starts)})
        found = find_copies(corpus)
    assert found == [(i, documents.index(tokens)) for i, tokens in enumerate(documents) if documents.index(tokens) < i]
