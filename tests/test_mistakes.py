"""Every mistake of a user: one paragraph on stderr that says what is wrong and what to do, and nothing is started."""

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from command import call, expect_paragraph, run_again, write_command_study
from safetensors.torch import save_file
from tiny import N_NEURON, WORDS, random_tensors
from torch import nn

HINTS = {
    "selectvity.draws=0": "unknown key selectvity; did you mean 'selectivity'",
    "corpus.fromat=text": "unknown key corpus.fromat; did you mean 'format'",
    "inference.carry=paragraph": "inference.carry is 'paragraph'; .*document, sentence",
    "inference.carry": "--set inference.carry: expected KEY=VALUE",
    "concepts=[{source: idoms, file: idioms.yaml}]": "Unknown label source 'idoms' in concepts; did you mean 'idioms'",
    "concepts=[{source: idioms, file: nowhere.yaml}]": "nowhere.yaml",
    "concepts=[{source: structure, depth: 0}]": "depth of the label source structure must be a whole number from 1 on",
    "concepts=[{source: annotation}]": "The label source 'annotation' needs the key 'column'",
    "graded=[word_position]": "graded names word_position, .* a row a word. Set corpus.unit: token",
    "corpus.path=foo://a/b.txt": "'foo://a/b.txt' cannot be opened: Protocol not known: foo",
    "corpus.path=nowhere/*.txt": "nowhere/.* names no file; check the path",
    "corpus.subtokens=true": "corpus.subtokens is for the format java; the corpus has the format text",
    "corpus={format: java, path: ./}": "is a folder without Java sources",
    "model.checkpoint=nowhere.safetensors": "nowhere.safetensors does not exist",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_command_study(tmp_path_factory.mktemp("study"))


@pytest.mark.parametrize("setting", HINTS)
@pytest.mark.parametrize("command", [("run",), ("run", "--dry-run"), ("validate",)], ids=" ".join)
def test_a_wrong_setting_is_explained(folder: Path, here: Path, command: tuple[str, ...], setting: str) -> None:
    name, *options = command
    ended = call(name, folder / "tiny.yaml", *options, "--set", setting)
    expect_paragraph(ended, 2, HINTS[setting])
    assert not any(path.is_file() for path in here.rglob("*"))


CORPORA: dict[str, tuple[str, bytes, str]] = {
    "empty": ("text", b"\n \n\n", r"The corpus (is empty|holds no sentence)"),
    "columns": ("tsv", b"w1\tNN\nw2\tVB\n\nw3 NN\n", r"corpus\.columns, line 4: expected 2 columns .*found 1: 'w3 NN'"),
    "half": (
        "jsonl",
        b'{"document": "d", "tokens": ["a", "\\ud800"]}\n',
        r"corpus\.half, line 1: .* half a surrogate pair",
    ),
    "java": ("java", b"class Caf\xe9 {}", r"corpus\.java is not valid UTF-8: line 1 has byte 0xe9 at byte 9 of"),
    "zip": ("java", b"PK", r"corpus\.zip: its table of contents cannot be read .*: the archive is damaged"),
    "latin1": ("text", "w1 w2\nw3 café w4\n".encode("latin1"), r"corpus\.latin1 .*line 2 has byte 0xe9 at byte 12"),
}


@pytest.mark.parametrize("kind", CORPORA)
@pytest.mark.parametrize("options", [[], ["--dry-run"]], ids=["run", "dry"])
def test_a_corpus_that_cannot_be_read_is_explained(folder: Path, here: Path, kind: str, options: list[str]) -> None:
    format_, content, pattern = CORPORA[kind]
    (here / f"corpus.{kind}").write_bytes(content)
    settings = ("--set", f"corpus.format={format_}", "--set", f"corpus.path={here / f'corpus.{kind}'}")
    expect_paragraph(run_again(folder, *settings, *options), 1, pattern)
    assert not (here / "runs" / "tiny" / "corpus.zarr").exists()
    assert not list(here.glob("runs/tiny/.*"))


def test_an_archive_that_cannot_be_read_is_no_valid_study(folder: Path, here: Path) -> None:
    (here / "corpus.zip").write_bytes(b"PK")
    settings = ("--set", "corpus.format=java", "--set", f"corpus.path={here / 'corpus.zip'}")
    ended = call("validate", folder / "tiny.yaml", *settings)
    expect_paragraph(ended, 1, r"corpus\.zip: its table of contents cannot be read .*: the archive is damaged")


def other_cells(network: nn.RNNBase) -> dict[str, torch.Tensor]:
    """Return a model's weights with other cells under the names of the LSTM."""
    rest = {name: tensor for name, tensor in random_tensors().items() if not name.startswith("rnn.")}
    return rest | {f"rnn.{name}": tensor.detach() for name, tensor in network.state_dict().items()}


def with_nan() -> dict[str, torch.Tensor]:
    tensors = random_tensors()
    tensors["rnn.weight_hh_l1"][3, 4] = torch.nan
    return tensors


CHECKPOINTS: dict[str, tuple[Callable[[], dict[str, torch.Tensor]], str]] = {
    "nan": (with_nan, r"has 1 NaN or infinite values in 'rnn.weight_hh_l1' \(40, 10\)"),
    "elman": (lambda: other_cells(nn.RNN(N_NEURON, N_NEURON, 2)), r"a plain \(Elman\) RNN: weight_hh_l0 has shape"),
    "projection": (lambda: other_cells(nn.LSTM(N_NEURON, N_NEURON, 2, proj_size=4)), "is an LSTM with projections"),
    "rows": (lambda: random_tensors(n_token=50), "vocabulary has 62 tokens, but the embedding of .* has 50 rows"),
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
@pytest.mark.parametrize("command", ["run", "validate"])
def test_a_checkpoint_of_something_else_is_explained(folder: Path, here: Path, kind: str, command: str) -> None:
    make, pattern = CHECKPOINTS[kind]
    save_file(make(), here / "m.safetensors", {"vocabulary": json.dumps(["<unk>", "</s>", *WORDS])})
    ended = call(command, folder / "tiny.yaml", "--set", f"model.checkpoint={here / 'm.safetensors'}")
    expect_paragraph(ended, 1, pattern)
    assert not (here / "runs").exists()


def test_a_pickled_module_is_refused(folder: Path, here: Path) -> None:
    torch.save(nn.LSTM(N_NEURON, N_NEURON), here / "m.pt")
    ended = call("run", folder / "tiny.yaml", "--set", f"model.checkpoint={here / 'm.pt'}")
    assert (ended.code, ended.out) == (1, "")
    *_, paragraph, load, weights, save = ended.err.splitlines()
    assert paragraph.startswith("lstm-analysis: ")
    assert "is a pickled object (torch.nn.modules.rnn.LSTM), not a state dict; unpickling it would run" in paragraph
    assert load == f"    found = torch.load('{here / 'm.pt'}', weights_only=False, map_location='cpu')"
    assert weights == "    weights = {'state_dict': found.state_dict()}"
    assert save == "    torch.save(weights, 'm-weights.pt')"


def test_a_vocabulary_of_another_size_is_explained(folder: Path, here: Path) -> None:
    (here / "vocabulary.txt").write_text("\n".join(["<unk>", "</s>", *WORDS[:40]]) + "\n")
    ended = call("run", folder / "tiny.yaml", "--set", f"model.vocabulary={here / 'vocabulary.txt'}")
    expect_paragraph(ended, 1, "The vocabulary has 42 tokens, but the embedding of .* has 62 rows")


@pytest.mark.parametrize(
    ("content", "pattern"),
    [
        (
            "{module: distributed, class: LocalCluster, kwargs: {processes: false, n_wokers: 2}}",
            r"kwargs\.n_wokers is no argument of LocalCluster; did you mean 'n_workers'",
        ),
        ("{module: distributed, class: LocalClutser}", "has no cluster class 'LocalClutser'"),
        ("{module: no_such_module, class: Cluster}", "needs the module no_such_module; install it"),
        ("{module: distributed}", "give either module and class, or address, or scheduler_file"),
        ("{modul: distributed}", "unknown key modul; did you mean 'module'"),
    ],
)
def test_a_wrong_cluster_file_is_explained(folder: Path, here: Path, content: str, pattern: str) -> None:
    (here / "cluster.yaml").write_text(content)
    ended = call("run", folder / "tiny.yaml", "--cluster", here / "cluster.yaml")
    expect_paragraph(ended, ended.code, pattern)
    assert ended.code in (1, 2)


RECORDS = {
    "{": "is damaged: it is not valid JSON",
    "[]": "is damaged: it holds no mapping",
    "{}": r"names no format; this version of lstm-analysis knows format 2\. Open the run with",
    '{"format": 1000, "name": "x"}': "has the format 1000; this version of lstm-analysis knows format 2",
    '{"format": 2}': "is damaged: name is missing or of another type",
    '{"format": 2, "name": "x", "study": {}, "versions": {}, "facts": {}, "stages": []}': "damaged: stages is missing",
    '{"format": 2, "name": "x", "study": {}, "versions": {}, "facts": {}, "stages": {"corpus": {"state": "done"}}}': (
        "is damaged: stages.corpus.fingerprint is missing"
    ),
}


@pytest.mark.parametrize("content", RECORDS)
def test_a_damaged_or_foreign_record_is_explained(folder: Path, here: Path, content: str) -> None:
    (here / "run.json").write_text(content)
    for ended in (
        call("inspect", here),
        call("report", here),
        call("run", folder / "tiny.yaml", "--output", here),
        call("run", folder / "tiny.yaml", "--output", here, "--force"),
    ):
        expect_paragraph(ended, 1, RECORDS[content])
    assert [path.name for path in here.iterdir()] == ["run.json"]


@pytest.mark.parametrize("options", [[], ["--dry-run"]], ids=["run", "dry"])
def test_an_output_that_cannot_be_a_folder_is_explained(folder: Path, here: Path, options: list[str]) -> None:
    (here / "file").touch()
    (here / "nowhere").symlink_to(here / "gone")
    for output, pattern in (
        ("file", "output .*file is no folder"),
        ("file/run", "lies under .*file, which is no"),
        ("nowhere", "nowhere is no folder"),
    ):
        ended = call("run", folder / "tiny.yaml", "--output", here / output, *options)
        expect_paragraph(ended, 2, pattern)


def test_a_path_that_the_system_refuses_is_explained(folder: Path, here: Path) -> None:
    ended = call("run", folder / "tiny.yaml", "--output", here / ("x" * 300))
    expect_paragraph(ended, 1, r"x{300} cannot be used: File name too long\. Check the path")
    expect_paragraph(call("inspect", folder / "tiny.yaml"), 2, "is not a run: it has no run.json")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_folder_that_may_not_be_written_is_explained(
    folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    ended = call("run", folder / "tiny.yaml", "--output", here / "run")
    expect_paragraph(ended, 1, f"run cannot be used: {os.strerror(number)}")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_explained(folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    ended = call("run", folder / "tiny.yaml", "--cluster", folder / "threads.yaml", "--output", here / "run")
    expect_paragraph(
        ended, 1, r"The disk of .*run is full \(.*; [\d,]+ MB free\)\. What was finished is kept: .* same command"
    )
    monkeypatch.undo()
    assert [path.name for path in (here / "run").iterdir()] == ["status.json"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Give a function that sets the size of a file system in kilobytes and returns its folder."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
        return shutil.which("mount") is not None and not subprocess.run(command, capture_output=True).returncode

    def resize(size: int) -> Path:
        assert mount(f"remount,size={size}k")
        return disk

    if not mount("size=8k"):
        pytest.skip("only root can mount a small file system")
    yield resize
    subprocess.run(["umount", "--lazy", str(disk)], check=True)  # the model in it may be mapped still


def test_a_run_goes_on_after_its_disk_was_full(folder: Path, here: Path, small_disk: Callable[[int], Path]) -> None:
    for size in (8, 40, 300):
        ended = run_again(folder, "--output", small_disk(size) / "run")
        expect_paragraph(ended, 1, r"The disk of .*run\S* is full .*What was finished is kept")
        assert not list(small_disk(size).glob("run/run.lock"))
    ended = run_again(folder, "--output", small_disk(20_000) / "run")
    assert ended.code == 0, ended.err
    assert "corpus: 100%" not in ended.err
    assert not [*small_disk(20_000).glob("run/.*"), *small_disk(20_000).glob("run/*.new")]


def test_an_error_of_the_program_itself_keeps_its_traceback(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("read back differently")

    monkeypatch.setattr(Path, "mkdir", fail)
    monkeypatch.setattr("lstm_analysis.study.check_model", fail)
    with pytest.raises(OSError, match="read back differently"):
        call("run", folder / "tiny.yaml")


@pytest.mark.parametrize("command", ["inspect", "report", "explore"])
def test_a_folder_that_is_no_run_is_explained(here: Path, command: str) -> None:
    expect_paragraph(call(command, here), 2, r"is not a run: it has no run\.json")


@pytest.mark.parametrize("arguments", [[], ["neurons"], ["run"], ["run", "a.yaml", "--outptu", "x"]], ids=" ".join)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    ended = call(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("usage: lstm-analysis")
