"""A study of Java sources: the same corpus from a folder and an archive, in one part or many; a model of code."""

import json
import sys
import zipfile
from pathlib import Path

import pytest
import xarray as xr
from safetensors import safe_open
from tiny import digests, read_facts, write_study

import lstm_analysis as la
from lstm_analysis import study
from lstm_analysis.config import load_study
from lstm_analysis.corpus import parts
from lstm_analysis.corpus.java import structure
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inputs import check_corpus, validate
from lstm_analysis.study import run_study
from lstm_analysis.train import train

CLASS = """package a;
/** Number {i}. */
class C{i} {{
    String s = "x{i}";
    int run(int n) {{ for (int i = 0; i < n; i++) {{ n += 0x{i}; }} return n; }}
}}
"""


@pytest.fixture(autouse=True)
def short_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "write_report", lambda run: (run.path / "report.html").write_text("short"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_study(
        tmp_path, corpus={"format": "java", "path": "src"}, concepts=[{"source": "position", "first": 1}]
    )
    for i in range(8):
        path = tmp_path / "src" / f"p{i % 3}" / f"C{i}.java"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CLASS.format(i=i))
    with zipfile.ZipFile(tmp_path / "src.zip", "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted((tmp_path / "src").rglob("*.java")):
            out.write(path, path.relative_to(tmp_path / "src").as_posix())
    return folder.parent


def run(folder: Path, name: str, *settings: str) -> Path:
    return run_study(load_study(folder / "tiny.yaml", settings), folder / name, in_process=True).path


def test_a_folder_and_an_archive_are_one_corpus_however_it_is_cut(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = digests(run(folder, "whole"), ("corpus.zarr",))
    with xr.open_zarr(folder / "whole" / "corpus.zarr", consolidated=False) as corpus:
        assert corpus["document_name"].values.tolist()[:3] == ["p0/C0.java", "p0/C3.java", "p0/C6.java"]
        assert {"kind_id", "api_id", "brace_depth", "column"} <= set(corpus)
        assert int(corpus["brace_depth"].max()) == 3
    changed = {name for name in expected if name.endswith("zarr.json")}  # holds what the corpus was made from
    monkeypatch.setattr(parts, "PART_BYTES", 300)
    for name, path in (("parts", "src"), ("zip", "src.zip")):
        found = digests(run(folder, name, f"corpus.path={path}"), ("corpus.zarr",))
        assert {key: value for key, value in found.items() if key not in changed} == {
            key: value for key, value in expected.items() if key not in changed
        }
    files = read_facts(folder / "zip")["files"]
    assert [Path(file).name for file in files] == ["src.zip"]


def test_copies_and_broken_sources_are_reported(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = folder / "src" / "p0" / "C0.java"
    (folder / "src" / "copy").mkdir()
    (folder / "src" / "copy" / "D.java").write_text(first.read_text().replace("    ", "\t") + "// and a comment\n")
    (folder / "src" / "p1" / "Broken.java").write_text("class Broken { int a = 1; /* open }")
    facts = read_facts(run(folder, "run"))["corpus"]
    assert (facts["n_copy"], facts["n_remark"]) == (1, 1)
    messages = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert sum("p1/Broken.java is broken: 1 comments that do not end, 1 brackets" in text for text in messages) == 1
    assert (
        sum(
            "1 of 10 documents are copies of others, token by token (p0/C0.java is one of copy/D.java)" in text
            for text in messages
        )
        == 1
    )


def test_a_source_in_another_folder_is_another_corpus(folder: Path) -> None:
    run(folder, "run")
    (folder / "src").rename(folder / "other")
    (folder / "other").rename(folder / "src")
    run(folder, "run")
    (folder / "src" / "p0").rename(folder / "src" / "o0")
    with pytest.raises(UserError, match="the content of a file it names has changed"):
        run(folder, "run")


def test_a_study_of_structure_without_its_grammar_is_not_begun(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    structure._grammar.cache_clear()
    monkeypatch.setitem(sys.modules, "tree_sitter_java", None)
    with pytest.raises(UserError, match=r"not installed. Install them with `pip install 'lstm-analysis\[java\]'`"):
        validate(load_study(folder / "tiny.yaml", ["corpus.structure=true"]))
    validate(load_study(folder / "tiny.yaml"))


def test_many_remarks_are_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for i in range(23):
        (folder / "src" / f"E{i}.java").write_text("// empty")
    assert read_facts(run(folder, "run"))["corpus"]["n_remark"] == 23
    assert sum("holds no token" in record.getMessage() for record in caplog.records) == 20
    assert "3 more files are broken, empty or of another language." in caplog.text


def test_a_source_that_cannot_be_read_ends_the_study(folder: Path) -> None:
    (folder / "src" / "p2" / "Bad.java").write_bytes(b"class Caf\xe9 {}")
    with pytest.raises(UserError, match=r"p2/Bad\.java is not valid UTF-8: line 1 has byte 0xe9 at byte 9 of the file"):
        run(folder, "run")
    assert read_facts(run(folder, "run", "corpus.encoding=latin-1"))["corpus"]["n_document"] == 9


def test_wrong_settings_are_found_before_anything_is_read(folder: Path) -> None:
    file = folder / "tiny.yaml"
    with pytest.raises(UsageError, match=r"corpus\.comments is for the format java; the corpus has the format text"):
        validate(load_study(file, ["corpus={format: text, path: text/*.txt, comments: true}"]))
    with pytest.raises(UsageError, match=r"corpus\.encoding is 'latin1'; did you mean 'latin-1'"):
        load_study(file, ["corpus.encoding=latin1"])
    with pytest.raises(UsageError, match="java has sentences of its own"):
        validate(load_study(file, ["corpus.sentences=split"]))
    with pytest.raises(UsageError, match=r"needs corpus\.path"):
        validate(load_study(file, ["corpus.path=[]"]))
    (folder / "no.zip").write_bytes(b"no")
    with pytest.raises(UserError, match=r"no\.zip: its table of contents cannot be read"):
        check_corpus(load_study(file, ["corpus.path=no.zip"]))
    check_corpus(load_study(file))


def test_keys_that_are_not_given_are_not_part_of_a_study(folder: Path) -> None:
    plain = load_study(folder / "tiny.yaml").as_dict()["corpus"]
    assert not {"comments", "subtokens", "structure", "encoding"} & set(plain)
    given = load_study(folder / "tiny.yaml", ["corpus.comments=true"]).as_dict()["corpus"]
    assert given == {**plain, "comments": True}


def test_a_model_of_code_looks_literals_up_by_their_kind(folder: Path) -> None:
    recipe = "{layers: 1, size: 4, epochs: 1, hold_out: 4, streams: 2, steps: 8, literals: true, lower_case: false}"
    settings = [f"model={{checkpoint: code.safetensors, train: {recipe}}}"]
    train(load_study(folder / "tiny.yaml", settings))
    vocabulary = la.load_model(folder / "code.safetensors").vocabulary
    assert vocabulary.normalisation.literals
    assert {"<string>", "<number>", "class", "String"} <= set(vocabulary.tokens)
    assert not {'"x1"', "0x1", "0", "N"} & set(vocabulary.tokens)
    assert vocabulary.encode(['"other"', "0x77L"]).tolist() == [
        vocabulary.index("<string>"),
        vocabulary.index("<number>"),
    ]
    with safe_open(folder / "code.safetensors", "numpy") as file:
        assert json.loads(file.metadata()["normalisation"])["literals"] is True
        assert json.loads(file.metadata()["recipe"])["literals"] is True


def test_documents_held_out_of_java_are_counted_before_training(folder: Path) -> None:
    recipe = "{layers: 1, size: 4, epochs: 1, hold_out: 9}"
    with pytest.raises(UserError, match=r"the corpus has 8, fewer than model\.train\.hold_out \(9\)"):
        train(load_study(folder / "tiny.yaml", [f"model={{checkpoint: code.safetensors, train: {recipe}}}"]))
