"""Planted truth for graded variables: nested blocks of statements, and neurons that count depth and column."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from planted import GAIN, N_NEURON, TANH_1, Wiring

from lstm_analysis.inference.model import LanguageModel
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.vocabulary import Vocabulary

OPEN, CLOSE, STOP = "{", "}", ";"
WIDTH = 120
N_DOCUMENT, STATEMENTS = 40, 60


@dataclass(frozen=True)
class Code:
    """A corpus of statements: its words, and the columns of numbers that a reader would give."""

    words: list[str]
    document_start: NDArray[np.int64]
    graded: dict[str, NDArray[np.int64]]
    vocabulary: Vocabulary

    @property
    def type_id(self) -> NDArray[np.int64]:
        return np.asarray(self.vocabulary.encode(self.words), np.int64)


def write_code(seed: int) -> Code:
    """Return documents of statements; blocks open and close at random, and words follow Zipf's law."""
    rng = np.random.default_rng(seed)
    names = [f"{'w' * int(rng.integers(1, 9))}{i}" for i in range(150)]
    weight = 1 / np.arange(1, 151)
    words, depths, columns, starts = [], [], [], []
    for _ in range(N_DOCUMENT):
        starts.append(len(words))
        depth = 0
        for _ in range(STATEMENTS):
            line = [str(w) for w in rng.choice(names, int(rng.integers(1, 12)), p=weight / weight.sum())]
            deeper = rng.random() < 0.35 and depth < 6
            closes = not deeper and depth > 0 and rng.random() < 0.4
            line = [*line, OPEN] if deeper else [CLOSE] if closes else [*line, STOP]
            column = 0
            for word in line:
                depth += word == OPEN
                words.append(word)
                depths.append(depth)
                columns.append(column)
                column += len(word) + 1
                depth -= word == CLOSE
    graded = {"brace_depth": np.array(depths), "column": np.array(columns)}
    return Code(words, np.array(starts), graded, Vocabulary((OPEN, CLOSE, STOP, *names)))


def planted_counters(code: Code, seed: int) -> tuple[LanguageModel, dict[str, int]]:
    """Return a model of one layer and the places of its neurons; those without a name are noise.

    ``depth`` and ``column`` count. Decoys: ``brace`` is on at one word, ``echo`` rings after it, ``end`` is on where a
    line ends.
    """
    rng, names = np.random.default_rng([seed, 1]), code.vocabulary.tokens
    wiring = Wiring(len(names))
    at = {name: i for i, name in enumerate(names)}
    wiring.switch("brace", [at[OPEN]])
    end = wiring.switch("end", [at[OPEN], at[CLOSE], at[STOP]])
    echo = wiring.neuron("echo", keep=True)
    wiring.bias["f"][echo], wiring.bias["i"][echo] = 0.5, -GAIN
    wiring.input["i"][echo, at[OPEN]] = 2 * GAIN
    depth = wiring.neuron("depth", keep=True)
    wiring.bias["i"][depth], wiring.bias["g"][depth] = -GAIN, 0
    wiring.input["i"][depth, [at[OPEN], at[CLOSE]]] = 2 * GAIN
    wiring.input["g"][depth, [at[OPEN], at[CLOSE]]] = np.arctanh(0.25), -np.arctanh(0.25)
    column = wiring.neuron("column", keep=True)
    wiring.bias["g"][column] = 0
    wiring.input["g"][column] = np.arctanh([(len(name) + 1) / WIDTH for name in names])
    wiring.recurrent["f"][column, end] = -2 * GAIN / TANH_1
    wiring.fill_with_noise(list(range(len(names))), rng)
    return LanguageModel(torch.eye(len(names)), (wiring.layer(),), None, code.vocabulary), dict(wiring.names)


def read(model: LanguageModel, code: Code) -> NDArray[np.float32]:
    """Return h (time, layer, neuron), reset at documents."""
    ids = np.asarray(model.vocabulary.encode(code.words), np.int32)
    stops = [*code.document_start.tolist()[1:], len(ids)]
    streams = [Stream(ids[a:b], row=a) for a, b in zip(code.document_start.tolist(), stops, strict=True)]
    hidden = np.empty((len(ids), 1, N_NEURON), np.float32)
    StreamReader(model).read(streams, {"hidden": hidden})
    return hidden
