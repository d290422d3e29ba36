"""Random models of every cell, texts for them, and how to read these."""

import math

import numpy as np
import torch

from lstm_analysis.inference.model import Decoder, LanguageModel, Layer
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.vocabulary import Vocabulary

N_TOKEN, WIDTH = 11, 6
N_GATE = {"lstm": 4, "mlstm": 4, "gru": 3}


def random_layer(cell, n_input, n, dtype, seed):
    torch.manual_seed(seed)
    width = N_GATE[cell] * n
    extra = {}
    if cell == "gru":
        extra["bias_candidate"] = torch.randn(n, dtype=dtype)
    if cell == "mlstm":
        extra["weight_factor_input"] = torch.randn(n, n_input, dtype=dtype) / math.sqrt(n)
        extra["weight_factor_recurrent"] = torch.randn(n, n, dtype=dtype) / math.sqrt(n)
    weights = [torch.randn(shape, dtype=dtype) / math.sqrt(n) for shape in ((width, n_input), (width, n), (width,))]
    return Layer(*weights, cell, extra)


def random_model(cell, sizes=(7, 7), dtype=torch.float32, decoder=True):
    torch.manual_seed(1)
    embedding = torch.randn(N_TOKEN, WIDTH, dtype=dtype)
    inputs = (WIDTH, *sizes[:-1])
    layers = tuple(random_layer(cell, a, n, dtype, seed) for seed, (a, n) in enumerate(zip(inputs, sizes, strict=True)))
    softmax = Decoder(torch.randn(N_TOKEN, sizes[-1], dtype=dtype), torch.randn(N_TOKEN, dtype=dtype))
    names = Vocabulary(tuple(f"w{i}" for i in range(N_TOKEN)))
    return LanguageModel(embedding, layers, softmax if decoder else None, names)


def texts_of(*lengths):
    return [np.random.default_rng(n).integers(0, N_TOKEN, n).astype(np.int32) for n in lengths]


def read(model, texts, names, **options):
    rows = np.cumsum([0, *map(len, texts)])
    dtype = model.embedding.numpy().dtype
    states = {name: np.full((rows[-1], model.n_layer, model.n_neuron), 99, dtype) for name in names}
    streams = [Stream(text, row=int(row)) for text, row in zip(texts, rows[:-1], strict=True)]
    return states, StreamReader(model, **options).read(streams, states)
