"""How a language model is trained: every key of ``model.train``, and what its values may be."""

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from .errors import UsageError
from .ranges import at_least, known_choices, require, require_seed

HOLD_OUT = 20
CLUSTER_SHRINK = 4
"""How many times narrower each cluster of an adaptive softmax is than the one before."""


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    layers, size, embedding_size
        LSTM layers, neurons a layer, and width of the embedding (default: ``size``).
    tied
        Whether the decoder's weight is the embedding.
    softmax, cutoffs
        ``full``, or ``adaptive`` (Grave et al. 2017) with the first token of each cluster.
    init_range, forget_bias
        All weights and biases are drawn uniformly from ±``init_range``; without it the embedding from ±0.1, the LSTM
        from ±1/sqrt(size), and biases are 0. ``forget_bias`` is added to the forget gates.
    vocabulary_size, lower_case, number, literals
        The vocabulary: most frequent tokens after lower-casing and writing every number as ``number``. ``literals``:
        string, character and number literals of program code are written as ``<string>``, ``<char>``, ``<number>``.
    hold_out, validation, test
        Every ``hold_out``-th document of the corpus is kept for validation (default: 20), unless ``validation`` names a
        text of its own; ``test`` names a text that is read once at the end. Paths count from the study file.
    epochs, patience
        Passes over the text; stop after ``patience`` epochs without a better validation perplexity, and keep the
        weights of the best epoch.
    keep_epochs
        Epochs after which a checkpoint is kept on the way, such as 0.25, 1, 2: what `training_dynamics` reads.
    streams, steps, drop_partial
        Parallel streams, tokens between two updates of each stream, and whether an epoch's last update is left out if
        it has fewer.
    loss
        What is minimised, and so what rate and ``clip`` refer to: ``mean`` over all tokens of an update, or the ``sum``
        over its steps of the mean over streams, as in Zaremba et al. (2014).
    optimiser, learning_rate, weight_decay, clip
        ``adamw``, ``sgd``, or ``asgd`` (SGD whose weights are averaged in the end); highest rate, decay of the weights,
        largest norm of the gradient.
    average_after
        For ``asgd``: epochs before the average begins; by default it begins once the validation perplexity is above its
        best of more than five epochs ago (Merity et al. 2018).
    schedule, decay, decay_after
        Of the rate: ``cosine`` (linear warm-up over 2 % of the updates, cosine to nearly 0), ``constant``, or ``decay``
        (multiplied by ``decay`` at each epoch after the first ``decay_after``).
    dropout, dropout_input, dropout_between, dropout_output, locked_dropout
        Dropout of the embedding, between layers and of the top layer; ``dropout`` stands for those not given. Locked:
        one mask for all steps of an update (Gal and Ghahramani 2016).
    precision, device
        Of the training's products, ``float32`` (on CUDA cuDNN may take TF32 for it) or ``bfloat16`` (weights and
        gradients stay float32); ``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.
    seed
        Of initial weights and dropout.
    """

    layers: int = 2
    size: int = 200
    embedding_size: int | None = None
    tied: bool = True
    softmax: Literal["full", "adaptive"] = "full"
    cutoffs: tuple[int, ...] = ()
    init_range: float | None = None
    forget_bias: float = 1.0
    vocabulary_size: int = 10_000
    lower_case: bool = True
    number: str | None = "N"
    literals: bool = False
    hold_out: int | None = None
    validation: str | None = None
    test: str | None = None
    epochs: int = 5
    patience: int | None = None
    keep_epochs: tuple[float, ...] = ()
    streams: int = 32
    steps: int = 64
    drop_partial: bool = False
    loss: Literal["mean", "sum"] = "mean"
    optimiser: Literal["adamw", "sgd", "asgd"] = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    clip: float = 1.0
    average_after: int | None = None
    schedule: Literal["cosine", "constant", "decay"] = "cosine"
    decay: float | None = None
    decay_after: int | None = None
    dropout: float = 0.15
    dropout_input: float | None = None
    dropout_between: float | None = None
    dropout_output: float | None = None
    locked_dropout: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        key = "model.train"
        known_choices(self, key)
        at_least(1, self, key, "layers", "size", "embedding_size", "epochs", "patience", "streams", "steps")
        at_least(3, self, key, "vocabulary_size")
        at_least(2, self, key, "hold_out")
        at_least(0, self, key, "weight_decay", "decay_after", "average_after")
        require_seed(self.seed, f"{key}.seed")
        for name in ("dropout", "dropout_input", "dropout_between", "dropout_output"):
            value = getattr(self, name)
            require(value is None or 0 <= value < 1, f"{key}.{name}", value, "at least 0 and below 1")
        require(0 < self.learning_rate < math.inf, f"{key}.learning_rate", self.learning_rate, "above 0 and finite")
        require(self.clip > 0, f"{key}.clip", self.clip, "above 0")
        require(math.isfinite(self.forget_bias), f"{key}.forget_bias", self.forget_bias, "a finite number")
        for name, value in (("init_range", self.init_range), ("decay", self.decay)):
            require(value is None or 0 < value < math.inf, f"{key}.{name}", value, "above 0 and finite")
        rising = all(0 < a < b for a, b in pairwise((*self.keep_epochs, math.inf)))
        kept = rising and all(at <= self.epochs for at in self.keep_epochs)
        require(kept, f"{key}.keep_epochs", list(self.keep_epochs), f"increasing, above 0 and at most {self.epochs}")
        self._check_softmax(key)
        self._check_companions(key)

    def _check_softmax(self, key: str) -> None:
        if self.tied and self.embedding_size not in (None, self.size):
            raise UsageError(
                f"{key}.embedding_size is {self.embedding_size} and size is {self.size}: a tied decoder needs both to "
                "be the same. Set tied: false."
            )
        if self.tied and self.softmax == "adaptive":
            raise UsageError(
                f"{key}.softmax is adaptive: its decoder has its own shape and cannot be tied. Set tied: false."
            )
        if (self.softmax == "adaptive") != bool(self.cutoffs):
            raise UsageError(
                f"{key}.softmax is {self.softmax} and cutoffs is {list(self.cutoffs)}; the first tokens of the "
                "clusters are given with softmax: adaptive, and only with it."
            )
        edges = (0, *self.cutoffs, self.vocabulary_size)
        rising = all(a < b for a, b in pairwise(edges))
        wanted = "increasing, above 0 and below vocabulary_size"
        require(not self.cutoffs or rising, f"{key}.cutoffs", list(self.cutoffs), wanted)
        if self.size < CLUSTER_SHRINK ** len(self.cutoffs):
            raise UsageError(
                f"{key}.cutoffs names {len(self.cutoffs)} clusters, each {CLUSTER_SHRINK} times narrower than the one "
                f"before, so the last would be narrower than one neuron with a size of {self.size}. Give fewer cutoffs."
            )

    def _check_companions(self, key: str) -> None:
        for name in ("decay", "decay_after"):
            if (self.schedule == "decay") != (getattr(self, name) is not None):
                raise UsageError(
                    f"{key}.schedule is {self.schedule} and {name} is {getattr(self, name)}; decay and decay_after are "
                    "given with schedule: decay, and only with it."
                )
        if self.average_after is not None and self.optimiser != "asgd":
            raise UsageError(
                f"{key}.average_after is {self.average_after}, but optimiser is {self.optimiser}, which does not "
                "average. Set optimiser: asgd, or remove average_after."
            )
        if self.average_after is not None and self.average_after >= self.epochs:
            raise UsageError(
                f"{key}.average_after is {self.average_after}, but there are {self.epochs} epochs: the average would "
                "never begin. Give a smaller average_after."
            )
        if self.hold_out is not None and self.validation is not None:
            raise UsageError(f"{key} has hold_out and validation; validation needs only one of them. Remove the other.")

    def recorded(self) -> dict[str, Any]:
        """Return the recipe as it is kept beside a model: keys of later versions only where they say something."""
        found = asdict(self)
        for name in ("literals", "keep_epochs"):
            if not found[name]:
                del found[name]
        return found

    @property
    def width(self) -> int:
        """Width of the embedding."""
        return self.size if self.embedding_size is None else self.embedding_size

    def dropout_of(self, place: Literal["input", "between", "output"]) -> float:
        """Return the share of values dropped in a place.

        >>> Recipe(dropout=0.5, dropout_input=0.0).dropout_of("input"), Recipe(dropout=0.5).dropout_of("output")
        (0.0, 0.5)
        """
        own: float | None = getattr(self, f"dropout_{place}")
        return self.dropout if own is None else own
