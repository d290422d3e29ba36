"""Short trials of a model on this machine: how fast it is read, and what a lower precision costs."""

import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from .extraction import choose_device
from .kernels import Kernel
from .model import LanguageModel
from .product import Precision
from .reader import Stream, StreamReader

STREAMS = 16
STEPS = 256


def measure_rate(
    model: LanguageModel,
    device: str,
    surprisal: bool,
    *,
    kernel: Kernel = "auto",
    precision: Precision = "float32",
) -> float:
    """Return tokens per second of one worker: 16 streams of random tokens, one thread, h kept."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        reader = StreamReader(model.to(choose_device(device)), kernel=kernel, precision=precision)
        ids = np.random.default_rng(0).integers(0, len(model.vocabulary), (STREAMS, STEPS), np.int32)
        streams = [Stream(row, row=i * STEPS) for i, row in enumerate(ids)]
        hidden = np.empty((ids.size, model.n_layer, model.n_neuron), np.float32)
        bits = np.empty(ids.size, np.float32) if surprisal else None
        reader.read(streams, {"hidden": hidden}, bits)
        began = time.perf_counter()
        reader.read(streams, {"hidden": hidden}, bits)
        return ids.size / (time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)


def measure_error(
    model: LanguageModel, streams: Sequence[NDArray[np.int32]], precision: Precision, kernel: Kernel = "auto"
) -> dict[str, NDArray[np.float32]]:
    """Return the largest error of each carried state (``hidden``, ``cell``) against float32, dims (layer).

    Parameters
    ----------
    model
        On the device it is to run on.
    streams
        Vocabulary indices of a few texts, each read from a zero state, dims (time).
    precision, kernel
        What is to be judged.
    """
    rows = np.cumsum([0, *map(len, streams)])
    texts = [Stream(ids, row=int(row)) for ids, row in zip(streams, rows[:-1], strict=True)]
    shape = (int(rows[-1]), model.n_layer, model.n_neuron)
    exact, tried = StreamReader(model), StreamReader(model, kernel=kernel, precision=precision)
    found = [{name: np.empty(shape, np.float32) for name in exact.carried} for _ in range(2)]
    for reader, states in zip((exact, tried), found, strict=True):
        reader.read(texts, states)
    return {name: np.nanmax(np.abs(found[1][name] - found[0][name]), axis=(0, 2)) for name in exact.carried}
