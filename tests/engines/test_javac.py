"""The lexer against javac's own scanner: sources that use every kind of token, and those of the whole JDK."""

import os
import zipfile
from pathlib import Path

import pytest
from engine_needs import missing, need
from javac_scanner import differing, scanned

pytestmark = pytest.mark.engines

JDK = "LSTM_ANALYSIS_JDK_SOURCES"
"""Environment variable with the path of a JDK's ``src.zip``."""
USUAL = "/usr/lib/jvm/openjdk-17/lib/src.zip"
N_JDK_TOKEN = 10_000_000
SOURCES = {
    "Literals.java": r"""
        int a = 0, b = 0x1F_ffL, c = 0b1010, d = 017, e = 1_000_000; double f = 1.5e-3f + .5 + 1. + 1d + 0x1.8p3;
        char g = 'a', h = '\'', i = '\u0041', j = '\377', k = '\\'; String l = "a\"b\\", m = "\u0022 + o;
        boolean p = true || false; Object q = null;
    """,
    "Block.java": 'class A { String a = """   \n  one "two" \\""" three\\n\n  """ + "b"; }',
    "Names.java": "class Größe<T> { int 变量, $a_1, _b, \\u0061b\\uuu0063, 𝔸x, €uro, e\u0301, var, record, yield; }",
    "Operators.java": "a>>>=b>>>c>>=d>>e<<=f<<g->h::i...j@k+=l++ +m-- -n!=o==p<=q>=r&&s||t&u|v^w%x/y*z~a?b:c",
    "Generics.java": "Map<String, List<Map<K, V>>> a = new HashMap<>(); <T> void b(List<? super T>[] c, int... d) {}",
    "Comments.java": "/** a */ int /* b **/ c; // d /* e\n/**/ int/***/f; int g;/* \u0041 // */",
    "Keywords.java": "non-sealed class A { _ = goto const strictfp native; assert enum instanceof }\r\n\x1a",
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "sources.zip"
    with zipfile.ZipFile(path, "w") as out:
        for name, text in SOURCES.items():
            out.writestr(name, text)
    return path


def test_each_kind_of_token_is_that_of_javac(archive: Path) -> None:
    need("java")
    assert {name: len(tokens) > 5 for name, tokens in scanned("java", archive)} == dict.fromkeys(SOURCES, True)
    assert differing("java", archive)[1] == {}


@pytest.mark.slow
def test_the_tokens_of_the_jdk_are_those_of_javac() -> None:
    need("java")
    sources = Path(os.environ.get(JDK, USUAL))
    if not sources.is_file():
        missing(f"there is no {sources}, the sources of a JDK; set {JDK} to its src.zip")
    n_token, differences = differing("java", sources)
    assert n_token > N_JDK_TOKEN
    assert differences == {}
