"""What summing the products of every two neurons costs, as a share of reading the same tokens.

One process, one thread, interleaved rounds, medians of the processor's seconds. Run it as
``python tests/benchmarks/gram.py``.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from random_model import random_layer
from threadpoolctl import threadpool_limits

from lstm_analysis.inference.model import Decoder, LanguageModel
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.reductions import add_products
from lstm_analysis.vocabulary import Vocabulary

N_WORD, N_STREAM, N_STEP = 10_000, 64, 128
SIZES = (650, 200)


def build(size: int) -> LanguageModel:
    """Return a random model of two layers with a softmax over 10,000 words."""
    layers = tuple(random_layer("lstm", size, size, torch.float32, seed) for seed in range(2))
    decoder = Decoder(torch.randn(N_WORD, size) / size**0.5, torch.zeros(N_WORD))
    return LanguageModel(torch.randn(N_WORD, size), layers, decoder, Vocabulary(tuple(f"w{i}" for i in range(N_WORD))))


def seconds(work: Callable[[], object]) -> float:
    """Return the processor's seconds that something takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(size: int, rounds: int) -> None:
    """Print a line for a model."""
    reader = StreamReader(build(size))
    ids = np.random.default_rng(0).integers(0, N_WORD, (N_STREAM, N_STEP), np.int32)
    streams = [Stream(row, row=i * N_STEP) for i, row in enumerate(ids)]
    hidden, bits = np.empty((ids.size, 2, size), np.float32), np.empty(ids.size, np.float32)
    works: dict[str, Callable[[], object]] = {
        "h": lambda: reader.read(streams, {"hidden": hidden}, None),
        "h and surprisal": lambda: reader.read(streams, {"hidden": hidden}, bits),
        "gram": lambda: add_products(hidden),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(seconds(work))
    each = {name: statistics.median(values) / ids.size * 1e6 for name, values in taken.items()}
    shares = ", ".join(
        f"{100 * each['gram'] / each[name]:.0f} % of reading {name}" for name in ("h", "h and surprisal")
    )
    print(f"2 x {size}: " + ", ".join(f"{name} {value:.1f} us a token" for name, value in each.items()) + f": {shares}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for neurons in SIZES:
            measure(neurons, options.rounds)
