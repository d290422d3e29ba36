"""A state dict to a model: its recurrent layers, its two ends and its vocabulary fitted together."""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ...errors import UserError
from ...vocabulary import Vocabulary
from ..model import LanguageModel
from .checkpoint import Checkpoint
from .ends import find_ends
from .recurrent import find_layers


def assemble(path: Path, checkpoint: Checkpoint, vocabulary: Vocabulary) -> LanguageModel:
    """Return the model of a checkpoint.

    Raises
    ------
    UserError
        If the weights are not those of a one-directional LSTM, GRU or multiplicative LSTM language model, or if there
        are weights that such a model would not use.
    """
    tensors = {k: v.detach().to(torch.float32) for k, v in checkpoint.tensors.items() if v.is_floating_point()}
    _check_finite(path, tensors)
    layers, used = find_layers(path, tensors)
    rest = {name: tensor for name, tensor in tensors.items() if name not in used}
    width, size = layers[0].weight_input.shape[1], layers[-1].n_neuron
    embedding, decoder, caution = find_ends(path, rest, width, size, checkpoint.states_only)
    vocabulary = vocabulary.with_rows(len(embedding))
    if len(vocabulary) != len(embedding):
        raise UserError(
            f"The vocabulary has {len(vocabulary)} tokens, but the embedding of {path} has {len(embedding)} rows. Each "
            "row needs one token, in the same order; give the vocabulary the model was trained with."
        )
    for text in filter(None, (checkpoint.caution, caution)):  # a file that is refused is not warned of
        logging.getLogger(__name__).warning("%s", text)
    return LanguageModel(embedding, layers, decoder, vocabulary, dict(checkpoint.metadata))


def _check_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            n = int((~torch.isfinite(tensor)).sum())
            raise UserError(
                f"The checkpoint {path} has {n} NaN or infinite values in {name!r} {tuple(tensor.shape)}: the training "
                "went astray. Use an earlier checkpoint."
            )
