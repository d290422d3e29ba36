import re

import numpy as np
import pytest
from labels.label_loops import build_corpus

from lstm_analysis.labels.phrases import GAP, TypeTable, accepted_types, parse_pattern


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("Red Tape", (("red",), ("tape",))),
        ("{b|a|b} ~ c", (("a", "b"), GAP, ("c",))),
        ("a ~ ~ b", (("a",), GAP, GAP, ("b",))),
        ("{ ~ }", (("{",), GAP, ("}",))),
        ("* - legis*", (("*",), ("-",), ("legis*",))),
    ],
)
def test_pattern_is_read_slot_by_slot(text, slots):
    assert parse_pattern(text) == slots


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("  ", "is empty"),
        ("~ tape", "begin and end with a word"),
        ("red ~", "begin and end with a word"),
        ("{a|} b", "alternatives '{a|}'"),
        ("{} b", "alternatives '{}'"),
        ("{a |b} c", "alternatives '{a'"),
    ],
)
def test_malformed_pattern_is_refused(text, wrong):
    with pytest.raises(ValueError, match=re.escape(wrong)):
        parse_pattern(text)


def accepted_forms(corpus, text):
    table = TypeTable.of(corpus)
    slots = accepted_types((("x", (parse_pattern(text),)),), table)
    return {slot: [table.forms[i] for i in ids] for slot, ids in slots.items()}


def test_slot_accepts_forms_in_any_case():
    corpus = build_corpus("The the THE then")
    assert accepted_forms(corpus, "the") == {("the",): ["The", "the", "THE"]}


def test_prefix_accepts_all_forms_that_begin_so_and_a_lone_star_is_a_word():
    corpus = build_corpus("law laws Lawful lawn la l *")
    assert accepted_forms(corpus, "law* *") == {("law*",): ["law", "laws", "Lawful", "lawn"], ("*",): ["*"]}


def test_accepted_types_are_kept_for_the_same_forms_and_not_for_others():
    phrases = (("x", (parse_pattern("the end"),)),)
    first = accepted_types(phrases, TypeTable.of(build_corpus("the end")))
    assert accepted_types(phrases, TypeTable.of(build_corpus("the end"))) is first
    other = accepted_types(phrases, TypeTable.of(build_corpus("end the")))
    assert other[("the",)].tolist() == [1]


def test_table_is_the_same_for_both_string_types():
    corpus = build_corpus("Élan the")
    stored = corpus.assign_coords(type=("type", corpus["type"].values.astype(np.dtypes.StringDType())))
    assert TypeTable.of(stored) == TypeTable.of(corpus)
    assert TypeTable.of(stored).forms == ("Élan", "the")
