"""Every mistake of a user: one paragraph on stderr that says what is wrong and what to do, and nothing is started."""

import json
from collections.abc import Callable
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
    "corpus.path=nowhere/*.txt": "nowhere/.* names no file; check the path",
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
    expect_paragraph(ended, 1 if "names no file" in HINTS[setting] else 2, HINTS[setting])
    assert not any(path.is_file() for path in here.rglob("*"))


CORPORA: dict[str, tuple[str, bytes, str]] = {
    "empty": ("text", b"\n \n\n", r"The corpus (is empty|holds no sentence)"),
    "columns": ("tsv", b"w1\tNN\nw2\tVB\n\nw3 NN\n", r"corpus\.columns, line 4: expected 2 columns .*found 1: 'w3 NN'"),
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
    "gru": (lambda: other_cells(nn.GRU(N_NEURON, N_NEURON, 2)), r"is a GRU: weight_hh_l0 has shape \(30, 10\)"),
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
    expect_paragraph(ended, 1, "is a pickled object, not a state dict; .* refused")


def test_a_vocabulary_of_another_size_is_explained(folder: Path, here: Path) -> None:
    (here / "vocabulary.txt").write_text("\n".join(["<unk>", "</s>", *WORDS[:40]]) + "\n")
    ended = call("run", folder / "tiny.yaml", "--set", f"model.vocabulary={here / 'vocabulary.txt'}")
    expect_paragraph(ended, 1, "The vocabulary has 42 tokens, but the embedding of .* has 62 rows")


@pytest.mark.parametrize(
    ("content", "pattern"),
    [
        (
            "{module: distributed, class: LocalCluster, kwargs: {processes: false, n_wokers: 2}}",
            "did not start: .*'n_wokers'",
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


@pytest.mark.parametrize("command", ["inspect", "report"])
def test_a_folder_that_is_no_run_is_explained(here: Path, command: str) -> None:
    expect_paragraph(call(command, here), 2, r"is not a run: it has no run\.json")


@pytest.mark.parametrize("arguments", [[], ["neurons"], ["run"], ["run", "a.yaml", "--outptu", "x"]], ids=" ".join)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    ended = call(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("usage: lstm-analysis")
