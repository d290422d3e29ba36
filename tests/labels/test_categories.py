import re

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import label_loops as loops

from lstm_analysis.errors import UsageError
from lstm_analysis.labels import categories
from lstm_analysis.labels.category import _categories
from lstm_analysis.labels.phrases import parse_pattern


@settings(max_examples=60)
@given(loops.corpora(), loops.lexica, st.data())
def test_labels_equal_the_loop(corpus, lexicon, data):
    source = _categories({name: tuple(map(parse_pattern, entries)) for name, entries in lexicon.items()}, "", False)
    expected = loops.category_labels(corpus, lexicon)
    start = data.draw(st.integers(0, len(expected) - 1))
    stop = data.draw(st.integers(start + 1, len(expected)))
    np.testing.assert_array_equal(source.label(corpus, start, stop), expected[start:stop])


def test_words_prefixes_and_phrases_of_a_yaml_file(tmp_path):
    file = tmp_path / "categories.yaml"
    file.write_text("law: [act, legis*, Supreme Court]\ncity: [new york, york city]\n")
    corpus = loops.build_corpus("The Act of legislation", "supreme court", "court in New York City")
    source = categories(file)
    assert source.default_name == "categories"
    assert source.names(corpus) == ["law", "city"]
    assert source.label(corpus, 0, 11).T.tolist() == [[0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0], [0] * 8 + [1, 1, 1]]


def test_text_file_is_one_concept_with_its_name(tmp_path):
    file = tmp_path / "law.txt"
    file.write_text("# words of the law\nact  # noun and verb\n\nhigh court\nc#\n")
    source = categories(str(file))
    corpus = loops.build_corpus("act high court c# #")
    assert (source.default_name, source.names(corpus)) == ("law", [""])
    assert source.label(corpus, 0, 5).T.tolist() == [[1, 1, 1, 1, 0]]


@pytest.mark.parametrize("entry", ["stream", "str*", "{stream|x}", "streams", "input stream"])
def test_sub_tokens_of_identifiers_are_words_of_their_own(tmp_path, entry):
    (tmp_path / "words.yaml").write_text(yaml.safe_dump({"c": [entry, "the http"]}))
    corpus = loops.build_corpus(
        "InputStream stream_id STREAM2 streams x$stream", "theEnd HTTPServer 'aStream' in-stream openInput STREAM"
    )
    plain, parts = (categories(tmp_path / "words.yaml", subtokens) for subtokens in (False, True))
    label = parts.label(corpus, 0, 11)[:, 0]
    forms = [str(corpus["type"].values[i]) for i in corpus.type_id.values]
    cut = [
        re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", form) if form.replace("$", "_").isidentifier() else []
        for form in forms
    ]
    words = [{form.lower(), *(part.lower() for part in parts)} for form, parts in zip(forms, cut, strict=True)]
    expected = np.zeros(11, dtype=np.int8)
    for pattern in (entry.split(), ["the", "http"]):
        for first in range(11 - len(pattern) + 1):
            here = range(first, first + len(pattern))
            one_sentence = corpus.sentence.values[here[0]] == corpus.sentence.values[here[-1]]
            if one_sentence and all(
                any(loops.accepts(w, x) for x in words[i]) for w, i in zip(pattern, here, strict=True)
            ):
                expected[list(here)] = 1
    assert label.tolist() == expected.tolist()
    assert label[5:7].tolist() == [1, 1]
    whole = plain.label(corpus, 0, 11)[:, 0]
    assert (whole <= label).all()
    assert whole.sum() < label.sum()


def test_a_sub_token_that_repeats_counts_once(tmp_path):
    (tmp_path / "to.txt").write_text("to\n")
    corpus = loops.build_corpus("toTo to x")
    assert categories(tmp_path / "to.txt", subtokens=True).label(corpus, 0, 3).ravel().tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("# nothing\n", "law.txt has no entry"), ("act\n{a\n", "law.txt, line 2: the alternatives '{a' must")],
)
def test_wrong_text_file_is_refused(tmp_path, text, wrong):
    (tmp_path / "law.txt").write_text(text)
    with pytest.raises(UsageError) as caught:
        categories(tmp_path / "law.txt")
    assert wrong in str(caught.value)
