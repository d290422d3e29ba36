"""Concepts of characters against slow loops over the text."""

import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st
from labels import label_loops as loops

from lstm_analysis.corpus import PieceColumns, read_sentences
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.labels import categories, characters, label_block, label_corpus
from lstm_analysis.labels.character_concepts import CONCEPTS
from lstm_analysis.segmentation import segmenter
from lstm_analysis.vocabulary import BYTE_NAMES, Vocabulary

SIGNS = "abE1é_'\"“”()[].  \t\n"
VOCABULARIES = {
    "characters": Vocabulary(tuple(dict.fromkeys(SIGNS))),
    "few characters": Vocabulary(("<unk>", " ", "a", "</s>")),
    "bytes": Vocabulary(BYTE_NAMES),
}
OPENING, CLOSING = 1, 2


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "a.txt"

    def corpus_of(text: str, vocabulary: str = "characters") -> xr.Dataset:
        path.write_bytes(text.encode())
        pieces = PieceColumns(segmenter(VOCABULARIES[vocabulary]), "token")
        return corpus_dataset(read_sentences("text", [str(path)], level="char"), None, None, pieces)

    return corpus_of


def slow_labels(text: str, n: int) -> dict[str, list[int]]:
    """Return the labels of each character of a text."""
    found: dict[str, list[int]] = {name: [] for name in CONCEPTS}
    state = {"bracket": 0, "curly": 0, "straight": 0}
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if not line.strip():
            state = dict.fromkeys(state, 0)
        for name, column in slow_line(line, n, state).items():
            found[name] += column
    return found


def slow_line(line: str, n: int, state: dict[str, int]) -> dict[str, list[int]]:
    """Return the labels of each character of a line, and count on what is open."""
    words = [match.span() for match in re.finditer(r"\w+(?:['’]\w+)*|[^\w\s]", line)]
    depth = [slow_depth(line[a:b], state) for a, b in words]
    found: dict[str, list[int]] = {name: [] for name in CONCEPTS}
    last = words[-1][1] if words else 0
    for i, character in enumerate(line):
        word = next((k for k, (a, b) in enumerate(words) if a <= i < b), None)
        after = next((k for k, (a, b) in enumerate(words) if i < a), None)
        in_word = word is not None and (line[words[word][0]].isalnum() or line[words[word][0]] == "_")
        role = [slow_role(line, words, depth, k) for k in range(len(words))]
        found["opening quote"].append(int(word is not None and role[word] == OPENING))
        found["closing quote"].append(int(word is not None and role[word] == CLOSING))
        for name, k in (("inside brackets", 0), ("inside quotes", 1)):
            if i >= last:
                inside = -1
            elif word is not None:
                sign = line[i] in "()[]{}" if k == 0 else role[word] != 0
                inside = -1 if sign else int(depth[word][k] > 0)
            else:
                opens = line[words[after][0]] in "([{" if k == 0 else role[after] == OPENING
                inside = int(depth[after][k] - opens > 0)
            found[name].append(inside)
        found["line start"].append(int(i < n))
        found["line end"].append(int(i >= len(line) - n))
        found["indentation"].append(int(not line[: i + 1].strip() and character != "\n"))
        found["word start"].append(int(in_word and i == words[word][0]))
        found["word end"].append(int(in_word and i == words[word][1] - 1))
        found["capital letter"].append(int(character.isupper()))
        found["vowel"].append(int(character in "aeiouAEIOU"))
        found["digit"].append(int(character.isdigit()))
        found["punctuation"].append(int(not character.isalnum() and not character.isspace()))
        found["white space"].append(int(character.isspace()))
    return found


def slow_depth(word: str, state: dict[str, int]) -> tuple[int, int]:
    before = state["bracket"], state["curly"] + state["straight"]
    state["bracket"] = max(0, state["bracket"] + (word in "([{") - (word in ")]}"))
    state["curly"] = max(0, state["curly"] + (word == "“") - (word == "”"))
    state["straight"] ^= word == '"'
    return max(before[0], state["bracket"]), max(before[1], state["curly"] + state["straight"])


