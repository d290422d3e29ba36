"""A recurrent language model as its weights: embedding, recurrent layers, decoder and vocabulary."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from ..vocabulary import Vocabulary


@dataclass(frozen=True)
class Layer:
    """Weights of a recurrent layer, one block of rows a gate, in the order of its cell.

    Parameters
    ----------
    weight_input
        Shape (gate neuron, input).
    weight_recurrent
        Shape (gate neuron, neuron).
    bias
        Shape (gate neuron); the sum of torch's two biases where they always act together.
    cell
        A name in `cells.CELLS`: what is done with the products.
    extra
        Further weights that the cell needs, by the names it gives them.
    """

    weight_input: Tensor
    weight_recurrent: Tensor
    bias: Tensor
    cell: str = "lstm"
    extra: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def n_neuron(self) -> int:
        """Number of neurons."""
        return int(self.weight_recurrent.shape[1])

    def tensors(self) -> Iterator[Tensor]:
        """Yield all weights in a fixed order."""
        yield from (self.weight_input, self.weight_recurrent, self.bias)
        yield from (self.extra[name] for name in sorted(self.extra))

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "Layer":
        """Return the layer on a device and in a float type."""
        extra = {name: _move(tensor, device, dtype) for name, tensor in self.extra.items()}
        weights = [_move(x, device, dtype) for x in (self.weight_input, self.weight_recurrent, self.bias)]
        return Layer(weights[0], weights[1], weights[2], self.cell, extra)


@dataclass(frozen=True)
class Decoder:
    """A full softmax: logits of all tokens are ``weight @ h + bias``.

    Parameters
    ----------
    weight
        Shape (token, neuron); the embedding itself where the two are tied.
    bias
        Shape (token).
    """

    weight: Tensor
    bias: Tensor

    def tensors(self) -> Iterator[Tensor]:
        """Yield all weights in a fixed order."""
        yield from (self.weight, self.bias)

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "Decoder":
        """Return the decoder on a device and in a float type."""
        return Decoder(_move(self.weight, device, dtype), _move(self.bias, device, dtype))


@dataclass(frozen=True)
class AdaptiveDecoder:
    """An adaptive softmax (Grave et al. 2017), as in ``torch.nn.AdaptiveLogSoftmaxWithLoss``.

    The head scores the first tokens of the vocabulary and one entry a cluster; the tokens of cluster ``k`` share the
    probability of its entry by a softmax of ``tails[k][1] @ tails[k][0] @ h``.

    Parameters
    ----------
    head
        Shape (tokens of the head + clusters, neuron).
    head_bias
        Shape (tokens of the head + clusters).
    tails
        For each cluster its projection, shape (width, neuron), and its tokens, shape (tokens of the cluster, width).
    """

    head: Tensor
    head_bias: Tensor
    tails: tuple[tuple[Tensor, Tensor], ...]

    @property
    def cutoffs(self) -> tuple[int, ...]:
        """First token of each cluster, and the size of the vocabulary."""
        edges = [self.head.shape[0] - len(self.tails)]
        for _, tokens in self.tails:
            edges.append(edges[-1] + tokens.shape[0])
        return tuple(edges)

    def tensors(self) -> Iterator[Tensor]:
        """Yield all weights in a fixed order."""
        yield from (self.head, self.head_bias)
        for tail in self.tails:
            yield from tail

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "AdaptiveDecoder":
        """Return the decoder on a device and in a float type."""
        tails = tuple((_move(a, device, dtype), _move(b, device, dtype)) for a, b in self.tails)
        return AdaptiveDecoder(_move(self.head, device, dtype), _move(self.head_bias, device, dtype), tails)


@dataclass(frozen=True)
class LanguageModel:
    """A recurrent language model ready to read.

    Parameters
    ----------
    embedding
        Input vectors, shape (vocabulary, embedding).
    layers
        Recurrent layers, first to last, all of one cell.
    decoder
        Output layer; ``None`` if the checkpoint has none that reads the top layer's h alone: then there are states,
        but no surprisal.
    vocabulary
        Names of the embedding rows.
    metadata
        What the checkpoint says of itself: recipe, perplexity, source.
    """

    embedding: Tensor
    layers: tuple[Layer, ...]
    decoder: Decoder | AdaptiveDecoder | None
    vocabulary: Vocabulary
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def cell(self) -> str:
        """The kind of its layers, a name in `cells.CELLS`."""
        return self.layers[0].cell

    @property
    def n_layer(self) -> int:
        """Number of recurrent layers."""
        return len(self.layers)

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Neurons of each layer."""
        return tuple(layer.n_neuron for layer in self.layers)

    @property
    def n_neuron(self) -> int:
        """Neurons of the largest layer: the length of the dim ``neuron``, in which smaller layers are padded."""
        return max(self.layer_sizes)

    @property
    def tied(self) -> bool:
        """Whether the decoder's weight is the embedding."""
        return isinstance(self.decoder, Decoder) and self.decoder.weight.data_ptr() == self.embedding.data_ptr()

    @property
    def n_parameter(self) -> int:
        """Number of weights, a tied decoder counted once."""
        n = sum(tensor.numel() for tensor in self._tensors())
        return n - (self.embedding.numel() if self.tied else 0)

    def to(self, device: torch.device | str, dtype: torch.dtype = torch.float32) -> "LanguageModel":
        """Return the model on a device and in a float type."""
        embedding = _move(self.embedding, device, dtype)
        decoder = None if self.decoder is None else self.decoder.to(device, dtype)
        if self.tied and isinstance(decoder, Decoder):
            decoder = Decoder(embedding, decoder.bias)
        layers = tuple(layer.to(device, dtype) for layer in self.layers)
        return replace(self, embedding=embedding, layers=layers, decoder=decoder)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all weights (as float32), of the kind of cell and of the vocabulary."""
        sha = hashlib.sha256(self.vocabulary.digest.encode())
        if self.cell != "lstm":
            sha.update(self.cell.encode())
        for tensor in self._tensors():
            array = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
            sha.update(repr(array.shape).encode())
            sha.update(array.tobytes())
        return sha.hexdigest()

    def _tensors(self) -> Iterator[Tensor]:
        yield self.embedding
        for layer in self.layers:
            yield from layer.tensors()
        if self.decoder is not None:
            yield from self.decoder.tensors()


def _move(tensor: Tensor, device: torch.device | str, dtype: torch.dtype) -> Tensor:
    return tensor.to(device=device, dtype=dtype).contiguous()
