"""A recurrent language model as its weights: embedding, LSTM layers, decoder and vocabulary."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from ..vocabulary import Vocabulary


@dataclass(frozen=True)
class Layer:
    """Weights of an LSTM layer, gates in torch's order i, f, g, o along the first dim.

    Parameters
    ----------
    weight_input
        Shape (4 neuron, input).
    weight_recurrent
        Shape (4 neuron, neuron).
    bias
        Sum of torch's two biases, shape (4 neuron).
    """

    weight_input: Tensor
    weight_recurrent: Tensor
    bias: Tensor

    @property
    def n_neuron(self) -> int:
        """Number of neurons."""
        return int(self.weight_recurrent.shape[1])


@dataclass(frozen=True)
class LanguageModel:
    """An LSTM language model ready to read.

    Parameters
    ----------
    embedding
        Input vectors, shape (vocabulary, embedding).
    layers
        LSTM layers, first to last.
    decoder_weight, decoder_bias
        Output layer, shapes (vocabulary, neuron) and (vocabulary).
    vocabulary
        Names of the embedding rows.
    metadata
        What the checkpoint says of itself: recipe, perplexity, source.
    """

    embedding: Tensor
    layers: tuple[Layer, ...]
    decoder_weight: Tensor
    decoder_bias: Tensor
    vocabulary: Vocabulary
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_layer(self) -> int:
        """Number of LSTM layers."""
        return len(self.layers)

    @property
    def n_neuron(self) -> int:
        """Neurons of each layer."""
        return self.layers[0].n_neuron

    @property
    def n_parameter(self) -> int:
        """Number of weights, a tied decoder counted once."""
        tied = self.decoder_weight.data_ptr() == self.embedding.data_ptr()
        layers = sum(
            t.numel() for layer in self.layers for t in (layer.weight_input, layer.weight_recurrent, layer.bias)
        )
        return (
            self.embedding.numel() + layers + (0 if tied else self.decoder_weight.numel()) + self.decoder_bias.numel()
        )

    def to(self, device: torch.device | str, dtype: torch.dtype = torch.float32) -> "LanguageModel":
        """Return the model on a device and in a float type."""

        def move(tensor: Tensor) -> Tensor:
            return tensor.to(device=device, dtype=dtype).contiguous()

        embedding = move(self.embedding)
        tied = self.decoder_weight.data_ptr() == self.embedding.data_ptr()
        layers = tuple(Layer(move(x.weight_input), move(x.weight_recurrent), move(x.bias)) for x in self.layers)
        return replace(
            self,
            embedding=embedding,
            layers=layers,
            decoder_weight=embedding if tied else move(self.decoder_weight),
            decoder_bias=move(self.decoder_bias),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all weights (as float32) and of the vocabulary."""
        sha = hashlib.sha256(self.vocabulary.digest.encode())
        layers = [t for layer in self.layers for t in (layer.weight_input, layer.weight_recurrent, layer.bias)]
        for tensor in (self.embedding, *layers, self.decoder_weight, self.decoder_bias):
            array = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
            sha.update(repr(array.shape).encode())
            sha.update(array.tobytes())
        return sha.hexdigest()
