"""The structure columns of Java: written out by hand, by a scanner, and by climbing the syntax tree token by token."""

import re
import sys

import numpy as np
import pytest
from corpus.java_programs import KEYWORDS, MEMBERS, climbed, plain, programs, quoted_and_commented, starts, words
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_analysis.corpus.java import structure
from lstm_analysis.corpus.java.structure import structure_columns
from lstm_analysis.corpus.java.syntax import REGIONS
from lstm_analysis.errors import UserError


def columns_of(text):
    texts, numbers = structure_columns(text, starts(text))
    return texts | {name: column.tolist() for name, column in numbers.items()}


def inside_of_class(marked):
    """Return what the columns should say of the members of a class, and what they do, as (value, word) pairs."""
    pieces = re.split("‹(.*?)›", marked)
    text = "class C {" + "".join(pieces[::2]) + "}"
    expected = [(value, word) for value, part in zip(pieces[1::2], pieces[2::2], strict=True) for word in words(part)]
    found = columns_of(text)
    return expected, {name: list(zip(map(str, found[name]), words(text), strict=True))[3:-1] for name in found}


@pytest.mark.parametrize(
    "marked",
    [
        '‹› int a; ‹comment› /* for { } */ ‹› int b; ‹comment› // x " y\n ‹› int c;',
        "‹comment› /** {@code x} * / */ ‹› int b = 1 / ‹comment› // y\n ‹› 2;",
        '‹› String s = ‹string› "a \\" // b" ‹› + \'c\' + ‹string› """\n "a" \\""" b\n""" ‹› ;',
        "‹annotation› @Override ‹› public void f() { } ‹annotation› @A(b = {1, 2}, c = "
        '‹string annotation› "x" ‹annotation› ) ‹› int d;',
        "‹› void f(final ‹annotation› @N ‹› int x) { int y; }",
        "‹› void f() { ‹loop› for (int i = 0; ‹loop condition› i < 3 ‹loop› ; i++) g(); ‹› h(); }",
        "‹› void f() { ‹loop› for (;;) { break; } ‹loop› for (var x : y) { g(x); } ‹› h(); }",
        "‹› void f() { ‹loop› while ‹loop condition› (a) ‹loop› { g(); } ‹› h(); }",
        "‹› void f() { ‹loop› do { g(); } while ‹loop condition› (a) ‹loop› ; ‹› h(); }",
        "‹› void f() { ‹try› try { g(); } ‹catch› catch (A | B e) { h(); } ‹catch› catch (C e) { } "
        "‹› finally { i(); } }",
        "‹› void f() { ‹try› try (R r = open(); s) { g(); } ‹catch› catch (A e) { h(); } ‹› i(); }",
        "‹› void f() { ‹try› try { ‹loop try› for (;;) g(); ‹try› h(); } ‹› finally { } }",
        "‹› F f = ‹lambda› x -> x ‹› ; F g = ‹lambda› (a, b) -> { return a; } ‹› ; G h = A::b;",
        "‹› void f() { ‹switch› switch (x) { case 1: g(); break; default: h(); } ‹› i(); }",
        "‹› int f =  ‹switch› switch (x) { case A, B -> 1; default -> ‹switch condition› y ‹switch› ? 1 : 2; } ‹› ;",
        "‹› void f() { if ‹condition› (a == (b)) ‹› { g(); } else if ‹condition› (c) ‹› h(); }",
        "‹› int f = ‹condition› a < b ‹› ? c : d;",
    ],
)
def test_regions(marked):
    expected, found = inside_of_class(marked)
    assert found["inside"] == expected


