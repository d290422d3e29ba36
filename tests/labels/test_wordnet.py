from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labels import label_loops as loops
from labels.fake_wordnet import ENTRIES, write_wordnet

from lstm_analysis.corpus import read_corpus
from lstm_analysis.errors import UsageError
from lstm_analysis.labels import part_of_speech, wordnet
from lstm_analysis.labels.function_words import FUNCTION_WORDS
from lstm_analysis.labels.wordnet_class import DEBIAN
from lstm_analysis.labels.wordnet_folder import FILES, LEXNAMES, PARTS, read_wordnet


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_wordnet(tmp_path_factory.mktemp("wordnet") / "dict")


def classes_of(folder, text, **options):
    """Return the classes that each token is a target of, and with a minus those that it is left out of."""
    source = wordnet(folder, **options)
    corpus = loops.build_corpus(text)
    label = source.label(corpus, 0, corpus.sizes["time"])
    names = np.array(source.names(corpus))
    return [" ".join([*names[row == 1], *(f"-{name}" for name in names[row == -1])]) for row in label]


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ("tape", "noun.artifact"),
        ("Tapes", "noun.artifact"),
        ("taping", "verb.contact"),  # only the verb has such a form
        ("red", ""),  # most often an adjective
        ("bank", "noun.group"),  # its second sense is used more often
        ("zebra", "noun.animal"),
        ("fax", "noun.communication"),  # never used in tagged texts: the noun comes first
        ("faxed", "verb.communication"),
        ("leaves", "verb.motion"),  # leave, 30 uses; leaf, 3
        ("left", "verb.motion"),
        ("eyes", "noun.body"),  # a lemma of its own, but most often a form of eye
        ("in", ""),
        ("unknown", ""),
    ],
)
def test_the_most_frequent_sense_of_all_readings_decides(folder, form, found):
    assert classes_of(folder, form) == [found]


def test_phrases_are_one_word_in_any_form(folder):
    assert classes_of(folder, "red tape taped") == ["noun.act", "noun.act", "verb.contact"]
    assert classes_of(folder, "it took place") == ["", "verb.change", "verb.change"]
    assert classes_of(folder, "takes places") == ["verb.social", "noun.location"]
    expected = ["noun.cognition", "-noun.cognition", "noun.cognition"]
    assert classes_of(folder, "point of views") == expected  # the function word in it says nothing by itself
    assert classes_of(folder, "points of view") == ["noun.cognition", "", "noun.cognition"]


def test_words_of_mixed_use_are_left_out_below_the_share(folder):
    assert classes_of(folder, "bank", min_share=0.6) == ["noun.group"]  # 30 of 50 uses
    assert classes_of(folder, "bank", min_share=0.61) == ["-noun.group"]
    assert classes_of(folder, "zebra", min_share=1) == ["noun.animal"]


def test_classes_can_be_chosen_grouped_and_renamed(folder):
    assert wordnet(folder).names(None) == [name for name in LEXNAMES if name[:5] in ("noun.", "verb.")]
    assert len(wordnet(folder).names(None)) == 41
    assert classes_of(folder, "zebra tape", classes="noun.animal") == ["noun.animal", ""]
    groups = {"saying": ["noun.communication", "verb.communication"], "thing": "noun.artifact"}
    assert classes_of(folder, "faxed fax tape", classes=groups) == ["saying", "saying", "thing"]
    assert classes_of(folder, "tape", classes={"x": ["noun.artifact", "noun.communication"]}, min_share=0.8) == ["x"]


def loop_labels(corpus, dictionary, concepts):
    """Return the labels by trying every phrase at every token."""
    senses, n_concept = dictionary.senses, len(concepts)

    def row_of(readings):
        best = max((sense for part, lemma in readings for sense in senses[part][lemma]), key=lambda s: s[1])
        return [int(LEXNAMES[best[0]] == name) for name in concepts]

    def is_phrase(forms, lemma, part):
        words, place = lemma.split("_"), {"verb": 0, "noun": len(forms) - 1}.get(part)
        return len(words) == len(forms) and all(
            word == form or (i == place and word in dictionary.lemmas(form, part))
            for i, (word, form) in enumerate(zip(words, forms, strict=True))
        )

    label = []
    for _, forms in loops.sentences_of(corpus):
        place = 0
        while place < len(forms):
            for n in range(len(forms) - place, 0, -1):
                here = forms[place : place + n]
                if n == 1:
                    readings = [(part, lemma) for part in PARTS for lemma in dictionary.lemmas(here[0], part)]
                else:
                    phrases = [
                        (part, lemma) for part in PARTS for lemma in senses[part] if is_phrase(here, lemma, part)
                    ]
                    readings = phrases[:1]
                if readings or n == 1:
                    break
            for form in here:
                row = row_of(readings) if readings else [0] * n_concept
                empty = form in FUNCTION_WORDS or len(form) == 1
                label.append([0 if n == 1 else -value for value in row] if empty else row)
            place += n
    return label


