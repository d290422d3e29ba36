"""How fast a corpus is read: tokens a second of the reading in parts and of the index, by the number of workers.

``python tests/benchmarks/reading.py FOLDER [--tokens N] [--types N] [--workers 1 2]`` makes a text of random words in
the folder (frequencies as 1 / rank, sentences of 20 words, one file) and reads it in this process and by workers.
"""

import argparse
import logging
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml
from tiny import write_study

from lstm_analysis.cluster import open_client
from lstm_analysis.config import load_study
from lstm_analysis.inputs import trained_model
from lstm_analysis.progress import Step
from lstm_analysis.stages import STAGES
from lstm_analysis.study import start_work

SENTENCE = 20
BLOCK = 1 << 20


def write_text(path: Path, n_token: int, n_type: int) -> None:
    """Write a text of random words."""
    rng, words = np.random.default_rng(0), np.array([f"w{i}" for i in range(n_type)], dtype=object)
    with path.open("w") as file:
        for start in range(0, n_token, BLOCK):
            n = min(BLOCK, n_token - start) // SENTENCE * SENTENCE
            rank = np.minimum(np.exp(rng.random(n) * np.log(n_type)), n_type - 1).astype(int)
            file.write("\n".join(map(" ".join, words[rank].reshape(-1, SENTENCE).tolist())) + "\n")


def measure(study_file: Path, n_worker: int, cluster: Path) -> dict[str, float]:
    """Return the seconds of each step with so many workers, none for this process alone."""
    study = load_study(study_file)
    began: dict[str, float] = {}
    seconds: dict[str, float] = {}

    def listen(step: Step) -> None:
        began.setdefault(step.name, time.monotonic())
        seconds[step.name] = time.monotonic() - began[step.name]

    with tempfile.TemporaryDirectory(dir=study_file.parent) as folder:
        state = start_work(study, Path(folder) / "run", trained_model(study), force=False)
        state.run.mkdir()
        state.listeners = [listen]
        if n_worker:
            kwargs = {"n_workers": n_worker, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
            cluster.write_text(yaml.safe_dump({"module": "distributed", "class": "LocalCluster", "kwargs": kwargs}))
            with open_client(cluster) as state.client:
                STAGES["corpus"](state, trained_model(study))
        else:
            STAGES["corpus"](state, trained_model(study))
        seconds["n_token"] = state.record.facts["corpus"]["n_token"]
    return seconds


def main() -> None:
    """Print a line for each number of workers."""
    logging.getLogger("lstm_analysis").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokens", type=int, default=20_000_000)
    parser.add_argument("--types", type=int, default=200_000)
    parser.add_argument("--workers", type=int, nargs="*", default=[0, 1, 2])
    given = parser.parse_args()
    study = write_study(given.folder, inference={"shard_tokens": 65_536})
    shutil.rmtree(given.folder / "text")
    (given.folder / "text").mkdir()
    write_text(given.folder / "text" / "0.txt", given.tokens, given.types)
    for n_worker in given.workers:
        found = measure(study, n_worker, given.folder / "cluster.yaml")
        n = found["n_token"]
        steps = ", ".join(f"{name} {n / found[name]:,.0f} tokens/s" for name in ("corpus", "index"))
        whole = n / (found["corpus"] + found["index"])
        print(f"{n_worker or 'no'} workers: {n:,.0f} tokens, {steps}, together {whole:,.0f} tokens/s")


if __name__ == "__main__":
    main()
