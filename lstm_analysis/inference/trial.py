"""A short trial of the reading speed, for the plan of a study."""

import time

import numpy as np
import torch

from .extraction import choose_device
from .model import LanguageModel
from .reader import Stream, StreamReader

STREAMS = 16
STEPS = 256


def measure_rate(model: LanguageModel, device: str, surprisal: bool) -> float:
    """Return tokens per second of one worker: 16 streams of random tokens, one thread, h kept."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        reader = StreamReader(model.to(choose_device(device)))
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
