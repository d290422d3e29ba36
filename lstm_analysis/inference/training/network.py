"""The network while it learns: embedding, LSTM layers with dropout around them, and a softmax that gives the loss."""

from collections.abc import Mapping
from typing import Literal, cast

import torch
from torch import Tensor, nn

from ...recipe import Recipe
from ...vocabulary import Vocabulary
from ..model import LanguageModel, Layer
from .softmax import AdaptiveSoftmax, FullSoftmax

EMBEDDING_RANGE = 0.1
KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
Place = Literal["input", "between", "output"]


class Network(nn.Module):
    """A word language model as its recipe wants it.

    Parameters
    ----------
    n_token
        Size of the vocabulary.
    recipe
        Shape, initial values and dropout.
    """

    def __init__(self, n_token: int, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.encoder = nn.Embedding(n_token, recipe.width)
        widths = [recipe.width] + [recipe.size] * (recipe.layers - 1)
        self.layers = [nn.LSTM(width, recipe.size) for width in widths]
        self.rnn = nn.ModuleList(self.layers)
        self.decoder: FullSoftmax | AdaptiveSoftmax
        if recipe.softmax == "adaptive":
            self.decoder = AdaptiveSoftmax(recipe.size, n_token, recipe.cutoffs)
        else:
            self.decoder = FullSoftmax(recipe.size, n_token)
        if recipe.tied:
            assert isinstance(self.decoder, FullSoftmax)
            self.decoder.weight = cast(nn.Parameter, self.encoder.weight)
        self._initialise()

    @torch.no_grad()
    def _initialise(self) -> None:
        recipe = self.recipe
        if recipe.init_range is not None:
            for parameter in self.parameters():
                parameter.uniform_(-recipe.init_range, recipe.init_range)
        else:
            self.encoder.weight.uniform_(-EMBEDDING_RANGE, EMBEDDING_RANGE)
            for name, parameter in self.named_parameters():
                if "bias" in name:
                    parameter.zero_()
        for layer in self.layers:
            cast(Tensor, layer.bias_ih_l0)[recipe.size : 2 * recipe.size] += recipe.forget_bias

    def loss(self, ids: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read a piece of every stream.

        Parameters
        ----------
        ids
            Vocabulary indices, dims (step, stream): every token but the first is predicted from those before it.
        state
            What the streams left behind, dims (h and c, layer, stream, neuron).

        Returns
        -------
        Mean nats a token, and the new state, detached.
        """
        low = self.recipe.precision == "bfloat16"
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=low):
            out, ends = self._drop(self.encoder(ids[:-1]), "input"), []
            for i, layer in enumerate(self.layers):
                out, (h, c) = layer(out, (state[0, i, None].contiguous(), state[1, i, None].contiguous()))
                ends.append(torch.stack([h[0], c[0]]).detach().to(state.dtype))
                out = self._drop(out, "output" if i == self.recipe.layers - 1 else "between")
            nats = self.decoder(out.flatten(0, 1), ids[1:].flatten())
        return nats, torch.stack(ends, 1)

    def _drop(self, values: Tensor, place: Place) -> Tensor:
        share = self.recipe.dropout_of(place)
        if not self.recipe.locked_dropout:
            return nn.functional.dropout(values, share)
        return values * nn.functional.dropout(torch.ones_like(values[:1]), share)

    def model(self, vocabulary: Vocabulary) -> LanguageModel:
        """Return the current weights as a model that reads; they change with the network."""
        weights, layers = self.weights(), []
        for i in range(self.recipe.layers):
            ih, hh, bias_ih, bias_hh = (weights[f"rnn.{kind}_l{i}"] for kind in KINDS)
            layers.append(Layer(ih, hh, bias_ih + bias_hh))
        return LanguageModel(weights["encoder.weight"], tuple(layers), self.decoder.as_decoder(), vocabulary)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights under the names of a classic checkpoint, a tied matrix once."""
        found = {"encoder.weight": self.encoder.weight.detach()}
        for i, layer in enumerate(self.layers):
            for kind in KINDS:
                found[f"rnn.{kind}_l{i}"] = getattr(layer, f"{kind}_l0").detach()
        ends = {f"decoder.{name}": tensor.detach() for name, tensor in self.decoder.named_parameters()}
        if self.recipe.tied:
            del ends["decoder.weight"]
        return found | ends

    @torch.no_grad()
    def load_weights(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy weights, named as in `weights`, into the network; those not named stay."""
        for name, tensor in self.weights().items():
            if name in tensors:
                tensor.copy_(tensors[name])
