"""Comments cut into words and identifiers into parts: nothing is lost, everything is owned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.corpus.java.lexer import COMMENT, IDENTIFIER, find_tokens
from lstm_analysis.corpus.java.parts import comment_words, cut_tokens, identifier_parts
from lstm_analysis.subtokens import split_identifier

TEXTS = st.text(st.sampled_from("aB_1$é '.*/-\n;\"(€"), max_size=40)


@given(TEXTS, st.booleans())
def test_parts_are_the_tokens_without_the_white_space_of_comments(text, subtokens):
    tokens = find_tokens(text)
    parts = cut_tokens(tokens, subtokens)
    forms = [text[start:stop] for start, stop in zip(parts.start.tolist(), parts.stop.tolist(), strict=True)]
    for i, (form, kind) in enumerate(zip(tokens.forms, tokens.kind.tolist(), strict=True)):
        own = [part for part, owner in zip(forms, parts.owner.tolist(), strict=True) if owner == i]
        assert all(own)
        assert "".join(own) == ("".join(form.split()) if kind == COMMENT else form)
        assert kind in (COMMENT, IDENTIFIER) or own == [form]
        assert subtokens or kind == COMMENT or own == [form]
    assert sorted(parts.owner.tolist()) == parts.owner.tolist()


@given(st.text(st.sampled_from("aBXy_1$é变"), min_size=1, max_size=12))
def test_parts_of_an_identifier_are_its_sub_tokens_and_what_separates_them(name):
    parts = identifier_parts(name)
    assert [part for part in parts if name[slice(*part)].strip("_$") or name[slice(*part)] == name] == split_identifier(
        name
    )
    assert "".join(name[start:stop] for start, stop in parts) == name


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("// a-b  c_d", ["//", "a", "-", "b", "c_d"]),
        ("/**/", ["/**", "/"]),
        ("/* don't ... ----- */", ["/*", "don't", "...", "-----", "*/"]),
        ("//////", ["//////"]),
        ("/*\n * <p>1.5\n", ["/*", "*", "<", "p", ">", "1", ".", "5"]),
    ],
)
def test_words_of_comments(comment, words):
    assert [comment[start:stop] for start, stop in comment_words(comment)] == words
