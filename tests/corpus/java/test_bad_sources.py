"""Bad input of the reader of Java: each is one paragraph that names the file, or a remark and all is kept."""

import logging
import os
import re
import stat
import zipfile

import pytest

from lstm_analysis.corpus import JavaOptions, find_reader, read_sentences
from lstm_analysis.corpus.java import archives, decoding
from lstm_analysis.corpus.parts import plan_parts
from lstm_analysis.errors import UsageError, UserError


def read(path, **options):
    return list(read_sentences("java", [str(path)], java=JavaOptions(**options)))


def text_of(sentences):
    return " ".join(token for sentence in sentences for token in sentence.tokens)


@pytest.fixture
def archive(tmp_path):
    def put(entries, name="s.zip"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as out:
            for entry, text in entries:
                out.writestr(entry, text)
        return tmp_path / name

    return put


def test_an_empty_folder(tmp_path):
    with pytest.raises(
        UsageError, match=r"is a folder without Java sources \(\*\.java\), at any depth\. Check the path"
    ):
        read(tmp_path)
    (tmp_path / "x.jar").write_bytes(b"")
    with pytest.raises(UsageError, match=r"without Java sources .*; it holds 1 archives: name them, .*'\*\.jar'"):
        read(tmp_path)
    with pytest.raises(UsageError, match=r"nowhere' names no file"):
        read(tmp_path / "nowhere")


def test_an_archive_of_something_else(archive):
    with pytest.raises(
        UsageError, match=r"s\.zip holds no Java sources \(\*\.java\)\. If it is a jar of compiled classes"
    ):
        read(archive([("A.class", "x")]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"class A {\n  // caf\xe9\n}",
            r"A\.java is not valid UTF-8: line 2 has byte 0xe9 at byte 18 .*encoding: latin-1",
        ),
        (b"\xca\xfe\xba\xbe\x00\x00", r"A\.java is no text: it has a zero byte at byte 4"),
        ("class A {}".encode("utf-16"), r"A\.java is no text: it has a zero byte at byte 3\. .*'iconv -f utf-16"),
    ],
)
def test_what_is_no_text_is_refused(write, content, message):
    with pytest.raises(UserError, match=message):
        read(write("A.java", content))


def test_latin_1_is_read_where_it_is_no_utf_8(write, tmp_path):
    write("src/A.java", "class Café {}".encode("latin-1"))
    write("src/B.java", "class Bücher {}".encode())
    assert text_of(read(tmp_path / "src", encoding="latin-1")) == "class Café { } class Bücher { }"


def test_a_file_that_is_too_large(write, archive, monkeypatch):
    monkeypatch.setattr(decoding, "MOST_BYTES", 1 << 20)
    large = "class A {}" + " " * (1 << 20)
    for path in (write("A.java", large), archive([("A.java", large)])):
        with pytest.raises(UserError, match=r"A\.java is larger than 1 MB, more than any source"):
            read(path)
    assert text_of(read(write("B.java", large[: 1 << 20]))) == "class A { }"


def test_a_long_line_is_read(write):
    found = read(write("A.java", "class A{" + "int f(int a){return a+1;}" * 40_000 + "}"))
    assert len(found) == 40_000 * 3 + 2
    assert found[-1].numbers["column"][0] == 8 + 25 * 40_000


REMARKS = {
    'class A { String s = "open; }\n}': "1 literals that do not end",
    "class A { /* open }": "1 comments that do not end, 1 brackets without partner",
    "class A { ) }": "1 brackets without partner",
    "class A {\r\n # ` }": r"2 characters that begin no token \(line 2: '#'\)",
}


@pytest.mark.parametrize("text", REMARKS)
def test_broken_sources_are_kept_with_a_remark(write, caplog, text):
    found = read(write("A.java", text), comments=True)
    assert "".join(text_of(found).split()) == "".join(text.split())
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert re.search(rf"A\.java is broken: {REMARKS[text]}\. All of it is kept as it stands\.", record.getMessage())


@pytest.mark.parametrize(
    ("text", "remark"),
    [("", "holds no token of Java"), ("// only\n", "holds no token of Java"), ("def f(x):\n  return x", "is it Java?")],
)
def test_empty_sources_and_other_languages(write, caplog, text, remark):
    read(write("A.java", text))
    assert [remark in record.getMessage() for record in caplog.records] == [True]


def test_a_proper_source_has_no_remark(write, caplog):
    read(write("A.java", "class A { void b() { int[] c = {1}; } }"))
    read(write("package-info.java", "package a.b;"))
    read(write("module-info.java", "module a.b { requires c; }"))
    assert not caplog.records