def slow_role(line: str, words: list[tuple[int, int]], depth: list[tuple[int, int]], k: int) -> int:
    """Return whether a word is a quotation mark that opens or closes."""
    sign = line[slice(*words[k])]
    if sign in "“”":
        return OPENING if sign == "“" else CLOSING
    if sign != '"':
        return 0
    if k + 1 < len(words):
        return OPENING if depth[k + 1][1] >= depth[k][1] else CLOSING
    return OPENING if k == 0 or depth[k - 1][1] < depth[k][1] else CLOSING


TEXTS = st.text(SIGNS, min_size=1, max_size=60)


@settings(max_examples=150)
@given(text=TEXTS, n=st.integers(1, 4), vocabulary=st.sampled_from(sorted(VOCABULARIES)))
@example(text=' a "b" ("c d" [1]) \n\n\t“E” b_1\n"\n"a\n  \n b "', n=2, vocabulary="bytes")
def test_labels_are_those_of_a_slow_loop(read, text, n, vocabulary):
    labels = label_corpus(read(text, vocabulary), {"c": characters(line=n)})
    expected = slow_labels(text, n)
    assert labels["concept"].values.tolist() == list(expected)
    for name, column in expected.items():
        if vocabulary == "bytes" and name.startswith("line "):
            continue  # counted in bytes
        repeated = [value for value, c in zip(column, text, strict=True)
                    for _ in range(len(c.encode()) if vocabulary == "bytes" else 1)]  # fmt: skip
        assert labels["label"].sel(concept=name).values.tolist() == repeated, name


@settings(max_examples=40)
@given(text=TEXTS, borders=st.lists(st.integers(0, 60), max_size=8), single=st.booleans())
def test_any_cutting_of_the_corpus_gives_the_same_labels(read, text, borders, single):
    corpus, sources = read(text), {"c": characters(line=3)}
    n = corpus.sizes["time"]
    whole = label_block(corpus, sources, 0, n)
    for start, stop in loops.cut(n, range(n) if single else borders):
        np.testing.assert_array_equal(label_block(corpus, sources, start, stop), whole[start:stop])


def test_every_character_of_a_word_has_the_labels_of_the_word(read, tmp_path):
    (tmp_path / "law.txt").write_text("ab\n")
    labels = label_corpus(read("b ab. ab\n"), {"law": categories(tmp_path / "law.txt")})
    assert labels["label"].sel(concept="law").values.tolist() == [0, 1, 1, 1, 0, 1, 1, 1, 0]


def test_asked_concepts_in_their_order(read):
    labels = label_corpus(read("a1\n"), {"c": characters(["digit", "vowel"])})
    assert labels["concept"].values.tolist() == ["digit", "vowel"]
    assert labels["label"].values.tolist() == [[0, 1], [1, 0], [0, 0]]


def test_columns_that_a_corpus_lacks(read):
    corpus = read("a\n").drop_vars("quote_depth")
    found = characters().names(corpus)
    assert set(CONCEPTS) - set(found) == {"inside quotes", "opening quote", "closing quote"}
    with pytest.raises(UserError, match="'inside quotes' needs the column 'quote_depth'"):
        characters(["inside quotes"]).names(corpus)


def test_words_are_no_characters():
    with pytest.raises(UserError, match="places of this corpus are words"):
        label_corpus(loops.build_corpus("in the red"), {"c": characters()})


def test_pieces_of_a_tokenizer_are_no_characters(read):
    corpus = read("ab\n")
    names = [name if name != "b" else "ab" for name in corpus["token_name"].values]
    with pytest.raises(UserError, match="places of this corpus are pieces of a tokenizer"):
        label_corpus(corpus.assign_coords(token_name=("token_name", np.array(names, object))), {"c": characters()})


def test_a_concept_that_is_named_twice_is_one():
    assert characters(["vowel", "digit", "vowel"]).concepts == ("vowel", "digit")


@pytest.mark.parametrize(("options", "wrong"), [
    ({"concepts": ["vowels"]}, "no concept 'vowels'; did you mean 'vowel'"),
    ({"concepts": "vowel"}, "must be a list"), ({"concepts": []}, "must be a list"), ({"line": 0}, "at least 1"),
    ({"line": True}, "at least 1"), ({"line": "5"}, "at least 1"), ({"concepts": [["vowel"]]}, "no concept .'vowel'."),
])  # fmt: skip
def test_wrong_parameters(options, wrong):
    with pytest.raises(UsageError, match=wrong):
        characters(**options)
