"""What a reader of a format hands over: weights by torch's names, and what the file says of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from ...vocabulary import Normalisation


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Parameters
    ----------
    tensors
        Name to weight. Layers are named as in ``torch.nn.LSTM`` and ``torch.nn.GRU`` and have their order of gates.
    tokens
        Vocabulary in the order of the embedding's rows, ``None`` if the file has none.
    normalisation
        How text is matched to the vocabulary, ``None`` if the file does not say.
    metadata
        What else the file says of itself.
    states_only
        Whether the model's output layer is none that reads the top layer's h alone; it is not among the tensors then.
    gates_known
        Whether the file says which function its gates are; some files of Keras hold weights and nothing else.
    tokenizer
        The JSON of the Hugging Face tokenizer that the tokens are of, ``None`` if there is none.
    caution
        What the user is told once the model is made, ``None`` if there is nothing to tell; not said of a refused file.
    """

    tensors: Mapping[str, Tensor]
    tokens: Sequence[str] | None = None
    normalisation: Normalisation | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    states_only: bool = False
    gates_known: bool = True
    tokenizer: str | None = None
    caution: str | None = None