def test_links_are_not_followed_in_circles(write, tmp_path, caplog):
    write("src/a/A.java", "class A {}")
    (tmp_path / "src/a/loop").symlink_to(tmp_path / "src")
    (tmp_path / "src/B.java").symlink_to(tmp_path / "src/a/A.java")
    (tmp_path / "src/Gone.java").symlink_to(tmp_path / "nowhere")
    (tmp_path / "src/Self.java").symlink_to(tmp_path / "src/Self.java")
    assert [s.document for s in read(tmp_path / "src")][::2] == ["B.java", "a/A.java"]
    (record,) = caplog.records
    assert "3 links to folders, or to what is no file, are not followed" in record.getMessage()
    (tmp_path / "link").symlink_to(tmp_path / "src/a")
    assert [s.document for s in read(tmp_path / "link")][::2] == ["A.java"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(write, tmp_path):
    write("src/a/A.java", "class A {}")
    (tmp_path / "src/a").chmod(0)
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "src")
    (tmp_path / "src/a").chmod(0o755)


def test_damaged_archives(write, archive, tmp_path):
    with pytest.raises(
        UserError, match=r"s\.zip: its table of contents cannot be read \(File is not a zip file\): the archive"
    ):
        read(write("s.zip", b"PK no"))
    whole = archive([("A.java", "class A {}" * 999), ("B.java", "class B {}")], "t.zip").read_bytes()
    with pytest.raises(UserError, match=r"table of contents cannot be read"):
        read(write("u.zip", whole[: len(whole) // 2]))
    spoilt = bytearray(whole)
    spoilt[45] ^= 0xFF
    with pytest.raises(UserError, match=r"v\.zip: A\.java cannot be read \(.*\): the archive is damaged"):
        read(write("v.zip", bytes(spoilt)))


def test_encrypted_members_and_unknown_packing(archive):
    path = archive([("A.java", "class A {}")])
    raw = bytearray(path.read_bytes())
    central = raw.index(b"PK\x01\x02")
    encrypted = bytes(raw[: central + 8]) + b"\x01" + bytes(raw[central + 9 :])
    path.write_bytes(encrypted)
    with pytest.raises(UserError, match=r"s\.zip: A\.java is encrypted, and there is no way to give a password"):
        read(path)
    for at in (8, central + 10):
        raw[at] = 99
    path.with_name("w.zip").write_bytes(raw)
    with pytest.raises(UserError, match=r"w\.zip: A\.java cannot be unpacked \(.*\)\. Unpack the archive"):
        read(path.with_name("w.zip"))


def test_names_in_archives_are_only_names(archive, tmp_path, caplog):
    link = zipfile.ZipInfo("Link.java")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = archive([("../out/A.java", "class A {}"), ("/B.java", "class B {}"), (link, "/etc/passwd")])
    before = sorted(tmp_path.rglob("*"))
    assert [s.document for s in read(path)][::2] == ["../out/A.java", "/B.java"]
    assert sorted(tmp_path.rglob("*")) == before
    assert "holds 1 links in place of sources (such as Link.java), which are not followed" in caplog.text


def test_of_two_members_of_one_name_the_later_counts(archive):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = archive([("A.java", "int x;"), ("A.java", "int y;")])
    assert text_of(read(path)) == "int y ;"


def test_an_archive_is_opened_once_and_read_anew_when_it_changes(archive, monkeypatch):
    opened = []
    real = zipfile.ZipFile
    path = archive([(f"A{i}.java", f"int x{i};") for i in range(9)])
    monkeypatch.setattr(archives.zipfile, "ZipFile", lambda stream: opened.append(stream) or real(stream))
    assert len(read(path)) == 9
    assert len(opened) == 1
    monkeypatch.undo()
    archive([("A0.java", "int changed;")], "other.zip").replace(path)
    assert text_of(read(path)) == "int changed ;"


def test_the_parts_of_a_corpus_are_planned_with_the_sizes_of_members(archive):
    path = archive([(f"A{i}.java", "int x;" * 100) for i in range(10)])
    reader, source = find_reader("java", [str(path)])
    texts = reader.texts(source)
    assert {text.n_byte for text in texts} == {600}
    parts = plan_parts(reader, texts, {}, 1800)
    assert [len(part.texts) for part in parts] == [3, 3, 3, 1]
    assert reader.files(source.paths, "The corpus path") == [f"file://{path}"]
