import numpy as np
import pytest
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
    source = _categories({name: tuple(map(parse_pattern, entries)) for name, entries in lexicon.items()}, "")
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


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("# nothing\n", "law.txt has no entry"), ("act\n{a\n", "law.txt, line 2: the alternatives '{a' must")],
)
def test_wrong_text_file_is_refused(tmp_path, text, wrong):
    (tmp_path / "law.txt").write_text(text)
    with pytest.raises(UsageError) as caught:
        categories(tmp_path / "law.txt")
    assert wrong in str(caught.value)
