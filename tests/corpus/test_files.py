"""Which files a path names, and how their lines are read."""

import gzip
import os

import fsspec
import pytest

from lstm_analysis.corpus.files import document_names, expand, read_lines
from lstm_analysis.errors import UserError


def names(paths):
    return [file.rsplit("/", 1)[-1] for file in expand(paths)]


def test_a_glob_gives_its_files_in_order_without_folders(write, tmp_path):
    for name in ("b.txt", "a.txt", "c.md", "folder.txt/inner.md"):
        write(name, "x")
    assert names([f"{tmp_path}/*.txt"]) == ["a.txt", "b.txt"]


def test_a_file_named_twice_is_read_once(write, tmp_path):
    paths = [write("b.txt", "x"), write("a.txt", "x")]
    assert names([paths[0], f"{tmp_path}/*.txt", paths[1]]) == ["b.txt", "a.txt"]


def test_a_name_with_signs_of_a_glob_is_found(write):
    assert names([write("notes[1].txt", "x")]) == ["notes[1].txt"]


@pytest.mark.parametrize(("path", "hint"), [("nothing-*.txt", "names no file"), ("", "is a folder")])
def test_a_path_without_a_file_is_an_error(tmp_path, path, hint):
    with pytest.raises(UserError, match=hint):
        expand([f"{tmp_path}/{path}"])


@pytest.mark.parametrize(
    "content", ["a b\nc", "a b\nc\n", "\ufeffa b\nc\n", "a b\r\nc\r\n"], ids=["open", "closed", "bom", "crlf"]
)
@pytest.mark.parametrize("name", ["x.txt", "x.txt.gz"])
def test_the_same_lines_from_every_way_to_write_them(write, content, name):
    assert list(read_lines(expand([write(name, content)])[0])) == ["a b", "c"]


def test_a_byte_order_mark_counts_in_the_first_line_only(write):
    assert list(read_lines(write("x.txt", "\ufeff\ufeffa\n\ufeffb"))) == ["\ufeffa", "\ufeffb"]


def test_only_line_feeds_end_a_line(write):
    assert list(read_lines(write("x.txt", "a\u2028b\x85c\x0bd\n"))) == ["a\u2028b\x85c\x0bd"]


def test_fsspec_urls_are_read():
    with fsspec.open("memory://corpus/a.txt", "wb") as file:
        file.write(b"one\ntwo\n")
    files = expand(["memory://corpus/*.txt"])
    assert list(read_lines(files[0])) == ["one", "two"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_invalid_utf8_names_file_line_and_byte(write, mark):
    path = write("latin.txt", mark + b"caf\xe9\nx\n")
    with pytest.raises(UserError, match=rf"latin.txt .*line 1 has byte 0xe9 at byte {3 + len(mark)} of"):
        list(read_lines(path))
    path = write("later.txt", mark + b"ab\nna\xefve\n")
    with pytest.raises(UserError, match=rf"later.txt .*line 2 has byte 0xef at byte {5 + len(mark)} of"):
        list(read_lines(path))


@pytest.mark.parametrize("damaged", [gzip.compress(b"a b\n" * 999)[:-30], b"not packed"], ids=["cut", "plain"])
def test_a_damaged_packed_file_is_an_error(tmp_path, damaged):
    path = tmp_path / "x.txt.gz"
    path.write_bytes(damaged)
    with pytest.raises(UserError, match=r"x.txt.gz cannot be read to its end"):
        list(read_lines(str(path)))


def test_documents_keep_the_folders_that_tell_them_apart():
    assert document_names(["file:///c/a.txt", "file:///c/b.txt"]) == ["a.txt", "b.txt"]
    assert document_names(["/c/x/a.txt", "/c/y/a.txt", "/d/x/a.txt"]) == ["c/x/a.txt", "y/a.txt", "d/x/a.txt"]


def test_a_name_that_is_not_utf8_can_be_stored():
    assert document_names([os.fsdecode(b"/c/a\xff.txt"), "/c/\xe9.txt"]) == ["a\\udcff.txt", "\xe9.txt"]


def test_a_missing_package_is_named(monkeypatch):
    def fail(path):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", fail)
    with pytest.raises(
        UserError, match=r"'s3://bucket/x.txt' needs a package for the protocol s3: Install s3fs to access S3"
    ):
        expand(["s3://bucket/x.txt"])


def test_an_unknown_protocol_is_an_error():
    with pytest.raises(UserError, match=r"'foo://bucket/x.txt' cannot be opened: Protocol not known: foo"):
        expand(["foo://bucket/x.txt"])
    with pytest.raises(UserError, match=r"foo://bucket/x.txt cannot be opened: Protocol not known: foo"):
        list(read_lines("foo://bucket/x.txt"))


def test_a_file_that_went_away_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"gone.txt cannot be opened: No such file or directory\. Check the path"):
        list(read_lines(f"file://{tmp_path}/gone.txt"))
