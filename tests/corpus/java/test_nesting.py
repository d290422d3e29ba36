"""Depths and ends of statements against a stack walked token by token, and against what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_java import nest_one_by_one

from lstm_analysis.corpus.java.lexer import COMMENT, find_tokens
from lstm_analysis.corpus.java.nesting import nest

SIGNS = st.lists(
    st.sampled_from(["(", ")", "{", "}", ";", "=", "]", ",", "default", "a", "/*c*/", "->", "{ {"]), max_size=30
)


@given(SIGNS)
def test_every_source_is_nested_as_one_by_one(signs):
    tokens = find_tokens(" ".join(signs))
    found = nest(tokens)
    columns = (found.brace_depth.tolist(), found.parenthesis_depth.tolist(), found.ends.tolist())
    expected = nest_one_by_one(tokens.forms, (tokens.kind == COMMENT).tolist())
    assert list(zip(*columns, strict=True)) == expected


@given(SIGNS)
def test_depths_are_never_negative_and_change_by_one(signs):
    found = nest(find_tokens(" ".join(signs)).without_comments())
    for depth in (found.brace_depth, found.parenthesis_depth):
        assert (depth >= 0).all()
    assert (abs(found.brace_depth[1:] - found.brace_depth[:-1]) <= 1).all()


def sentences(text, comments=False):
    tokens = find_tokens(text) if comments else find_tokens(text).without_comments()
    found, waiting = [], []
    for form, ends in zip(tokens.forms, nest(tokens).ends.tolist(), strict=True):
        waiting.append(form)
        if ends:
            found.append(" ".join(waiting))
            waiting = []
    return [*found, " ".join(waiting)] if waiting else found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("for (int i = 0; i < n; i++) { a(); }", ["for ( int i = 0 ; i < n ; i ++ ) {", "a ( ) ;", "}"]),
        ("try (A a = b(); C c = d()) { }", ["try ( A a = b ( ) ; C c = d ( ) ) {", "}"]),
        ("int[] a = {1, 2}; b();", ["int [ ] a = { 1 , 2 } ;", "b ( ) ;"]),
        ("int[][] a = new int[][] {{1}, {2, 3}};", ["int [ ] [ ] a = new int [ ] [ ] { { 1 } , { 2 , 3 } } ;"]),
        ('@A({"x"}) @B(c = {}) class D { }', ['@ A ( { "x" } ) @ B ( c = { } ) class D {', "}"]),
        ("String[] a() default {};", ["String [ ] a ( ) default { } ;"]),
        ("a.b(() -> { c(); d(); }, e);", ["a . b ( ( ) -> {", "c ( ) ;", "d ( ) ;", "}", ", e ) ;"]),
        ("a(new B() { int c; });", ["a ( new B ( ) {", "int c ;", "}", ") ;"]),
        ("enum A { B, C { int d; }, E; }", ["enum A {", "B , C {", "int d ;", "}", ", E ;", "}"]),
        (
            "switch (a) { case 1: b(); default -> { } }",
            ["switch ( a ) {", "case 1 : b ( ) ;", "default -> {", "}", "}"],
        ),
        ("{ { } }", ["{", "{", "}", "}"]),
        ("if (a) b(); else { }", ["if ( a ) b ( ) ;", "else {", "}"]),
        ("a = { b; c(); }", ["a = { b ;", "c ( ) ;", "}"]),
        ("void a() { b(; } c;", ["void a ( ) {", "b ( ; }", "c ;"]),
        ("int a", ["int a"]),
    ],
)
def test_a_sentence_is_a_statement(text, expected):
    assert sentences(text) == expected


def test_a_comment_between_statements_is_a_sentence():
    text = "// one\n/* two */ a(b /* three */); // four\n}"
    assert sentences(text, comments=True) == ["// one", "/* two */", "a ( b /* three */ ) ;", "// four", "}"]


@pytest.mark.parametrize(
    ("text", "n"),
    [("", 0), ("{ ( ) }", 0), ("{ ( }", 1), (") }", 2), ("{ (", 2), ("a = { ; }", 0), ("( } )", 1)],
)
def test_brackets_without_partner_are_counted(text, n):
    assert nest(find_tokens(text)).n_unmatched == n


def test_a_bracket_and_its_partner_have_the_depth_inside():
    found = nest(find_tokens("a ( b { c } d ) e"))
    assert found.parenthesis_depth.tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 0]
    assert found.brace_depth.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0]
