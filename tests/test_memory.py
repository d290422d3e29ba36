"""Memory: bounded by the shard and never by the corpus, and within what the plan of a study says."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import dask
import distributed  # noqa: F401 (its configuration says in which environment workers are started)
import psutil
import pytest
import torch
import yaml
from driver import Driver, commits, external_cluster, local
from random_model import random_layer
from tiny import WORDS, read_facts, write_study, write_texts

from lstm_analysis.cluster.places import ENVIRONMENT, MALLOC
from lstm_analysis.config import load_study
from lstm_analysis.inference.checkpoints import save_model
from lstm_analysis.inference.model import Decoder, LanguageModel
from lstm_analysis.inputs import trained_model
from lstm_analysis.memory_plan import concept_bytes, driver_bytes, scheduler_bytes
from lstm_analysis.stages.tables import corpus_columns, count_types
from lstm_analysis.study import run_study
from lstm_analysis.vocabulary import Vocabulary

MB = 1 << 20
PROGRAM = Path(__file__).with_name("peak_memory.py")
WORD_MODEL = Vocabulary(("<unk>", "</s>", *WORDS))
CHARACTER_MODEL = Vocabulary((" ", "\n", "w", *"0123456789"))
ALL_STATES = "inference.states=[hidden, cell, input_gate, forget_gate, output_gate, candidate]"


TESTED = {"selectivity": {"draws": 99, "twin": None}, "inference": {"shard_tokens": 1024}}
FEW_SCORES = ("concepts=[{source: position, first: 2}]", "selectivity.measures=[d_prime]")


def write_large_study(folder: Path, sizes: tuple[int, ...], names: Vocabulary, n_document: int, shard: int) -> Path:
    """Write a study of a model whose states weigh something, over documents of 2,000 words."""
    file = write_study(folder, inference={"shard_tokens": shard})
    torch.manual_seed(0)
    inputs = (16, *sizes[:-1])
    layers = tuple(random_layer("lstm", a, n, torch.float32, n) for a, n in zip(inputs, sizes, strict=True))
    decoder = Decoder(torch.randn(len(names), sizes[-1]), torch.randn(len(names)))
    model = LanguageModel(torch.randn(len(names), 16), layers, decoder, names)
    save_model(model, folder / "model.safetensors")
    shutil.rmtree(folder / "text")
    write_texts(folder / "text", (2000,) * n_document)
    return file


def measure(file: Path, *settings: str) -> dict[str, int]:
    """Run a study in a process of its own, in the environment that workers are given."""
    environment = {name: str(value) for name, value in (dask.config.get(ENVIRONMENT) | MALLOC).items()}
    output = file.parent / "run"
    found = subprocess.check_output(
        [sys.executable, PROGRAM, file, output, *settings], env={**os.environ, **environment}, stderr=subprocess.DEVNULL
    )
    shutil.rmtree(output)
    measured: dict[str, int] = json.loads(found)
    return measured


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a study of some 13,500 tokens, nearly enough for a whole pilot, and one of ten times as many."""
    folder = tmp_path_factory.mktemp("memory")
    one, ten = (write_large_study(folder / str(n), (64, 64), WORD_MODEL, n, 8192) for n in (6, 60))
    return one, ten


@pytest.mark.slow
@pytest.mark.parametrize(("carry", "store"), [("document", "float32"), ("continuous", "none")])
def test_a_corpus_ten_times_as_long_takes_no_more_memory(corpora: tuple[Path, Path], carry: str, store: str) -> None:
    """Ranking is left out: a block of neurons is ranked over the whole corpus, up to a limit that is in the plan."""
    settings = (f"inference.carry={carry}", f"store={store}", *FEW_SCORES)
    one, ten = (measure(file, *settings) for file in corpora)
    assert 9.5 < ten["n_token"] / one["n_token"] < 10.5
    assert (ten["n_lane"] > 1) == (carry == "continuous")
    assert ten["peak"] - one["peak"] < 0.05 * one["peak"] + 20 * MB, f"{one['peak'] // MB}, {ten['peak'] // MB} MB"
    assert one["peak"] < one["planned"]
    assert ten["peak"] < ten["planned"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "names", "settings"),
    [
        ((200, 200), WORD_MODEL, (ALL_STATES,)),
        ((200, 200, 40), WORD_MODEL, ("store=float16",)),
        ((200, 200), CHARACTER_MODEL, ("inference.readout=mean",)),
    ],
    ids=["gates", "unequal layers", "pieces"],
)
def test_a_large_shard_takes_what_the_plan_says(
    tmp_path: Path, sizes: tuple[int, ...], names: Vocabulary, settings: tuple[str, ...]
) -> None:
    file = write_large_study(tmp_path, sizes, names, 10, 20_000)
    found = measure(file, *settings)
    assert 0.6 * found["planned"] < found["peak"] < found["planned"], {k: v // MB for k, v in found.items()}


@pytest.mark.cluster
@pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")
def test_a_worker_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    peaks = [peak_of_a_worker(tmp_path / str(n), n) for n in (20, 100)]
    assert peaks[1] - peaks[0] < 60 * MB, [f"{peak // MB} MB" for peak in peaks]


@pytest.mark.cluster
@pytest.mark.usefixtures("nothing_hangs_and_nothing_stays")
def test_driver_and_scheduler_take_no_more_than_the_plan_says(tmp_path: Path) -> None:
    file, run, cluster = write_study(tmp_path, **TESTED), tmp_path / "run", tmp_path / "external.yaml"
    write_texts(tmp_path / "text", (300,) * 40)
    cluster.write_text(yaml.safe_dump({"scheduler_file": str(tmp_path / "scheduler.json")}))
    peaks: dict[str, int] = {}
    with external_cluster(tmp_path) as scheduler, Driver(file, run, cluster) as driver:
        while driver.process.poll() is None:
            for name, pid in (("driver", driver.process.pid), ("scheduler", scheduler.pid)):
                peaks[name] = peak_until_now(pid) or peaks.get(name, 0)
            time.sleep(0.05)
        assert driver.process.returncode == 0, driver.error
    study, facts = load_study(file), read_facts(run)["corpus"]
    counts, n_shard = count_types(corpus_columns(run)), len(commits(run))
    n_concept = 6 * concept_bytes(study, trained_model(study), facts["n_token"])
    planned = driver_bytes(study, trained_model(study), n_shard, facts["n_document"], counts) + n_concept
    assert planned / 4 < peaks["driver"] < planned
    assert scheduler_bytes(n_shard) / 4 < peaks["scheduler"] < scheduler_bytes(n_shard)


def peak_until_now(pid: int) -> int:
    """Return the largest resident size of a process so far, 0 if it is gone."""
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) * 1024 if found else 0
    return 0


def peak_of_a_worker(folder: Path, n_document: int) -> int:
    """Return the largest resident size of the only worker of a run over documents of 300 words."""
    file = write_study(folder, inference={"shard_tokens": 2048})
    write_texts(folder / "text", (300,) * n_document)
    peak, over = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.02):
            with suppress(psutil.Error):
                for child in psutil.Process().children(recursive=True):
                    peak = max(peak, child.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        run = run_study(load_study(file), folder / "run", local(folder, 1))
    finally:
        over.set()
        watcher.join()
    assert len(commits(run.path)) == -(-run.facts["corpus"]["n_token"] // 2048)
    return peak
