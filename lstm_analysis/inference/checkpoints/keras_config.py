"""What the configuration of a Keras model says of its layers; read as data, no object is ever made from it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...errors import UserError

RECURRENT = ("LSTM", "GRU", "CuDNNLSTM", "CuDNNGRU")
TRANSPARENT = ("Dropout", "SpatialDropout1D", "GaussianDropout", "GaussianNoise", "ActivityRegularization")
"""Layers that do nothing when a model reads."""
_HARD = (
    "was trained with hard_sigmoid gates (a clipped straight line; the default of Keras before 2.3), so read with "
    "sigmoid gates its states would be those of another model. It cannot be read; train it with "
    "recurrent_activation='sigmoid'."
)


@dataclass(frozen=True)
class KerasLayer:
    """A layer: its class and configuration, its name, and the layers it reads.

    Of a ``TimeDistributed`` layer, ``kind`` and ``config`` are those of the layer inside; ``outer`` is its own class.
    """

    kind: str
    outer: str
    name: str
    config: Mapping[str, Any]
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class KerasModel:
    """The layers of a model in their order.

    Parameters
    ----------
    path
        The file, for messages.
    layers
        All layers by name.
    """

    path: Path
    layers: Mapping[str, KerasLayer]

    @cached_property
    def embedding(self) -> KerasLayer:
        """The one embedding."""
        found = [layer for layer in self.layers.values() if layer.kind == "Embedding"]
        if len(found) != 1:
            raise UserError(
                f"{self.path} has {len(found)} Embedding layers; a language model whose tokens can be named has one."
            )
        return found[0]

    @cached_property
    def recurrent(self) -> list[KerasLayer]:
        """The recurrent layers, first to last, each reading the one before and the first the embedding.

        Raises
        ------
        UserError
            If there are none, or the model is wired in another way, or a layer computes something else.
        """
        found = [layer for layer in self.layers.values() if layer.kind in RECURRENT]
        for layer in self.layers.values():
            if layer.kind in ("Bidirectional", "Lambda"):
                why = "only left-to-right" if layer.kind == "Bidirectional" else "code of its own, which is never run"
                raise UserError(f"{self.path} has a {layer.kind} layer, {layer.name!r} ({why}); it is refused.")
        if not found:
            kinds = ", ".join(layer.kind for layer in self.layers.values())
            raise UserError(f"{self.path} holds no LSTM or GRU layer. Found: {kinds}.")
        for below, layer in zip([self.embedding, *found[:-1]], found, strict=True):
            source = self._source(layer)
            if source != below.name:
                kind = self.layers[source].kind if source in self.layers else "several layers"
                raise UserError(
                    f"{self.path}: the layer {layer.name!r} reads {source or 'several layers'!r} ({kind}), not "
                    f"{below.name!r}; only stacks of LSTM or GRU layers on an Embedding are supported."
                )
            _check_cell(self.path, layer)
        return found

    @cached_property
    def decoder(self) -> KerasLayer | None:
        """The ``Dense`` layer that makes logits of the top layer's h alone; ``None`` if the head is another one."""
        above = self.recurrent[-1].name
        readers = [layer for layer in self.layers.values() if self._source(layer) == above]
        heads = [layer for layer in readers if layer.kind not in TRANSPARENT]
        touching = [layer for layer in self.layers.values() if above in layer.inputs and layer not in readers]
        if len(heads) != 1 or touching or heads[0].kind != "Dense" or not self._gives_logits(heads[0]):
            return None
        return heads[0]

    def _gives_logits(self, dense: KerasLayer) -> bool:
        """Whether a layer has a unit a token, and nothing but a softmax comes behind it."""
        behind = [layer for layer in self.layers.values() if dense.name in layer.inputs]
        softmax = all(
            layer.kind == "Softmax" or (layer.kind == "Activation" and layer.config.get("activation") == "softmax")
            for layer in behind
        )
        fits = dense.config.get("units") == self.embedding.config.get("input_dim")
        return fits and softmax and dense.config.get("activation") in ("linear", "softmax")

    def _source(self, layer: KerasLayer) -> str:
        """Return the name of the layer whose output is read; empty if there are several or none."""
        seen = 0
        while len(layer.inputs) == 1 and seen <= len(self.layers):
            source, seen = layer.inputs[0], seen + 1
            if source not in self.layers or self.layers[source].kind not in TRANSPARENT:
                return source
            layer = self.layers[source]
        return ""


def read_config(path: Path, text: str | bytes) -> KerasModel:
    """Read a model's configuration.

    Raises
    ------
    UserError
        If it is damaged, or another kind of model.
    """
    try:
        content = json.loads(text)
        kind, inner = content["class_name"], content["config"]
        entries = inner if isinstance(inner, list) else inner["layers"]
        layers = dict(_layers(entries, kind == "Sequential"))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise UserError(
            f"The configuration in {path} is not that of a Keras model ({type(error).__name__}: {error}). Save the "
            "model again with model.save."
        ) from None
    if kind not in ("Sequential", "Functional", "Model"):
        raise UserError(
            f"{path} holds a model of the class {kind!r}, whose wiring is in its code. Build it as a Sequential or "
            "functional model, copy the weights and save it."
        )
    return KerasModel(path, layers)


def _layers(entries: list[Mapping[str, Any]], sequential: bool) -> Iterator[tuple[str, KerasLayer]]:
    before: tuple[str, ...] = ()
    for entry in entries:
        outer, config = entry["class_name"], entry["config"]
        kind, name = outer, str(config["name"])
        if sequential:
            inputs, before = before, (name,)
        else:
            inputs = tuple(_names(entry["inbound_nodes"]))
        if outer == "TimeDistributed":
            kind, config = config["layer"]["class_name"], config["layer"]["config"]
        if kind != "InputLayer":
            yield name, KerasLayer(str(kind), str(outer), name, dict(config), inputs)
        elif sequential:
            before = ()


def _names(node: Any) -> Iterator[str]:
    """Yield the layers that a layer reads, as Keras 2 (nested lists) or Keras 3 (``keras_history``) writes them."""
    if isinstance(node, Mapping):
        history = node.get("keras_history")
        if history is not None:
            yield str(history[0])
        else:
            for value in node.values():
                yield from _names(value)
    elif isinstance(node, list):
        if len(node) in (3, 4) and isinstance(node[0], str) and type(node[1]) is int:
            yield node[0]
        else:
            for value in node:
                yield from _names(value)


def _check_cell(path: Path, layer: KerasLayer) -> None:
    """Refuse a layer whose gates, activation or direction are not those of the plain cell."""
    config, what = layer.config, f"{path}: the layer {layer.name!r}"
    if config.get("go_backwards"):
        raise UserError(f"{what} reads backwards; only left-to-right language models are supported.")
    if layer.kind.startswith("CuDNN"):
        return
    gates = config.get("recurrent_activation", config.get("inner_activation"))
    if gates == "hard_sigmoid":
        raise UserError(f"{what} {_HARD}")
    if gates != "sigmoid" or config.get("activation") != "tanh":
        raise UserError(
            f"{what} has recurrent_activation {gates!r} and activation {config.get('activation')!r}; only 'sigmoid' "
            "and 'tanh' are supported."
        )
    if layer.kind == "GRU" and not config.get("reset_after"):
        raise UserError(
            f"{what} is a GRU with reset_after=False: it resets h before the product instead of after it, which is "
            "another cell. Only GRUs with reset_after=True are supported."
        )
