"""What lesions cost beside a plain pass of the same model over the same passages.

Passages of the length that the analysis reads are made of random tokens (the cost does not depend on them). A plain
pass reads them and gives the surprisal of each token, as a run does. Lesions predict two tokens a passage: the one that
is looked at, and the next. One process, one thread, interleaved rounds; medians of the processor's time. Run it as
``python tests/benchmarks/lesion.py [CHECKPOINT]``; without one the shipped 2 x 200 is taken.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from lstm_analysis.inference.checkpoints import load_model
from lstm_analysis.inference.lesion import LesionReader
from lstm_analysis.inference.lesion_passages import Lesion, Window
from lstm_analysis.inference.reader import Stream, StreamReader

SHIPPED = Path(__file__).parents[2] / "pipelines" / "models" / "sotu-2x200.safetensors"


def seconds(work: Callable[[], object]) -> float:
    """Return the processor's seconds that a piece of work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("checkpoint", nargs="?", type=Path, default=SHIPPED)
    options.add_argument("--passages", type=int, default=128)
    options.add_argument("--before", type=int, default=32)
    options.add_argument("--lesions", type=int, default=64)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    torch.set_num_threads(1)
    model = load_model(given.checkpoint)
    rng, n_step = np.random.default_rng(0), given.before + 1
    ids = rng.integers(0, len(model.vocabulary), (given.passages, n_step + 1)).astype(np.int32)
    windows = [Window(row, np.array([given.before, n_step])) for row in ids]
    streams = [Stream(row[:-1], row=i * n_step) for i, row in enumerate(ids)]
    bits, reader = np.empty(given.passages * n_step, np.float32), StreamReader(model)
    lesions = LesionReader(reader)
    works: dict[str, Callable[[], object]] = {"plain pass": lambda: reader.read(streams, {}, bits)}
    for layer, size in enumerate(model.layer_sizes):
        chosen = [Lesion(((layer, j % size),), (0.1,)) for j in range(given.lesions)]
        works[f"{given.lesions} lesions of layer {layer}"] = lambda chosen=chosen: lesions.losses(windows, chosen)
    times: dict[str, list[float]] = {name: [] for name in works}
    for round_ in range(given.rounds + 1):
        for name, work in works.items():
            taken = seconds(work)
            times[name] += [taken] if round_ else []  # the first round compiles
    plain = statistics.median(times["plain pass"])
    print(f"{given.passages} passages of {n_step} tokens, {given.checkpoint.name}: plain pass {plain:.2f} s")
    for name, taken in times.items():
        ratio = statistics.median(taken) / plain
        print(f"{name:28} {ratio:7.2f} plain passes, {ratio / given.lesions:.3f} a lesion")


if __name__ == "__main__":
    main()
