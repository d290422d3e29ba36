"""The reader of Java: documents, statements, columns; every place leads back to its token."""

import zipfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.corpus import JavaOptions, read_corpus, read_sentences
from lstm_analysis.corpus.java.lexer import find_tokens
from lstm_analysis.corpus.java.reader import source_columns
from lstm_analysis.errors import UsageError

SOURCE = """package a;
import java.util.List;

/** All of them. */
class Example {
\tint[] values = {1, 2}; // two
\tvoid addAll(List<String> other_list) {
\t\tfor (int i = 0; i < 2; i++) { run(other_list); }
\t}
}
"""
TOKENS = [
    "package a ;", "import java . util . List ;", "class Example {", "int [ ] values = { 1 , 2 } ;",
    "void addAll ( List < String > other_list ) {", "for ( int i = 0 ; i < 2 ; i ++ ) {", "run ( other_list ) ;",
    "}", "}", "}",
]  # fmt: skip
NUMBERS = ["char_start", "char_stop", "column", "line_length", "indentation", "brace_depth", "parenthesis_depth"]
FRAGMENTS = st.sampled_from(
    ["aB", "_c1", "{", "}", "(", ")", ";", "=", " ", "\n", "\t", '"s"', "// x y", "/*z*/", "\\u0041", "é", "𝔸", "#"]
)


def read(*paths, **options):
    return list(read_sentences("java", paths, java=JavaOptions(**options)))


def test_a_sentence_is_a_statement_of_a_file(write):
    found = read(write("src/a/Example.java", SOURCE))
    assert [" ".join(sentence.tokens) for sentence in found] == TOKENS
    assert {sentence.document for sentence in found} == {"Example.java"}
    assert found[1].annotations["kind"] == [
        "keyword",
        "identifier",
        "separator",
        "identifier",
        "separator",
        "identifier",
        "separator",
    ]
    assert found[4].annotations["api"] == ["", "", "", "java.util", *[""] * 6]
    assert list(found[0].numbers) == NUMBERS
    run = {name: column.tolist() for name, column in found[6].numbers.items()}
    assert run["column"] == [32, 35, 36, 46, 47]
    assert run["line_length"] == [50] * 5
    assert run["indentation"] == [2] * 5
    assert run["brace_depth"] == [3] * 5
    assert run["parenthesis_depth"] == [0, 1, 1, 1, 0]


def test_comments_and_sub_tokens_on_request(write):
    found = read(write("Example.java", SOURCE), comments=True, subtokens=True)
    lines = [" ".join(sentence.tokens) for sentence in found]
    assert lines[2] == "/** All of them . */"
    assert lines[5] == "// two"
    assert lines[6] == "void add All ( List < String > other _ list ) {"
    assert found[2].annotations["kind"] == ["comment"] * 6
    assert found[6].annotations["kind"][8:11] == ["identifier"] * 3


@given(st.lists(FRAGMENTS, max_size=30).map("".join), st.booleans(), st.booleans())
def test_every_place_leads_back_to_its_token(text, comments, subtokens):
    tokens = find_tokens(text)
    tokens = tokens if comments else tokens.without_comments()
    columns, _ = source_columns(tokens, JavaOptions(comments, subtokens))
    places = list(zip(columns.numbers["char_start"].tolist(), columns.numbers["char_stop"].tolist(), strict=True))
    assert [text[start:stop] for start, stop in places] == columns.forms
    assert [start for start, _ in places] == sorted(start for start, _ in places)
    lengths = {len(column) for column in (*columns.numbers.values(), *columns.annotations.values())}
    assert lengths == {len(columns.forms)}
    ends = columns.ends.tolist()
    assert ends == sorted(set(ends))
    assert ends[-1:] == ([len(columns.forms)] if columns.forms else [])


