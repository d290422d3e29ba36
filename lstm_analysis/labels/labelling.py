"""A corpus and label sources to labels: all at once in memory, or block by block."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from ..errors import UsageError
from .counts import LabelCounts
from .source import LabelSource, read_rows
from .word_view import word_view

BLOCK = 1 << 16


def label_corpus(corpus: xr.Dataset, sources: Mapping[str, LabelSource]) -> xr.Dataset:
    """Label every token of a corpus for every concept, in memory: one byte a token and concept.

    Parameters
    ----------
    corpus
        Corpus, in memory or lazy.
    sources
        Label sources by name; the name is that of the source's unnamed concept.

    Returns
    -------
    Dataset with `label` (time, concept), 1 target, 0 baseline, -1 left out; `n_token`, `n_type`, `n_document`
    (concept, group); the coordinates ``concept``, ``source`` (concept), ``group``, and `type_id`, `document` (time).

    Raises
    ------
    UserError
        If two sources have a concept of the same name, or a source does not fit the corpus.

    >>> from lstm_analysis.corpus.dataset import corpus_dataset
    >>> from lstm_analysis.corpus.sentences import Sentence
    >>> corpus = corpus_dataset([Sentence("d", ["one", "two", "three"])], None, None)
    >>> from lstm_analysis.labels import position
    >>> label_corpus(corpus, {"opening": position(first=2)}).label.sel(concept="opening").to_numpy()
    array([1, 1, 0], dtype=int8)
    """
    concepts, origins = concept_names(corpus, sources)
    counts = LabelCounts.empty(concepts, corpus.sizes["type"], corpus.sizes["document_name"])
    label = np.empty((corpus.sizes["time"], len(concepts)), dtype=schema.VARIABLES["label"].dtype)
    for start in range(0, len(label), BLOCK):
        stop = min(start + BLOCK, len(label))
        label[start:stop] = label_block(corpus, sources, start, stop)
        type_id, document = (read_rows(corpus, name, start, stop) for name in ("type_id", "document"))
        counts.update(label[start:stop], type_id, document)
    dataset = counts.finalise().assign(label=(schema.VARIABLES["label"].dims, label))
    dataset = dataset.assign_coords(source=("concept", np.array(origins, dtype=object)))
    dataset = dataset.assign_coords({name: corpus[name].variable for name in ("type_id", "document")})
    labels: xr.Dataset = schema.attach_attrs(dataset)
    return labels


def concept_names(corpus: xr.Dataset, sources: Mapping[str, LabelSource]) -> tuple[list[str], list[str]]:
    """Return the name of each concept and the name of the source it comes from.

    Raises
    ------
    UserError
        If there is no source, two have a concept of the same name, or a source does not fit the corpus.
    """
    if not sources:
        raise UsageError("There is no label source; give at least one, for example {source: position, first: 3}.")
    origin: dict[str, str] = {}
    for source_name, source in sources.items():
        for concept in source.names(word_view(corpus) if source.of_words else corpus):
            concept = concept or source_name
            if concept in origin:
                raise UsageError(
                    f"The concept {concept!r} comes from the label source {origin[concept]!r} and again from "
                    f"{source_name!r}. Each concept needs its own name: rename it in its file, or the source "
                    "with the key 'name'."
                )
            origin[concept] = source_name
    return list(origin), list(origin.values())


def label_block(corpus: xr.Dataset, sources: Mapping[str, LabelSource], start: int, stop: int) -> NDArray[np.int8]:
    """Return the labels of the tokens ``[start, stop)``, dims (time, concept), ordered as `concept_names`.

    Where a token is a piece of a word it has the labels of its word.
    """
    parts = [_label(corpus, source, start, stop) for source in sources.values()]
    return np.concatenate(parts, axis=1)


def _label(corpus: xr.Dataset, source: LabelSource, start: int, stop: int) -> NDArray[np.int8]:
    if "word" not in corpus or not source.of_words:
        return source.label(corpus, start, stop)
    word = read_rows(corpus, "word", start, stop)
    first, last = int(word[0]), int(word[-1])
    label: NDArray[np.int8] = source.label(word_view(corpus), first, last + 1)[word - first]
    return label
