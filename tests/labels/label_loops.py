"""Labels again, as slow loops over tokens that anybody can read; and corpora to label."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr
from hypothesis import strategies as st

from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.corpus.sentences import Sentence

WORDS = ("in", "the", "In", "red", "tape", "tapes", "a")
SLOTS = ("in", "the", "red", "tape", "{in|a}", "{red|tape|tapes}", "tap*", "a")


def build_corpus(*texts: str, end: str | None = None) -> xr.Dataset:
    """Return a corpus of sentences; a sentence that begins with ``@name`` starts that document."""
    document, sentences = "d0", []
    for text in texts:
        tokens = text.split()
        if tokens[0].startswith("@"):
            document = tokens.pop(0)[1:]
        sentences.append(Sentence(document, tokens))
    return corpus_dataset(sentences, end, None)


def sentences_of(corpus: xr.Dataset) -> list[tuple[int, list[str]]]:
    """Return first token and lower-cased forms of each sentence."""
    forms = [str(form).lower() for form in corpus["type"].values]
    sentences: dict[int, tuple[int, list[str]]] = {}
    for time, (type_id, sentence) in enumerate(zip(corpus.type_id.values, corpus.sentence.values, strict=True)):
        sentences.setdefault(int(sentence), (time, []))[1].append(forms[type_id])
    return list(sentences.values())


def accepts(slot: str, form: str) -> bool:
    """Whether a slot that is no gap accepts a form."""
    words = slot[1:-1].split("|") if len(slot) > 2 and slot[0] == "{" else [slot]
    return any(form.startswith(word[:-1]) if word.endswith("*") else form == word for word in words)


def read_at(forms: Sequence[str], place: int, slots: Sequence[str], max_gap: int) -> int | None:
    """Return where the slots, read from ``place``, end at the earliest; ``None`` if they do not fit."""
    if not slots:
        return place
    if place >= len(forms):
        return None
    if slots[0] == "~":
        ends = [read_at(forms, place + gap, slots[1:], max_gap) for gap in range(1, max_gap + 1)]
        return min((end for end in ends if end is not None), default=None)
    return read_at(forms, place + 1, slots[1:], max_gap) if accepts(slots[0], forms[place]) else None


def occurrences(corpus: xr.Dataset, patterns: Sequence[str], max_gap: int = 3) -> list[tuple[int, int]]:
    """Return start and stop of the non-overlapping occurrences of any of the patterns."""
    found = []
    for first, forms in sentences_of(corpus):
        place = 0
        while place < len(forms):
            ends = [read_at(forms, place, pattern.split(), max_gap) for pattern in patterns]
            end = min((end for end in ends if end is not None), default=None)
            if end is not None:
                found.append((first + place, first + end))
            place = place + 1 if end is None else end
    return found


def idiom_labels(corpus: xr.Dataset, lexicon: dict[str, list[str]], max_gap: int = 3) -> np.ndarray:
    """Return labels (time, concept) of the pooled idioms and of each."""
    label = np.zeros((corpus.sizes["time"], 1 + len(lexicon)), dtype=np.int8)
    for concept, patterns in enumerate(lexicon.values(), 1):
        for start, stop in occurrences(corpus, patterns, max_gap):
            for token in range(start, stop):
                final = token == stop - 1
                label[token, concept] = 1 if final else -1
                if final or label[token, 0] == 0:
                    label[token, 0] = 1 if final else -1
    return label


def category_labels(corpus: xr.Dataset, lexicon: dict[str, list[str]]) -> np.ndarray:
    """Return labels (time, concept) of categories."""
    label = np.zeros((corpus.sizes["time"], len(lexicon)), dtype=np.int8)
    for concept, entries in enumerate(lexicon.values()):
        for entry in entries:
            for start, stop in occurrences(corpus, [entry]):
                label[start:stop, concept] = 1
    return label


@st.composite
def corpora(draw: st.DrawFn) -> xr.Dataset:
    """Draw small corpora with and without end symbol, of several documents."""
    sentence = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12)
    texts = draw(st.lists(sentence, min_size=1, max_size=5))
    names = draw(st.lists(st.sampled_from("xyz"), min_size=len(texts), max_size=len(texts)))
    marks = [Sentence(name, tokens) for name, tokens in zip(names, texts, strict=True)]
    return corpus_dataset(marks, draw(st.sampled_from([None, "</s>"])), None)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Draw patterns of one to five slots, gaps inside."""
    inner = st.lists(st.sampled_from((*SLOTS, "~", "~")), max_size=3)
    ends = [draw(st.sampled_from(SLOTS)) for _ in range(2)]
    return " ".join([ends[0], *draw(inner), ends[1]]) if draw(st.booleans()) else ends[0]


lexica = st.dictionaries(st.sampled_from("abc"), st.lists(patterns(), min_size=1, max_size=3), min_size=1)


def cut(n: int, borders: Sequence[int]) -> list[tuple[int, int]]:
    """Return the blocks between the borders, which may be in any order and repeat."""
    places = sorted({0, n, *(border % n for border in borders)})
    return list(pairwise(places))
