"""The lexer against javac's own scanner: sources that use every kind of token, and those of the whole JDK."""

import os
import zipfile
from pathlib import Path

import pytest
from engine_needs import missing, need
from javac_scanner import differing, scanned

pytestmark = pytest.mark.engines

JDK = "LSTM_ANALYSIS_JDK_SOURCES"
"""Environment variable with the path of a JDK's ``src.zip``, all of which is then compared."""
USUAL = "/usr/lib/jvm/openjdk-17/lib/src.zip"
STEP = 12
"""Of the JDK where it usually lies every so many files are compared, which takes some seconds, not a minute."""
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


def some_of(archive: Path, step: int, path: Path) -> Path:
    """Write an archive of every so many sources of another."""
    with zipfile.ZipFile(archive) as whole, zipfile.ZipFile(path, "w") as out:
        names = [name for name in whole.namelist() if name.endswith(".java")]
        for name in names[::step]:
            out.writestr(name, whole.read(name))
    return path


def test_each_kind_of_token_is_that_of_javac(archive: Path) -> None:
    need("java")
    assert {name: len(tokens) > 5 for name, tokens in scanned("java", archive)} == dict.fromkeys(SOURCES, True)
    assert differing("java", archive)[1] == {}


@pytest.mark.slow
def test_the_tokens_of_the_jdk_are_those_of_javac(tmp_path: Path) -> None:
    need("java")
    sources = Path(os.environ.get(JDK, USUAL))
    if not sources.is_file():
        missing(f"there is no {sources}, the sources of a JDK; set {JDK} to its src.zip")
    step = 1 if JDK in os.environ else STEP
    n_token, differences = differing("java", sources if step == 1 else some_of(sources, step, tmp_path / "some.zip"))
    assert n_token > N_JDK_TOKEN // step
    assert differences == {}