@pytest.mark.parametrize(
    "marked",
    [
        "‹field› private int a = 1, b; ‹class› // x\n ‹method› void f();",
        "‹constructor› C(int a) { ‹explicit_constructor_invocation› super(a); ‹expression› a = 1; ‹constructor› }",
        "‹initializer› { ‹expression› f(); ‹initializer› } ‹static_initializer› static { }",
        "‹method› @A void f() throws E { ‹local_variable› final int a = 1; ‹return› return a; ‹method› }",
        "‹method› void f() { ‹if› if (a) ‹expression› b(); ‹if› else if (c) { ‹throw› throw d; ‹if› } ‹method› }",
        "‹method› void f() { ‹for› for ( ‹local_variable› int i = 0; ‹for› i < 2; i++) ‹expression› b(); ‹method› }",
        "‹method› void f() { ‹labeled› x: ‹enhanced_for› for (var a : b) { ‹continue› continue x; "
        "‹enhanced_for› } ‹method› }",
        "‹method› void f() { ‹while› while (a) { ‹break› break; ‹while› } ‹do› do { } while (b); ‹method› }",
        "‹method› void f() { ‹try› try { } ‹catch› catch (A a) { ‹assert› assert b; ‹catch› } "
        "‹finally› finally { } ‹method› }",
        "‹method› void f() { ‹try_with_resources› try (A a = b) { } ‹synchronized› synchronized (c) { } ‹method› }",
        "‹field› int a = ‹switch› switch (b) { case 1 -> { ‹yield› yield 2; ‹switch› } default -> "
        "‹throw› throw c; ‹switch› } ‹field› ;",
        "‹field› F f = (a, b) -> { ‹expression› c(); ‹field› };",
        "‹class› static class D extends E { ‹field› int x; ‹class› }",
        "‹record› record P(int x) { ‹compact_constructor› P { } ‹record› }",
        "‹enum› enum E { ‹enum_constant› A(1) { ‹method› void f() { } ‹enum_constant› } ‹enum› , "
        "‹enum_constant› B ‹enum› ; }",
        "‹interface› interface I { ‹constant› int K = 1; ‹interface› }",
        "‹annotation_type› @interface A { ‹annotation_type_element› int b() default 1; ‹annotation_type› }",
    ],
)
def test_statements(marked):
    expected, found = inside_of_class(marked)
    assert found["statement"] == expected


def test_statements_outside_classes():
    text = "package a.b; import java.util.*; import static c.D.e; class F { } module"
    kinds = columns_of(text)["statement"]
    assert kinds == ["package"] * 5 + ["import"] * 7 + ["import"] * 8 + ["class"] * 4 + kinds[-1:]
    assert set(columns_of("module m.n { requires a; }")["statement"]) == {"module"}
    assert set(columns_of("/* a */ // b")["statement"]) == {""}


@pytest.mark.parametrize("member", MEMBERS)
def test_roles(member):
    marked = re.findall(r"#?\w+|[^\s#]", "class #C { " + member + " }")
    text = plain("class #C { " + member + " }")
    found = columns_of(text)
    no_name = [
        "comment" in inside or "string" in inside or word in KEYWORDS.split() or not re.match(r"[^\W\d]", word)
        for inside, word in zip(found["inside"], words(text), strict=True)
    ]
    no_name = [is_none or before == "'" for is_none, before in zip(no_name, ["", *words(text)], strict=False)]
    roles = [
        "declaration" if word.startswith("#") else "" if is_none else "use"
        for word, is_none in zip(marked, no_name, strict=True)
    ]
    assert list(zip(found["role"], words(text), strict=True)) == list(zip(roles, words(text), strict=True))


def test_names_of_packages_and_modules_are_used_and_a_variable_may_be_called_var():
    found = columns_of("package a.b; import c.D; class E { var f() { int var = 1; var g = var; } }")
    names = [role for role in found["role"] if role]
    assert names == ["use"] * 4 + ["declaration"] * 2 + ["declaration", "declaration", "use"]
    assert set(columns_of("module m.n { requires a; }")["role"]) == {"", "use"}


def test_methods_begin_and_end_with_their_braces():
    text = (
        "class C { int a; void f(int b) { if (b) { g(new D() { int h; void i() { } }); } } "
        "C() { } record R() { R { x(); } } void j(); }"
    )
    signs = {"": ".", "start": "(", "end": ")", "body": "-"}
    found = "".join(signs[value] for value in columns_of(text)["method"])
    assert found == "............(-------------------()----)...()......(----)......."


def test_a_missing_brace_ends_no_method():
    found = columns_of("class C { void f() { while (a) { b(); }")
    assert found["method"].count("start") == 1
    assert found["method"].count("end") <= 1


def test_generic_depth_counts_angle_brackets():
    expected, found = inside_of_class(
        "‹0› boolean a = b < c; Map ‹1› <A, List ‹2› <Set ‹3› <B> ‹2› > ‹1› > ‹0› d = new E ‹1› <> "
        "‹0› (); int e = f >> 1; ‹1› <T extends U ‹2› <T> ‹1› > ‹0› void g() { this. ‹1› <V> ‹0› h(); }"
    )
    assert found["generic_depth"] == expected


