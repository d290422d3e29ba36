"""The lexer against one that reads one character after the other, and against what the language says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_java import OPERATORS, SEPARATORS, tokens_one_by_one

from lstm_analysis.corpus.java.lexer import AT_ONCE, KINDS, find_tokens
from lstm_analysis.corpus.java.scanning import KEYWORDS, LONGEST_KEYWORD

FRAGMENTS = [
    *"aZ_$09.'\"\\/*<>=-+&|!^%~?:;,@#(){}[] \n\r\t\f\x1a\x00éǅ变€٣́\u200b\u2028\u3000`xXbBeEpPlLfFdDn𝔸",
    "class", "int", "true", "null", "_", '"""', '"""\n', "\\'", '\\"', "\\377", "0x1.8p3", "1e-5f", "//", "/*", "*/",
    ">>>=", "->", "::", "...", "1_000L", "0b1", " 0x", "List<List<String>>", "\r\n",
]  # fmt: skip
SOURCES = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)


def found(text):
    tokens = find_tokens(text)
    kinds = [KINDS[i] for i in tokens.kind.tolist()]
    return list(zip(tokens.start.tolist(), tokens.stop.tolist(), kinds, strict=True))


def forms(text, kind=None):
    return [text[start:stop] for start, stop, of in found(text) if kind in (None, of)]


@given(SOURCES)
def test_every_text_is_cut_as_one_by_one(text):
    assert found(text) == tokens_one_by_one(text)


@given(st.text() | SOURCES)
def test_tokens_and_the_white_space_between_them_are_the_text(text):
    at, rebuilt = 0, ""
    for start, stop, _ in found(text):
        assert start < stop
        assert not text[at:start].strip().strip("\x1a")
        rebuilt += text[at:stop]
        at = stop
    assert not text[at:].removesuffix("\x1a").strip()
    assert rebuilt + text[at:] == text


@given(SOURCES, SOURCES)
def test_what_stands_before_a_line_of_its_own_changes_nothing_after_it(first, second):
    whole = first + "\n;\n" + second
    tokens = find_tokens(first)
    if not tokens.n_unfinished["comment"] and '"""' not in first and "\x1a" not in first:
        assert forms(whole) == [*forms(first), ";", *forms(second)]


@given(SOURCES.filter(lambda text: "\\" not in text), st.randoms())
def test_escapes_change_offsets_and_nothing_else(text, random):
    pieces = [
        f"\\{'u' * random.randint(1, 3)}{ord(c):04x}" if ord(c) < 0x10000 and random.random() < 0.3 else c for c in text
    ]
    place = [0]
    for piece in pieces:
        place.append(place[-1] + len(piece))
    expected = [(place[start], place[stop], kind) for start, stop, kind in found(text)]
    assert found("".join(pieces)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\u0041b\u0063 = 1;", [r"\u0041b\u0063", "=", "1", ";"]),
        (r'"\u0022 + x', [r'"\u0022', "+", "x"]),
        (r'"\\u0022 + x"', [r'"\\u0022 + x"']),
        (r"'\u005c'' x", [r"'\u005c''", "x"]),
        (r"// one\u000a two", ["// one", "two"]),
        (r"\ud835\udd38x \ud835 y", [r"\ud835\udd38x", r"\ud835", "y"]),
        (r"\u004 \uxyz", ["\\", "u004", "\\", "uxyz"]),
        (r"\u007b \u003e>", [r"\u007b", r"\u003e>"]),
    ],
)
def test_unicode_escapes(text, expected):
    assert forms(text) == expected


def test_the_sign_of_an_escaped_bracket_is_the_bracket():
    assert find_tokens("a \\u007b ; >> }").sign.tolist() == [0, ord("{"), ord(";"), 0, ord("}")]


@pytest.mark.parametrize("word", [*KEYWORDS, "_"])
def test_keywords(word):
    assert found(word) == [(0, len(word), "keyword")]
    assert forms(f"{word}x {word.upper()}x x{word}", "identifier") == [f"{word}x", f"{word.upper()}x", f"x{word}"]


def test_no_keyword_is_longer_than_the_longest():
    assert max(map(len, KEYWORDS)) == LONGEST_KEYWORD
    assert len(KEYWORDS) == 50


@pytest.mark.parametrize("word", ["var", "yield", "record", "sealed", "module", "goto1", "_a", "éa", "变量", "$", "‿x"])
def test_contextual_keywords_are_identifiers(word):
    assert found(word) == [(0, len(word), "identifier")]


@pytest.mark.parametrize("sign", [*OPERATORS, *SEPARATORS])
def test_operators_and_separators(sign):
    kind = "separator" if sign in SEPARATORS else "operator"
    assert found(f"a{sign} b") == [
        (0, 1, "identifier"),
        (1, 1 + len(sign), kind),
        (2 + len(sign), 3 + len(sign), "identifier"),
    ]


def test_type_arguments_end_with_one_operator():
    assert forms("Map<A, List<B>> c") == ["Map", "<", "A", ",", "List", "<", "B", ">>", "c"]


@pytest.mark.parametrize(
    "literal",
    [
        "0", "00", "0_7", "1_000", "1L", "0xCAFE_babeL", "0b10_1l", "1.", "1.5", ".5", "1e10", "1E-5f", "1f", "1d",
        "0x1p3", "0x1.8P-3f", "0x.8p1", "1.e5D", "true", "false", "null", '""', '"a"', r'"\""', r'"\\"', "'a'", r"'\''",
        r"'\377'",
        r"'\u0041'", "'变'", '"""\n"""', '"""  \t\n a "" b \\""" c\n"""', '"//"', '"/*"', "'\"'",
    ],
)  # fmt: skip
def test_literals(literal):
    assert found(f"{literal};") == [(0, len(literal), "literal"), (len(literal), len(literal) + 1, "separator")]


@pytest.mark.parametrize(
    ("text", "expected", "unfinished"),
    [
        ('x = "open\ny', ["x", "=", '"open', "y"], {"literal": 1}),
        ('"a\\\ny', ['"a\\', "y"], {"literal": 1}),
        ("/* open ; }", ["/* open ; }"], {"comment": 1}),
        ("/*/ x", ["/*/ x"], {"comment": 1}),
        ('"""\n open " ', ['"""\n open " '], {"literal": 1}),
        ("'ab'\n''\n'", ["'", "ab", "'", "'", "'", "'"], {"": 5}),
        ('"""x"', ['""', '"x"'], {}),
        ("a # `b` \\ c", ["a", "#", "`", "b", "`", "\\", "c"], {}),
    ],
)
def test_broken_sources_are_kept(text, expected, unfinished):
    assert forms(text) == expected
    assert find_tokens(text).n_unfinished == unfinished


def test_many_tokens_are_found_in_parts():
    tokens = find_tokens("a;" * AT_ONCE)
    assert tokens.start.tolist() == list(range(2 * AT_ONCE))
    assert (tokens.kind[::2] == KINDS.index("identifier")).all()
    assert (tokens.kind[1::2] == KINDS.index("separator")).all()


@pytest.mark.parametrize("text", ["", " \n\t", "\x1a"])
def test_a_text_without_tokens(text):
    assert found(text) == []


def test_comments_can_be_left_out():
    tokens = find_tokens("a /* b */ c // d\n/* open").without_comments()
    assert tokens.forms == ["a", "c"]
    assert tokens.n_unfinished["comment"] == 1
