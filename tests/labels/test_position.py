import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import label_loops as loops

from lstm_analysis.errors import UsageError
from lstm_analysis.labels import position


@settings(max_examples=40)
@given(loops.corpora(), st.integers(1, 5))
def test_labels_equal_the_loop(corpus, n):
    first, last = [], []
    for _, forms in loops.sentences_of(corpus):
        first += [int(place < n) for place in range(len(forms))]
        last += [int(len(forms) - place <= n) for place in range(len(forms))]
    n_token = corpus.sizes["time"]
    assert position(first=n).label(corpus, 0, n_token)[:, 0].tolist() == first
    assert position(last=n).label(corpus, 0, n_token)[:, 0].tolist() == last


def test_end_symbol_is_a_token_of_its_sentence():
    corpus = loops.build_corpus("a b c", "d", end="</s>")
    assert position(last=1).label(corpus, 0, 6)[:, 0].tolist() == [0, 0, 0, 1, 0, 1]


@pytest.mark.parametrize(("options", "name"), [({"first": 1}, "first token"), ({"last": 2}, "last 2 tokens")])
def test_default_name_says_what_is_the_target(options, name):
    assert position(**options).default_name == name


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({}, "needs either first or last, found none of them"),
        ({"first": 1, "last": 1}, "needs either first or last, found {'first': 1, 'last': 1}"),
        ({"first": 0}, "first of the label source position must be a whole number from 1 on, found 0"),
        ({"last": "3"}, "last of the label source position must be a whole number from 1 on, found '3'"),
        ({"last": True}, "found True"),
    ],
)
def test_wrong_parameters_are_refused(options, wrong):
    with pytest.raises(UsageError) as caught:
        position(**options)
    assert wrong in str(caught.value)
