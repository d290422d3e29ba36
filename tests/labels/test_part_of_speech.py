import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import label_loops as loops

from lstm_analysis.corpus import read_corpus
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.corpus.sentences import Sentence
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.labels import annotation, annotation_column, part_of_speech
from lstm_analysis.labels.wordnet_folder import LEXNAMES

TAGS = ("NN", "NNS", "VB", "")


def tagged_corpus(*tags, end="</s>", column="pos"):
    sentences = [Sentence("d", ["w"] * len(values), {column: list(values)}) for values in tags]
    return corpus_dataset(sentences, end, None)


@settings(max_examples=40)
@given(st.lists(st.lists(st.sampled_from(TAGS), min_size=1), min_size=1), st.sampled_from([None, "</s>"]))
def test_labels_equal_the_loop(tags, end):
    corpus = tagged_corpus(["VB", "NNS"], *tags, end=end)
    source = part_of_speech(tags={"noun": ["NN*"], "verb": "VB"})
    values = [corpus["pos"].values[i] for i in corpus.pos_id.values]
    expected = [[-1, -1] if v == "" else [int(v.startswith("NN")), int(v == "VB")] for v in values]
    np.testing.assert_array_equal(source.label(corpus, 0, len(values)), expected)


def test_each_value_is_a_concept_by_default():
    corpus = tagged_corpus(["VB", "", "NN"], ["NN"])
    source = part_of_speech()
    assert source.names(corpus) == ["NN", "VB"]
    assert source.label(corpus, 0, 6).tolist() == [[0, 1], [-1, -1], [1, 0], [-1, -1], [1, 0], [-1, -1]]


def test_other_string_type_gives_the_same():
    corpus = tagged_corpus(["VB", "", "NN"])
    stored = corpus.assign_coords(pos=("pos", corpus["pos"].values.astype(np.dtypes.StringDType())))
    assert part_of_speech().names(stored) == ["NN", "VB"]
    np.testing.assert_array_equal(part_of_speech().label(stored, 0, 4), part_of_speech().label(corpus, 0, 4))


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        (part_of_speech("xpos"), "The corpus has no annotation 'xpos', only pos; did you mean 'pos'?"),
    ],
)
def test_what_the_corpus_lacks_is_named(source, wrong):
    with pytest.raises(UserError) as caught:
        source.names(tagged_corpus(["NN", "VB"]))
    assert wrong in str(caught.value)


@pytest.mark.parametrize("tags", ["NNP", "CD*", "*"])
def test_a_value_that_never_occurs_matches_nothing(tags):
    corpus = tagged_corpus(["NN", "VB"])
    assert part_of_speech(tags={"x": tags}).label(corpus, 0, 3).tolist() == [[0], [0], [-1]]


def test_corpus_without_annotation_or_without_values_is_refused():
    with pytest.raises(UserError, match=r"no annotation 'pos', nor any other. Read it from files that have some"):
        part_of_speech().names(loops.build_corpus("a b"))
    with pytest.raises(UserError, match="The annotation 'pos' of the corpus is empty"):
        part_of_speech().names(tagged_corpus([""]))


def test_a_concept_for_each_of_very_many_values_is_refused(monkeypatch):
    monkeypatch.setattr(annotation_column, "MOST_VALUES", 1)
    with pytest.raises(UserError, match="has 2 values, and each would be a concept"):
        part_of_speech().names(tagged_corpus(["NN", "VB"]))
    assert part_of_speech(tags={"verb": "VB"}).names(tagged_corpus(["NN", "VB"])) == ["verb"]


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"tags": ["NN"]}, "tags must map names to lists of values"),
        ({"tags": {}}, "tags must map names to lists of values"),
        ({"tags": {"noun": []}}, "tags maps 'noun' to []; each name needs a list of at least one value"),
        ({"tags": {"noun": None}}, "tags maps 'noun' to None"),
        ({"tags": {True: ["NN"]}}, "tags maps True to ['NN']"),
        ({"tags": {"no": [False]}}, "tags has for 'no' the value False, which is not a text. Put it in quotes"),
        ({"column": 3}, "column must be the name of an annotation of the corpus, found 3"),
        ({"without_value": "basline"}, "without_value is 'basline'; did you mean 'baseline'?"),
        ({"without_value": 0}, "without_value is 0; it must be one of left_out, baseline"),
        ({"continued": 3}, "continued must be a prefix of values, such as I-, or a list of them, found 3"),
        ({"continued": [""]}, "or a list of them, found ['']"),
    ],
)
def test_wrong_parameters_are_refused(options, wrong):
    with pytest.raises(UsageError) as caught:
        part_of_speech(**options)
    assert wrong in str(caught.value)


def test_words_of_one_value_are_one_concept_and_the_others_its_baseline():
    values = ["noun.Tops", "I-noun.Tops", "_", "", "verb.act", "I-"]
    corpus = tagged_corpus(values, column="lexname")
    source = part_of_speech("lexname", continued="I-", without_value="baseline")
    assert source.names(corpus) == ["I-", "noun.Tops", "verb.act"]
    label = source.label(corpus, 0, 7)
    assert label[:, 1].tolist() == [1, 1, 0, 0, 0, 0, 0]
    assert label[:, 2].tolist() == [0, 0, 0, 0, 1, 0, 0]
    left_out = part_of_speech("lexname", {"noun": "noun.*"}, continued=["B-", "I-"])
    assert left_out.label(corpus, 0, 7)[:, 0].tolist() == [1, 1, -1, -1, 0, 0, -1]


def test_parts_of_speech_are_an_annotation_whose_column_is_known():
    options = {"tags": {"noun": "NN*"}, "continued": ["I-"], "without_value": "baseline"}
    speech, column = part_of_speech(**options), annotation("pos", **options)
    assert (speech.default_name, column.default_name) == ("part_of_speech", "annotation")
    corpus = tagged_corpus(["NN", "I-NN", "VB", ""])
    np.testing.assert_array_equal(speech.label(corpus, 0, 5), column.label(corpus, 0, 5))
    assert annotation("api").names(tagged_corpus(["java.io", ""], column="api")) == ["java.io"]
    with pytest.raises(UsageError, match="column must be the name of an annotation of the corpus, found ''"):
        annotation("")


def test_an_underscore_is_no_value():
    corpus = tagged_corpus(["NN", "_", "VB"])
    assert part_of_speech().names(corpus) == ["NN", "VB"]
    assert part_of_speech().label(corpus, 0, 4).tolist() == [[1, 0], [-1, -1], [0, 1], [-1, -1]]
    with pytest.raises(UserError, match="The annotation 'pos' of the corpus is empty"):
        part_of_speech().names(tagged_corpus(["_"]))


def test_gold_classes_of_semcor(real_data):
    corpus = read_corpus(str(real_data("english/semcor.tsv.gz")), end_of_sentence="</s>")
    source = part_of_speech("lexname", continued="I-", without_value="baseline")
    names = source.names(corpus)
    assert set(names) <= {*LEXNAMES, "other"}
    label = source.label(corpus, 0, corpus.sizes["time"])
    assert (label >= 0).all()
    assert int(label.sum()) == 209_859  # what its description counts
