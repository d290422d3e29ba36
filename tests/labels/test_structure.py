"""Concepts of the structure of code: against loops over the columns of corpora, and of a source in Java."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import label_loops as loops

from lstm_analysis.corpus import add_pieces, read_corpus
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.corpus.sentences import Sentence
from lstm_analysis.errors import UserError
from lstm_analysis.labels import label_block, label_corpus, structure
from lstm_analysis.vocabulary import BYTE_NAMES, Vocabulary

VALUES = {
    "inside": ["", "loop", "loop try", "comment"],
    "role": ["", "use", "declaration"],
    "statement": ["", "if", "for"],
    "method": ["", "start", "body", "end"],
}
ORDER = [
    "comment", "loop", "try", "declaration", "statement for", "statement if", "method start", "method end",
    "line start", "line end", "brace depth at least 2", "generic depth at least 2",
]  # fmt: skip


@st.composite
def code(draw):
    """Draw sentences of tokens that stand somewhere in the lines of their documents."""
    sentences, place, line = [], 0, 0
    for document in sorted(draw(st.lists(st.sampled_from("ab"), min_size=1, max_size=5))):
        if not sentences or document != sentences[-1].document:
            place = line = draw(st.integers(0, 2))
        n = draw(st.integers(1, 6))
        start, column = [], []
        for _ in range(n):
            if draw(st.booleans()):
                line = place
            start.append(place)
            column.append(place - line)
            place += draw(st.integers(1, 2))
        texts = {
            name: draw(st.lists(st.sampled_from(values), min_size=n, max_size=n)) for name, values in VALUES.items()
        }
        depths = {
            name: draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)) for name in ("brace_depth", "generic_depth")
        }
        numbers = {"char_start": start, "column": column, **depths}
        sentences.append(Sentence(document, [draw(st.sampled_from("xyz")) for _ in range(n)], texts, (), numbers))
    return sentences


def labels_one_by_one(sentences, end):
    """Return concept to its labels, token by token."""
    tokens = []
    for sentence in sentences:
        for i in range(len(sentence.tokens)):
            row = {name: column[i] for name, column in {**sentence.annotations, **sentence.numbers}.items()}
            tokens.append(row | {"line": (sentence.document, row["char_start"] - row["column"])})
        tokens += [None] * end
    lines = [token["line"] for token in tokens if token]
    found, n_before = {name: [] for name in ORDER}, 0
    for token in tokens:
        if token is None:
            for name in ORDER:
                found[name].append(-1)
            continue
        first = n_before == 0 or lines[n_before - 1] != token["line"]
        last = n_before == len(lines) - 1 or lines[n_before + 1] != token["line"]
        n_before += 1
        for name in ("comment", "loop", "try"):
            found[name].append(int(name in token["inside"].split()))
        found["declaration"].append({"declaration": 1, "use": 0, "": -1}[token["role"]])
        for name in ("statement for", "statement if", "method start", "method end"):
            column, value = name.split()
            found[name].append(int(token[column] == value))
        found["line start"].append(int(first))
        found["line end"].append(int(last))
        found["brace depth at least 2"].append(int(token["brace_depth"] >= 2))
        found["generic depth at least 2"].append(int(token["generic_depth"] >= 2))
    return found


@settings(max_examples=60)
@given(code(), st.booleans(), st.lists(st.integers(0, 60), max_size=8), st.booleans())
def test_labels_equal_the_loop_however_the_corpus_is_cut(sentences, end, borders, single):
    corpus = corpus_dataset(sentences, "</s>" if end else None, None)
    source = structure(depth=2)
    names = source.names(corpus)
    assert names == [name for name in ORDER if name in names]
    n = corpus.sizes["time"]
    expected = labels_one_by_one(sentences, end)
    parts = [source.label(corpus, a, b) for a, b in loops.cut(n, range(n) if single else borders)]
    np.testing.assert_array_equal(np.concatenate(parts), np.array([expected[name] for name in names]).T)
    for name in set(ORDER) - set(names):
        assert 1 not in expected[name]


@settings(max_examples=20)
@given(code())
def test_tokens_have_the_labels_of_their_words(sentences):
    words = corpus_dataset(sentences, "\n", None)
    tokens = add_pieces(words, Vocabulary(BYTE_NAMES), "token")
    sources = {"structure": structure(depth=1)}
    expected = label_corpus(words, sources).label
    np.testing.assert_array_equal(label_corpus(tokens, sources).label, expected[tokens.word.values])
    n = tokens.sizes["time"]
    np.testing.assert_array_equal(label_block(tokens, sources, n // 2, n), expected[tokens.word.values[n // 2 :]])


@pytest.fixture(scope="module")
def java(tmp_path_factory):
    pytest.importorskip("tree_sitter_java")
    folder = tmp_path_factory.mktemp("java")
    (folder / "A.java").write_text(
        'class A {\n  /* c */ int f(int[] a) {\n    for (int x : a) { use(x); }\n    return "a";  // b\n  }\n}\n'
    )
    (folder / "B.java").write_text("class B { }")
    return folder


def texts_of(corpus, label, concept):
    types = corpus["type"].values[corpus.type_id.values]
    return " ".join(types[label.sel(concept=concept).values == 1])


def test_concepts_of_a_source(java):
    corpus = read_corpus(str(java), format="java", structure=True)
    label = label_corpus(corpus, {"code": structure()}).label
    assert label.concept.values.tolist() == [
        "loop", "string", "declaration", "statement class", "statement enhanced_for", "statement expression",
        "statement method", "statement return", "method start", "method end", "line start", "line end",
    ]  # fmt: skip
    assert texts_of(corpus, label, "loop") == "for ( int x : a ) { use ( x ) ; }"
    assert texts_of(corpus, label, "declaration") == "A f a x B"
    assert texts_of(corpus, label, "line start") == "class int for return } } class"
    assert texts_of(corpus, label, "line end") == "{ { } ; } } }"
    assert texts_of(corpus, label, "method start") + texts_of(corpus, label, "method end") == "{}"
    end = corpus["kind"].values[corpus.kind_id.values] == ""
    assert (label.values[end] == -1).all()
    roles = label.sel(concept="declaration").values
    assert sorted(corpus["type"].values[corpus.type_id.values[roles == 0]]) == ["a", "use", "x"]


def test_chosen_concepts_and_their_order(java):
    corpus = read_corpus(str(java), format="java", structure=True)
    whole = label_corpus(corpus, {"code": structure()}).label
    chosen = label_corpus(corpus, {"code": structure(["line end", "loop"])}).label
    assert chosen.concept.values.tolist() == ["line end", "loop"]
    np.testing.assert_array_equal(chosen, whole.sel(concept=["line end", "loop"]))
    assert structure("loop").names(corpus) == ["loop"]


def test_without_a_syntax_tree_there_are_lines_and_depths(java):
    corpus = read_corpus(str(java), format="java")
    assert structure().names(corpus) == ["line start", "line end"]
    assert structure(depth=2).names(corpus)[2:] == ["brace depth at least 2", "parenthesis depth at least 2"]
    with pytest.raises(
        UserError, match=r"has no concept 'lopo'; .*is there if the corpus is read with structure: true"
    ):
        structure(["lopo"]).names(corpus)


def test_a_corpus_of_no_code_is_refused():
    with pytest.raises(UserError, match="structure needs a corpus with columns of the structure of code"):
        structure().names(loops.build_corpus("a b"))
