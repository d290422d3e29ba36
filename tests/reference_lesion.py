"""Lesions as a slow and obvious loop: one token at a time, every reader of h sees the replaced value."""

import math

import numpy as np

from lstm_analysis.inference.model import AdaptiveDecoder


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def as_arrays(layer):
    extra = {name: tensor.double().numpy() for name, tensor in layer.extra.items()}
    names = ("weight_input", "weight_recurrent", "bias")
    return {name: getattr(layer, name).double().numpy() for name in names} | extra


def step(cell, w, x, seen, own_h, own_c):
    """The states after a token: ``seen`` is h as its readers see it, ``own_h`` and ``own_c`` what the cell carries."""
    n = len(seen)
    given = w["weight_input"] @ x + w["bias"]
    if cell == "gru":
        past = w["weight_recurrent"] @ seen
        r, z = sigmoid(given[:n] + past[:n]), sigmoid(given[n : 2 * n] + past[n : 2 * n])
        candidate = np.tanh(given[2 * n :] + r * (past[2 * n :] + w["bias_candidate"]))
        return (1 - z) * candidate + z * own_h, own_c
    m = seen
    if cell == "mlstm":
        m = (w["weight_factor_input"] @ x) * (w["weight_factor_recurrent"] @ seen)
    i, f, g, o = np.split(given + w["weight_recurrent"] @ m, 4)
    c = sigmoid(f) * own_c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def log_softmax(scores):
    top = scores.max()
    return scores - top - math.log(np.exp(scores - top).sum())


def loss(decoder, seen, token):
    """-ln p(token) from the top layer's h as the decoder sees it."""
    if not isinstance(decoder, AdaptiveDecoder):
        return -log_softmax(decoder.weight.double().numpy() @ seen + decoder.bias.double().numpy())[token]
    head = log_softmax(decoder.head.double().numpy() @ seen + decoder.head_bias.double().numpy())
    edges = decoder.cutoffs
    if token < edges[0]:
        return -head[token]
    cluster = max(k for k in range(len(decoder.tails)) if token >= edges[k])
    projection, tokens = (tensor.double().numpy() for tensor in decoder.tails[cluster])
    return -head[edges[0] + cluster] - log_softmax(tokens @ (projection @ seen))[token - edges[cluster]]


def clamped_losses(model, ids, replaced, start=None):
    """The loss of each token but the first, dims (time - 1).

    ``replaced`` is a function of layer and time: a dict from neurons to what their h is replaced by; time -1 is before
    the first token. ``start`` has the states before it, dims (part, layer, neuron), else zeros.
    """
    weights = [as_arrays(layer) for layer in model.layers]
    embedding = model.embedding.double().numpy()
    own_h = [
        np.zeros(n) if start is None else np.array(start[0][k][:n], float) for k, n in enumerate(model.layer_sizes)
    ]
    own_c = [np.zeros(n) for n in model.layer_sizes]
    if start is not None and len(start) > 1:
        own_c = [np.array(start[1][k][:n], float) for k, n in enumerate(model.layer_sizes)]
    seen = [replace(h, replaced(k, -1)) for k, h in enumerate(own_h)]
    losses = []
    for t in range(len(ids) - 1):
        x = embedding[ids[t]]
        for k, w in enumerate(weights):
            own_h[k], own_c[k] = step(model.cell, w, x, seen[k], own_h[k], own_c[k])
            x = seen[k] = replace(own_h[k], replaced(k, t))
        losses.append(loss(model.decoder, seen[-1], ids[t + 1]))
    return np.array(losses)


def replace(h, values):
    found = h.copy()
    for neuron, value in values.items():
        found[neuron] = value
    return found
