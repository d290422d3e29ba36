"""Random models of torch, and what torch itself says about them."""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from lstm_analysis.inference.model import Decoder, LanguageModel, Layer
from lstm_analysis.vocabulary import Vocabulary


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


class Network(nn.Module):
    """A language model as people write it, with the key names of the classic example."""

    def __init__(self, n_token=11, width=6, size=5, n_layer=2, bias=True, **options) -> None:
        super().__init__()
        self.encoder = nn.Embedding(n_token, width)
        self.rnn = nn.LSTM(width, size, n_layer, bias=bias, **options)
        self.decoder = nn.Linear(size, n_token)

    def layer(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return input weight, recurrent weight and summed bias of a layer."""
        parts = {name: value.detach() for name, value in self.rnn.named_parameters()}
        w_ih, w_hh = parts[f"weight_ih_l{i}"], parts[f"weight_hh_l{i}"]
        none = w_hh.new_zeros(len(w_hh))
        return w_ih, w_hh, parts.get(f"bias_ih_l{i}", none) + parts.get(f"bias_hh_l{i}", none)

    def language_model(self) -> LanguageModel:
        """Return the same weights as our model."""
        layers = tuple(Layer(*self.layer(i)) for i in range(self.rnn.num_layers))
        names = Vocabulary(tuple(f"w{i}" for i in range(self.encoder.num_embeddings)))
        decoder = Decoder(self.decoder.weight.detach(), self.decoder.bias.detach())
        return LanguageModel(self.encoder.weight.detach(), layers, decoder, names)

    @torch.inference_mode()
    def states(self, ids: np.ndarray, start: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return h and c after each token, dims (time, layer, neuron), one LSTMCell step at a time."""
        cells = []
        for i in range(self.rnn.num_layers):
            w_ih, w_hh, bias = self.layer(i)
            cell = nn.LSTMCell(w_ih.shape[1], w_hh.shape[1], dtype=w_ih.dtype)
            values = (w_ih, w_hh, bias, torch.zeros_like(bias))
            cell.load_state_dict(dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), values, strict=True)))
            cells.append(cell)
        n_layer, size = self.rnn.num_layers, self.rnn.hidden_size
        h, c = torch.as_tensor(np.zeros((2, n_layer, size)) if start is None else start).to(self.encoder.weight)
        out = np.empty((2, len(ids), n_layer, size), self.encoder.weight.detach().numpy().dtype)
        for t, token in enumerate(ids):
            x = self.encoder.weight[int(token)]
            for i, cell in enumerate(cells):
                h[i], c[i] = cell(x, (h[i].clone(), c[i].clone()))
                x = h[i]
            out[0, t], out[1, t] = h.numpy(), c.numpy()
        return out[0], out[1]

    @torch.inference_mode()
    def surprisal(self, ids: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        """Return torch's cross entropy in bits, NaN at the first token, from the states of the text, dims (time)."""
        bits = np.full(len(ids), np.nan, hidden.dtype)
        if len(ids) > 1:
            logits = self.decoder(torch.as_tensor(hidden[:-1, -1]))
            target = torch.as_tensor(ids[1:].astype(np.int64))
            bits[1:] = nn.functional.cross_entropy(logits, target, reduction="none").numpy() / math.log(2)
        return bits


@pytest.fixture
def network() -> Callable[..., Network]:
    """Return a function that makes a random network, the same for the same arguments."""

    def make(dtype=torch.float32, gain=3.0, seed=0, **options) -> Network:
        torch.manual_seed(seed)
        made = Network(**options).to(dtype)
        with torch.no_grad():
            for parameter in made.rnn.parameters():
                parameter.mul_(gain)
        return made

    return make


@pytest.fixture
def save(tmp_path):
    """Return a function that stores tensors, with a vocabulary inside, in one of the formats."""

    def put(tensors, name="model.pt", vocab=tuple(f"w{i}" for i in range(11))):
        path = tmp_path / name
        tensors = {key: tensor.detach().clone() for key, tensor in tensors.items()}
        if path.suffix == ".safetensors":
            save_file(tensors, path, {} if vocab is None else {"vocabulary": json.dumps(vocab)})
        else:
            torch.save(tensors if vocab is None else {"state_dict": tensors, "vocab": vocab, "licence": "MIT"}, path)
        return path

    return put