@given(st.lists(FRAGMENTS, max_size=20).map("".join), st.lists(FRAGMENTS, max_size=20).map("".join))
def test_statements_of_the_first_half_do_not_depend_on_the_second(first, second):
    def sentences(text):
        columns, _ = source_columns(find_tokens(text).without_comments(), JavaOptions())
        bounds = [0, *columns.ends.tolist()]
        return [columns.forms[i:j] for i, j in pairwise(bounds)]

    whole = sentences(first + "\n;" + second)
    before = sentences(first + "\n;")
    assert whole[: len(before) - 1] == before[:-1]


def archive(path: Path, files: dict[str, str]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in files.items():
            out.writestr(name, text)
    return str(path)


def test_folders_archives_and_files_are_read_alike(write, tmp_path):
    files = {"b/B.java": "class B {}", "a/A.java": "class A {}", "a/notes.txt": "no"}
    for name, text in files.items():
        write(f"src/{name}", text)
    folder = read(str(tmp_path / "src"))
    assert [(s.document, s.tokens) for s in folder] == [
        ("a/A.java", ["class", "A", "{"]), ("a/A.java", ["}"]), ("b/B.java", ["class", "B", "{"]), ("b/B.java", ["}"])
    ]  # fmt: skip
    assert read(archive(tmp_path / "s.jar", files)) == folder
    assert read(str(tmp_path / "src/")) == folder
    glob = read(str(tmp_path / "src/*/*.java"))
    assert [s.tokens for s in glob] == [s.tokens for s in folder]
    assert read(str(tmp_path / "src/a/A.java"), str(tmp_path / "src/a/A.java"))[0].document == "A.java"
    assert [s.document for s in read(write("src/C.java.gz", "int x;"))] == ["C.java.gz"]


def test_documents_of_one_name_keep_what_tells_them_apart(write, tmp_path):
    write("one/a/A.java", "int x;")
    write("two/a/A.java", "int y;")
    paths = [str(tmp_path / "one"), archive(tmp_path / "s.zip", {"a/A.java": "int z;", "b/B.java": "int b;"})]
    assert [s.document for s in read(*paths, str(tmp_path / "two"))] == [
        "one/a/A.java",
        "s.zip/a/A.java",
        "b/B.java",
        "two/a/A.java",
    ]


def test_only_wanted_documents_are_opened(write, tmp_path):
    write("src/a/A.java", "int x;")
    write("src/b/B.java", b"\xff\x00")
    found = read_sentences("java", [str(tmp_path / "src")], documents=["a/*"])
    assert [s.document for s in found] == ["a/A.java"]


def test_a_corpus_in_memory(write):
    path = write("Example.java", SOURCE)
    corpus = read_corpus(path, subtokens=True)
    assert corpus["document_name"].values.tolist() == ["Example.java"]
    kinds = corpus["kind"].values[corpus["kind_id"].values]
    starts, stops = corpus["char_start"].values, corpus["char_stop"].values
    forms = corpus["type"].values[corpus["type_id"].values]
    for form, kind, start, stop in zip(forms, kinds, starts, stops, strict=True):
        if form == "</s>":
            assert (kind, start, stop) == ("", -1, -1)
        else:
            assert SOURCE[start:stop] == form
    assert read_corpus(path).sizes["time"] < corpus.sizes["time"]


def test_line_ends_and_marks_of_byte_order(write):
    dos, unix = write("a/D.java", "\ufeff" + SOURCE.replace("\n", "\r\n")), write("b/U.java", SOURCE)
    first, second = read(dos), read(unix)
    assert [s.tokens for s in first] == [s.tokens for s in second]
    for name in ("column", "line_length", "indentation"):
        assert [list(s.numbers[name]) for s in first] == [list(s.numbers[name]) for s in second]
    assert first[0].numbers["char_start"][0] == 0


@pytest.mark.parametrize("key", [{"comments": True}, {"subtokens": True}, {"structure": True}, {"encoding": "latin-1"}])
def test_keys_of_java_are_refused_elsewhere(write, key):
    with pytest.raises(
        UsageError, match=rf"corpus\.{next(iter(key))} is for the format java; the corpus has the format text"
    ):
        read_corpus(write("a.txt", "a"), **key)
