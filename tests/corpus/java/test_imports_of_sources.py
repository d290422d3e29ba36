"""Packages of names from the imports of a source."""

import pytest

from lstm_analysis.corpus.java.imports import api_column, imported_names
from lstm_analysis.corpus.java.lexer import find_tokens


def forms(text):
    return find_tokens(text).forms


@pytest.mark.parametrize(
    ("text", "packages"),
    [
        ("import java.util.List;", {"List": "java.util"}),
        ("import java.util.Map.Entry;", {"Entry": "java.util"}),
        ("import java.util.*; import static java.lang.Math.*;", {}),
        ("import static java.util.stream.Collectors.toList;", {"toList": "java.util.stream"}),
        ("import static a.b.C.D.e;", {"e": "a.b"}),
        ("import a.b.lower;", {"lower": "a.b"}),
        ("import Single; import static Single.x;", {}),
        ("import module java.base; import java.io.File;", {"File": "java.io"}),
        ("import java..X; import static; import; import a b; import java.io.File", {}),
        ("import a.B; import c.B;", {"B": "c"}),
        ("", {}),
    ],
)
def test_imported_names(text, packages):
    assert imported_names(forms(text))[0] == packages


@pytest.mark.parametrize(
    ("text", "labelled"),
    [
        ("List<String> a; b.List c; List::of; d::List", ["List", "List"]),
        ("out.println(); out.a.b; a.out.c; out()", ["out", "println", "out", "a", "out"]),
        ("out . 1 + out.", ["out", "out"]),
        ("List.of(x)", ["List"]),
    ],
)
def test_what_is_labelled(text, labelled):
    found = forms("import java.util.List; import static java.lang.System.out;" + text)
    api = api_column(found)
    assert [form for form, package in zip(found, api, strict=True) if package] == labelled
    assert set(api) <= {"", "java.util", "java.lang"}
    assert len(api) == len(found)
