"""Surprisal: how many bits a model needs for the token that follows, from its top layer's h."""

import math
from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .cells.activation import exp, vectorised
from .model import AdaptiveDecoder, Decoder
from .product import Precision, Product

MAX_LOGITS = {"cpu": 1 << 20, "cuda": 1 << 27}
"""Logits at a time: on a CPU what stays in its cache, on a GPU half a gigabyte."""
_LANES = 64


class Softmax(ABC):
    """An output layer that says what each target costs."""

    @abstractmethod
    def nats(self, past: Tensor, target: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return -ln p(target | past), dims (time), from the top layer's h before each target, shape (time, neuron)."""

    def bits(self, past: Tensor, target: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return -log2 p(target | past), dims (time); parameters as in `nats`."""
        return self.nats(past, target) / math.log(2)


class FullSoftmax(Softmax):
    """Every token of the vocabulary is scored."""

    def __init__(self, decoder: Decoder, precision: Precision) -> None:
        self._scores = Product(decoder.weight, decoder.bias, precision)
        self._rows = max(1, MAX_LOGITS[decoder.bias.device.type] // len(decoder.bias))

    def nats(self, past: Tensor, target: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `Softmax.nats`; a block of logits at a time."""
        found = np.empty(len(target))
        for at in range(0, len(target), self._rows):
            block = slice(at, at + self._rows)
            found[block] = negative_log_softmax(self._scores(past[block]), target[block])
        return found


class AdaptiveSoftmax(Softmax):
    """The head is scored for every token, a cluster only for the tokens that lie in it."""

    def __init__(self, decoder: AdaptiveDecoder, precision: Precision) -> None:
        self._edges = np.array(decoder.cutoffs)
        self._head = FullSoftmax(Decoder(decoder.head, decoder.head_bias), precision)
        self._tails = []
        for projection, tokens in decoder.tails:
            softmax = FullSoftmax(Decoder(tokens, tokens.new_zeros(len(tokens))), precision)
            self._tails.append((Product(projection, None, precision), softmax))

    def nats(self, past: Tensor, target: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `Softmax.nats`."""
        cluster = np.searchsorted(self._edges, target, side="right")
        entry = np.where(cluster == 0, target, self._edges[0] + cluster - 1)
        found = self._head.nats(past, entry)
        for k, (projection, tokens) in enumerate(self._tails):
            inside = np.flatnonzero(cluster == k + 1)
            if len(inside):
                rows = projection(past[torch.as_tensor(inside, device=past.device)])
                found[inside] += tokens.nats(rows, target[inside] - self._edges[k])
        return found


def open_softmax(decoder: Decoder | AdaptiveDecoder, precision: Precision) -> Softmax:
    """Return the output layer of a decoder."""
    if isinstance(decoder, AdaptiveDecoder):
        return AdaptiveSoftmax(decoder, precision)
    return FullSoftmax(decoder, precision)


def negative_log_softmax(logits: Tensor, target: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return -ln softmax(logits)[target] of each row, logits shape (row, token)."""
    if logits.device.type == "cpu" and logits.dtype == torch.float32:
        found = np.empty(len(target))
        _fill_nats(logits.numpy(), target, found)
        return found
    chosen = torch.as_tensor(target, device=logits.device)
    nats = torch.nn.functional.cross_entropy(logits, chosen, reduction="none")
    return nats.double().cpu().numpy()


@vectorised
def _fill_nats(logits: NDArray[np.float32], target: NDArray[np.int64], nats: NDArray[np.float64]) -> None:
    n = logits.shape[1]
    whole = n - n % _LANES
    top, total = np.empty(_LANES, np.float32), np.empty(_LANES, np.float32)
    for row in range(logits.shape[0]):
        x = logits[row]
        top[:] = x[0]
        for at in range(0, whole, _LANES):
            for k in range(_LANES):
                top[k] = x[at + k] if x[at + k] > top[k] else top[k]
        for k in range(whole, n):
            top[0] = x[k] if x[k] > top[0] else top[0]
        highest = top.max()
        total[:] = 0
        for at in range(0, whole, _LANES):
            for k in range(_LANES):
                total[k] += exp(x[at + k] - highest)
        for k in range(whole, n):
            total[0] += exp(x[k] - highest)
        sum_ = 0.0
        for k in range(_LANES):
            sum_ += total[k]
        nats[row] = math.log(sum_) + np.float64(highest) - np.float64(x[target[row]])