words = st.sampled_from(
    ["red", "tape", "tapes", "point", "of", "view", "views", "took", "take", "place", "in", "eyes", "leaves", "Bank"]
)


@given(st.lists(st.lists(words, min_size=1, max_size=9).map(" ".join), min_size=1, max_size=4))
def test_labels_equal_the_loop(folder, texts):
    corpus = loops.build_corpus(*texts)
    source = wordnet(folder)
    expected = loop_labels(corpus, read_wordnet(folder), source.names(corpus))
    np.testing.assert_array_equal(source.label(corpus, 0, corpus.sizes["time"]), expected)


def test_what_is_no_wordnet_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"there is no such folder. Give path: .*apt install wordnet-base"):
        wordnet(tmp_path / "no")
    broken = write_wordnet(tmp_path / "broken")
    (broken / "data.verb").unlink()
    with pytest.raises(UsageError, match=r"broken is not a WordNet folder: it lacks data\.verb\. Give path"):
        wordnet(broken)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.verb", "hello world\n"),
        ("data.verb", ""),
        ("data.verb", "00001 45 v 01 x\n"),
        ("index.noun", "tape n 1\n"),
        ("index.noun", "tape n 1 0 1 1 00001234\n"),
        ("cntlist.rev", "tape%9:06:00:: 1 3\n"),
        ("cntlist.rev", "tape\n"),
    ],
)
def test_a_file_of_another_format_is_named(tmp_path, name, text):
    folder = write_wordnet(tmp_path / "dict")
    (folder / name).write_text(text)
    with pytest.raises(UsageError, match=rf"{name} is not in WordNet's format: its lines must look like"):
        wordnet(folder)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"classes": ["noun.posession"]}, "'noun.posession' is no class of WordNet; did you mean 'noun.possession'?"),
        ({"classes": {"x": []}}, "'' is no class of WordNet"),
        ({"classes": {"x": 3}}, "3 is no class of WordNet"),
        ({"classes": []}, "must name at least one class"),
        ({"classes": 3}, "must name at least one class"),
        ({"classes": {1: "noun.act"}}, "has the name 1, which is not a text"),
        ({"min_share": 1.5}, "min_share of the label source wordnet must be between 0 and 1, found 1.5"),
        ({"min_share": True}, "found True"),
        ({"min_share": "a"}, "found 'a'"),
    ],
)
def test_wrong_parameters_are_refused(folder, options, wrong):
    with pytest.raises(UsageError) as caught:
        wordnet(folder, **options)
    assert wrong in str(caught.value)


def test_the_same_folder_gives_equal_sources(folder, tmp_path):
    assert wordnet(folder) == wordnet(write_wordnet(tmp_path / "copy"))
    assert hash(wordnet(folder)) == hash(wordnet(folder))
    assert wordnet(folder) != wordnet(folder, min_share=0.5)
    assert wordnet(folder) != wordnet(write_wordnet(tmp_path / "less", ENTRIES[1:]))


def test_gold_classes_of_semcor_are_found(real_data):
    """WordNet's counts come from these very texts, so this checks the reading, not the method."""
    corpus = read_corpus(str(real_data("english/semcor.tsv.gz")), limit_tokens=50_000)
    if not all((Path(DEBIAN) / name).is_file() for name in FILES):
        pytest.skip(f"WordNet is not at {DEBIAN}")
    n_token = corpus.sizes["time"]
    names = ["noun.act", "noun.body", "noun.person", "noun.time", "verb.communication"]
    gold = part_of_speech("lexname", {name: name for name in names}, "I-", "baseline").label(corpus, 0, n_token)
    found = wordnet(classes=names).label(corpus, 0, n_token)
    both = ((gold == 1) & (found == 1)).sum(axis=0)
    assert (both > 0.55 * (gold == 1).sum(axis=0)).all()
    assert (both > 0.55 * (found == 1).sum(axis=0)).all()
