"""A corpus of any size in bounded memory: a synthetic one is written, and read without keeping states.

The study runs as a user's would (``store: none``, tests that exchange words, concepts of three sources), on a scheduler
and workers of their own. Printed: rates of each stage, and the peak memory of driver, scheduler and workers beside
what the plan of the study says; the exit code is 1 if one is beyond.

    python tests/benchmarks/any_size.py --tokens 100000000 [--workers 2] [--neurons 32] [--keep FOLDER]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from driver import external_cluster

from lstm_analysis.config import load_study
from lstm_analysis.inference.checkpoints.safetensors_file import save_weights
from lstm_analysis.inputs import trained_model
from lstm_analysis.memory_plan import concept_bytes, driver_bytes, scheduler_bytes, worker_bytes
from lstm_analysis.stages.tables import corpus_columns, count_types
from lstm_analysis.vocabulary import Vocabulary

N_TYPE, N_VOCABULARY = 200_000, 10_000
DOCUMENT_TOKENS, SENTENCE_TOKENS = 25_000, 24
SHARD_TOKENS = 262_144


def write_corpus(folder: Path, n_token: int) -> None:
    """Write documents of words with Zipf's frequencies, sentences of 4 to 44 words, a line each."""
    rng = np.random.default_rng(0)
    weight = 1 / np.arange(2, N_TYPE + 2)
    edges = np.cumsum(weight / weight.sum())
    words = np.array([f"w{i:x}" for i in range(N_TYPE)], dtype=object)
    folder.mkdir(parents=True, exist_ok=True)
    for d in range(-(-n_token // DOCUMENT_TOKENS)):
        n = min(DOCUMENT_TOKENS, n_token - d * DOCUMENT_TOKENS)
        lengths = rng.integers(SENTENCE_TOKENS - 20, SENTENCE_TOKENS + 21, n // SENTENCE_TOKENS + 1)
        text = words[np.searchsorted(edges, rng.random(n - len(lengths)))]
        lines = np.split(text, np.cumsum(lengths - 1)[:-1].clip(max=len(text)))
        content = "\n".join(" ".join(line) for line in lines if len(line))
        (folder / f"{d:06d}.txt").write_text(content + "\n")


def write_model(path: Path, n_neuron: int) -> None:
    """Write a random model of two layers that knows the most frequent words."""
    draw = torch.Generator().manual_seed(0)
    vocabulary = Vocabulary(("<unk>", "</s>", *(f"w{i:x}" for i in range(N_VOCABULARY - 2))))
    shapes = {"encoder.weight": (N_VOCABULARY, n_neuron), "decoder.bias": (N_VOCABULARY,)}
    for i in range(2):
        shapes |= {f"rnn.weight_{kind}_l{i}": (4 * n_neuron, n_neuron) for kind in ("ih", "hh")}
        shapes |= {f"rnn.bias_{kind}_l{i}": (4 * n_neuron,) for kind in ("ih", "hh")}
    tensors = {name: torch.randn(shape, generator=draw) * n_neuron**-0.5 for name, shape in shapes.items()}
    save_weights(path, tensors, vocabulary, {}, torch.float32)


def write_study(folder: Path, n_neuron: int) -> Path:
    """Write the study beside its corpus."""
    write_model(folder / "model.safetensors", n_neuron)
    lists = {"odd": [f"w{i:x}" for i in range(101, 1500, 14)], "even": [f"w{i:x}" for i in range(100, 1500, 14)]}
    (folder / "categories.yaml").write_text(yaml.safe_dump(lists))
    (folder / "idioms.yaml").write_text(yaml.safe_dump({"w3 w7": ["w3 w7"], "w1 gap": "w1 ~ {w4|w5|w6}"}))
    study = {
        "name": "any-size",
        "corpus": {"format": "text", "path": "text/*.txt"},
        "model": {"checkpoint": "model.safetensors"},
        "inference": {"surprisal": False, "shard_tokens": SHARD_TOKENS},
        "store": "none",
        "concepts": [
            {"source": "categories", "file": "categories.yaml"},
            {"source": "idioms", "file": "idioms.yaml"},
            {"source": "position", "first": 3},
        ],
        "selectivity": {"draws": 999, "twin": None},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    return folder / "study.yaml"


@contextmanager
def peaks(processes: dict[str, psutil.Process]) -> Iterator[dict[str, float]]:
    """Give the peak resident memory in MB of processes and their children, sampled while the block runs."""
    found: dict[str, float] = dict.fromkeys(processes, 0.0)
    over = threading.Event()

    def sample() -> None:
        while not over.wait(0.25):
            for name, process in processes.items():
                try:
                    found[name] = max(found[name], process.memory_info().rss / 1e6)
                except psutil.Error:
                    continue

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def measure(folder: Path, n_worker: int, n_token: int) -> bool:
    """Run the study of a folder, print what it took, and return whether it took no more memory than planned."""
    cluster = folder / "cluster.yaml"
    cluster.write_text(yaml.safe_dump({"scheduler_file": str(folder / "scheduler.json")}))
    command = [sys.executable, "-m", "lstm_analysis.cli", "run", str(folder / "study.yaml"),
               "--output", str(folder / "run"), "--cluster", str(cluster)]  # fmt: skip
    print(subprocess.run([*command, "--dry-run"], check=True, capture_output=True, text=True).stdout, flush=True)
    with external_cluster(folder, n_worker) as scheduler:
        began = time.perf_counter()
        driver = psutil.Popen(command)
        processes = {"driver": psutil.Process(driver.pid), "scheduler": psutil.Process(scheduler.pid)}
        while len(processes) < 2 + n_worker:
            time.sleep(0.5)
            processes |= {f"worker {w.pid}": w for w in workers_of(folder)}
        with peaks(processes) as found:
            code = driver.wait()
        seconds = time.perf_counter() - began
    assert code == 0, code
    record = json.loads((folder / "run" / "run.json").read_text())
    for stage, entry in record["stages"].items():
        print(f"{stage:<14}{entry['seconds']:>10,.1f} s {n_token / entry['seconds']:>12,.0f} tokens/s")
    print(f"{'all':<14}{seconds:>10,.1f} s {n_token / seconds:>12,.0f} tokens/s")
    planned = plan(folder, record["facts"])
    for name, peak in found.items():
        print(f"{name:<14}{peak:>10,.0f} MB at most, planned {planned[name.split()[0]]:,.0f} MB")
    return all(peak <= planned[name.split()[0]] for name, peak in found.items())


def plan(folder: Path, facts: dict[str, Any]) -> dict[str, float]:
    """Return what the plan of the study allows to each program, in MB."""
    study, sizes = load_study(folder / "study.yaml"), facts["corpus"]
    model, n_token, n_type = trained_model(study), sizes["n_token"], sizes["n_type"]
    type_n_token = count_types(corpus_columns(folder / "run"))
    concepts = facts["labels"]["n_concept"] * concept_bytes(study, model, n_token)
    n_shard = -(-n_token // SHARD_TOKENS)
    driver = driver_bytes(study, model, n_shard, sizes["n_document"], type_n_token) + concepts
    worker = worker_bytes(study, model, n_token, n_type=n_type) + concepts
    return {"driver": driver / 1e6, "scheduler": scheduler_bytes(n_shard) / 1e6, "worker": worker / 1e6}


def workers_of(folder: Path) -> list[psutil.Process]:
    """Return the worker processes whose files lie in a folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "spawn_main" in " ".join(line) and str(folder) in " ".join(process.parent().cmdline()):  # type: ignore[union-attr]
            found.append(process)
    return found


def main() -> None:
    """Write corpus and study, run it, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=2_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--neurons", type=int, default=32)
    parser.add_argument("--keep", type=Path, help="folder for corpus and run, kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        if not (folder / "text").exists():
            write_corpus(folder / "text", options.tokens)
        write_study(folder, options.neurons)
        if not measure(folder, options.workers, options.tokens):
            sys.exit(1)


if __name__ == "__main__":
    main()