KINDS = {
    "loop": {"for_statement", "enhanced_for_statement", "while_statement", "do_statement"},
    "lambda": {"lambda_expression"}, "switch": {"switch_expression"}, "catch": {"catch_clause"},
    "annotation": {"annotation", "marker_annotation"},
}  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(programs, st.sampled_from(["", "é", "𝒳", "// ünï 𝒳\n"]))
def test_columns_equal_scanner_and_climbing(program, before):
    text = f"/*{before}*/{program}" if before else program
    found = columns_of(text)
    string, comment = quoted_and_commented(text)
    for i, (start, around) in enumerate(zip(starts(text).tolist(), climbed(text), strict=True)):
        inside = found["inside"][i].split()
        assert inside == [region for region in REGIONS if region in inside]
        assert ("string" in inside, "comment" in inside) == (string[start], comment[start])
        assert {region: region in inside for region in KINDS} == {r: bool(set(around) & k) for r, k in KINDS.items()}
        assert found["generic_depth"][i] == sum(kind in ("type_arguments", "type_parameters") for kind in around)
        kinds = [kind for kind in around if kind.endswith(("_statement", "_declaration"))]
        name = re.sub("_(statement|declaration)$", "", kinds[0]) if kinds else ""
        more = ("catch", "finally", "switch", "initializer", "static_initializer", "enum_constant")
        assert found["statement"][i] in (name, *more, "explicit_constructor_invocation")


@settings(max_examples=30, deadline=None)
@given(programs, st.data())
def test_any_choice_of_tokens_has_the_same_values(program, data):
    start = np.arange(len(program), dtype=np.int32)
    chosen = np.array(sorted(data.draw(st.sets(st.sampled_from(start.tolist())))), dtype=np.int32)
    texts, numbers = structure_columns(program, start)
    some, some_numbers = structure_columns(program, chosen)
    assert some == {name: [column[i] for i in chosen] for name, column in texts.items()}
    np.testing.assert_array_equal(some_numbers["generic_depth"], numbers["generic_depth"][chosen])
    assert some_numbers["generic_depth"].dtype == np.int32


@settings(max_examples=60, deadline=None)
@given(programs, st.integers(0, 10_000), st.integers(0, 40))
def test_a_program_with_a_hole_has_columns(program, place, n):
    first = place % (len(program) + 1)
    text = program[:first] + program[first + n :]
    found = columns_of(text)
    assert {len(column) for column in found.values()} == {len(starts(text))}
    assert all(set(value.split()) <= set(REGIONS) for value in found["inside"])
    assert set(found["role"]) <= {"", "use", "declaration"}
    braces = {"start": "{", "end": "}"}
    assert all(braces.get(value, word) == word for value, word in zip(found["method"], words(text), strict=True))


@pytest.mark.parametrize("letter", ["é", "变", "𝒳"])
def test_characters_of_several_bytes_shift_nothing(letter):
    plain_text = 'class C { /* x */ void x(List<x> x) { String y = "x"; for (x x : x) { x(); } } }'
    assert columns_of(plain_text.replace("x", letter)) == columns_of(plain_text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "}",
        "\0",
        "\ufeffclass A { }",
        "class A {\r\n int x;\r\n}",
        "\ud800 class",
        "// no end",
        '"""',
        "/*",
        "a" * 10_000,
        "{" * 3000,
        "(" * 3000,
        "<html>é</html>",
    ],
)
def test_any_text_has_columns(text):
    start = starts(text)
    texts, numbers = structure_columns(text, start)
    assert {len(column) for column in (*texts.values(), *numbers.values())} == {len(start)}
    assert set(texts) == {"inside", "role", "statement", "method"}


def test_broken_source_keeps_what_is_understood():
    found = columns_of('class A { int x = ; void f( { if (a) { } } String s = "é"; } // end')
    assert found["inside"][-3:] == ["comment"] * 3
    assert "string" in found["inside"]
    assert "if" in found["statement"]


@pytest.mark.parametrize(
    "nested", ["(|)", "{|}", "a -> |", "List<|>", "do |while (x);", "a ? b : |", "if (x) y(); else |"]
)
def test_deep_nesting_is_no_recursion(nested):
    opening, closing = nested.split("|")
    n = 5 * sys.getrecursionlimit()
    text = f"class A {{ void f() {{ {opening * n} x {closing * n} ; }} }}"
    assert len(columns_of(text)["inside"]) == len(starts(text))


def test_a_long_line_of_many_classes():
    text = "class A{int f(int x){return x;}}" * 2000
    found = columns_of(text)
    assert found["method"].count("start") == found["method"].count("end") == 2000
    assert found["statement"].count("return") == 3 * 2000


@pytest.mark.parametrize("package", ["tree_sitter", "tree_sitter_java"])
def test_missing_package_is_named(package, monkeypatch):
    structure._grammar.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=r"not\s+installed. Install them with `pip install 'lstm-analysis\[java\]'`"):
        structure_columns("class A { }", np.array([0], dtype=np.int32))
