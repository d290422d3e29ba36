"""Study files: YAML read by the safe loader into frozen dataclasses, every key checked."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .cluster_config import ClusterConfig as ClusterConfig
from .cluster_config import load_cluster as load_cluster
from .conversion import convert
from .corpus_config import AUTOMATIC as AUTOMATIC
from .corpus_config import CorpusConfig as CorpusConfig
from .errors import UsageError
from .lesion_config import LesionConfig as LesionConfig
from .locations import refuse_credentials
from .ranges import at_least, known_choices, require, require_seed, without_repeats
from .recipe import Recipe
from .store_config import StoreConfig
from .yaml_file import override, read_yaml

Concept = Mapping[str, Any]
State = Literal[
    "hidden", "cell", "input_gate", "forget_gate", "output_gate", "candidate", "reset_gate", "update_gate"
]  # fmt: skip


@dataclass(frozen=True)
class ModelConfig:
    """Which model reads.

    Parameters
    ----------
    checkpoint
        File of the model.
    vocabulary
        File of its vocabulary, if that is another one; ``bytes`` for a model that reads bytes.
    unknown
        Name of the token that stands for what the vocabulary lacks; by default its ``<unk>`` or the like.
    lower_case, number
        For a checkpoint that does not record it: whether words are looked up in lower case, and the token that every
        number is looked up as. What a checkpoint records cannot be given otherwise.
    gates
        ``sigmoid``: what the gates are, for files that hold weights alone (Keras) and do not say it.
    twin
        Read not by the model but by a random-weights twin of it, made from the study's seed: ``initial`` or
        ``shuffled``.
    train
        How to train it if it is missing.
    """

    checkpoint: str
    vocabulary: str | None = None
    unknown: str | None = None
    lower_case: bool | None = None
    number: str | None = None
    gates: Literal["sigmoid"] | None = None
    twin: Literal["initial", "shuffled"] | None = None
    train: Recipe | None = None

    def __post_init__(self) -> None:
        known_choices(self, "model")


@dataclass(frozen=True)
class InferenceConfig:
    """How the model reads.

    Parameters
    ----------
    carry
        Where states are reset: at each ``document``, at each ``sentence``, never (``continuous``, one stream over the
        corpus), or at the beginning of each of ``streams`` equal parts of the corpus.
    streams
        Number of parts for ``carry: streams``.
    tolerance
        Largest difference, in h and in c, by which ``carry: continuous`` may miss the one pass over the corpus.
    states
        What to keep, of `STATES`; by default ``hidden`` and, where the model has one, ``cell``.
    readout
        For models that read pieces of words: the state of a word is that after its ``last`` or ``first`` piece, or
        their ``mean``.
    surprisal
        Whether to compute the surprisal of each token.
    shard_tokens
        Tokens of a shard, the unit of work.
    device
        ``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.
    precision
        Of the matrix products: ``float32``, or ``tf32`` (CUDA) or ``bfloat16`` for speed at the price of accuracy.
    kernel
        What runs the recurrence: ``auto``, ``step``, ``fused`` or ``flashrnn``.
    """

    carry: Literal["document", "sentence", "continuous", "streams"] = "document"
    streams: int | None = None
    tolerance: float = 5e-6
    states: tuple[State, ...] | None = None
    readout: Literal["last", "first", "mean"] = "last"
    surprisal: bool = True
    shard_tokens: int = 65_536
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    kernel: Literal["auto", "step", "fused", "flashrnn"] = "auto"

    def kept(self, cell: str) -> tuple[State, ...]:
        """Return the states to keep of a model with this kind of cell."""
        return self.states or (("hidden",) if cell == "gru" else ("hidden", "cell"))

    def __post_init__(self) -> None:
        known_choices(self, "inference")
        if self.states is not None:
            without_repeats(self.states, "inference.states")
        at_least(1, self, "inference", "shard_tokens", "streams")
        require(self.tolerance > 0, "inference.tolerance", self.tolerance, "above 0")
        if (self.carry == "streams") != (self.streams is not None):
            raise UsageError(
                f"inference.carry is {self.carry} and inference.streams is {self.streams}; the number of streams is "
                "given with carry: streams, and only with it."
            )


@dataclass(frozen=True)
class SelectivityConfig:
    """How neurons are scored and tested.

    Parameters
    ----------
    measures
        Names in `selectivity.MEASURES`.
    draws
        Of each null distribution; 0 for scores without tests and intervals.
    alpha
        Level of the tests and share of intervals that may miss.
    twin
        Random-weights model that is put through the same study, so that its findings stand beside those of the model:
        ``initial`` (untrained) or ``shuffled``; ``None`` for none.
    """

    measures: tuple[str, ...] = ("auroc", "d_prime", "mean_difference", "average_precision", "mutual_information")
    draws: int = 2000
    alpha: float = 0.05
    twin: Literal["initial", "shuffled"] | None = "initial"

    def __post_init__(self) -> None:
        known_choices(self, "selectivity")
        without_repeats(self.measures, "selectivity.measures")
        require(0 < self.alpha < 1, "selectivity.alpha", self.alpha, "between 0 and 1")
        enough = self.draws == 0 or self.alpha * (self.draws + 1) >= 1
        fewest = f"0 for no tests, or {math.ceil(1 / self.alpha) - 1} or more, so that a p can reach alpha {self.alpha}"
        require(enough, "selectivity.draws", self.draws, fewest)


LATER: dict[str, Any] = {"phrases": (), "graded": (), "lesion": LesionConfig(), "replicates": (), "epochs": ()}
"""Keys of a study that runs of earlier versions do not know, and what they are by default."""


@dataclass(frozen=True)
class Study:
    """A study file. ``folder`` is where it lies: its relative paths count from there.

    ``analyses`` are by default ``sentence_position`` and, if the study makes tests, ``categories``; ``matches`` is one
    of them if, and only if, there are ``phrases``, and ``tuning`` if, and only if, there are ``graded`` variables.
    ``replicates`` are checkpoints of other models that go through the same study; ``epochs`` those of the model's own
    training, files or patterns, each named by its epoch.
    """

    name: str
    corpus: CorpusConfig
    model: ModelConfig
    inference: InferenceConfig = InferenceConfig()
    store: StoreConfig = field(default_factory=StoreConfig)
    concepts: tuple[Concept, ...] = ()
    selectivity: SelectivityConfig = SelectivityConfig()
    analyses: tuple[str, ...] | None = None
    phrases: tuple[str, ...] = ()
    graded: tuple[str, ...] = ()
    lesion: LesionConfig = field(default_factory=LesionConfig)
    replicates: tuple[str, ...] = ()
    epochs: tuple[str, ...] = ()
    seed: int = 0
    folder: Path = field(default=Path(), metadata={"internal": True})

    def __post_init__(self) -> None:
        require_seed(self.seed, "seed")
        self._refuse_credentials()
        if self.analyses is None:
            tested = ("categories",) if self.selectivity.draws else ()
            object.__setattr__(self, "analyses", ("sentence_position", *tested))
        elif self.analyses:
            without_repeats(self.analyses, "analyses")
        for phrase in self.phrases:
            require(bool(phrase.split()), "phrases", phrase, "words, such as: in the red")
        for key in ("replicates", "epochs"):
            if getattr(self, key):
                without_repeats(getattr(self, key), key)
        self._goes_with("phrases", "matches", "looks for phrases; the study names none. Give phrases: [in the red].")
        self._goes_with("graded", "tuning", "needs graded variables; the study names none. Give graded: [brace_depth].")

    def _goes_with(self, key: str, analysis: str, without: str) -> None:
        """Add the analysis that a key asks for; refuse it without the key."""
        given: tuple[str, ...] = getattr(self, key)
        if given:
            without_repeats(given, key)
        analyses = self.analyses or ()
        if analysis in analyses and not given:
            raise UsageError(f"The analysis {analysis} {without}")
        if given and analysis not in analyses:
            object.__setattr__(self, "analyses", (*analyses, analysis))

    def _refuse_credentials(self) -> None:
        urls = {"store.url": [self.store.url], "corpus.path": self.corpus.path}
        urls |= {f"model.{name}": [getattr(self.model, name)] for name in ("checkpoint", "vocabulary")}
        urls |= {"replicates": self.replicates, "epochs": self.epochs}
        urls["concepts"] = [entry.get(key) for entry in self.concepts for key in ("file", "path")]
        for key, found in urls.items():
            for url in found:
                if url is not None:
                    refuse_credentials(str(url), key)

    @property
    def output(self) -> Path:
        """Folder of the run where no other is given."""
        return Path("runs") / self.name

    def resolve(self, path: str) -> str:
        """Return a path of the study file as seen from the current folder; URLs and absolute paths stay."""
        return path if "://" in path or Path(path).is_absolute() else str(self.folder / path)

    def as_dict(self) -> dict[str, Any]:
        """Return the effective study as plain JSON types, without the folder."""
        found: dict[str, Any] = _plain(dataclasses.asdict(self))
        del found["folder"]
        for name in LATER:
            if getattr(self, name) == LATER[name]:
                del found[name]
        found["corpus"] = self.corpus.without_later(found["corpus"])
        return found


def load_study(path: str | Path, settings: Sequence[str] = ()) -> Study:
    """Read a study file.

    Parameters
    ----------
    path
        The YAML file.
    settings
        ``key.key=value`` overrides, the value in YAML.

    Raises
    ------
    UsageError
        If the file cannot be read, has an unknown key (the nearest known one is named) or a value of the wrong type.
    """
    path = Path(path)
    content = read_yaml(path)
    for setting in settings:
        override(content, setting)
    if isinstance(content.get("store"), str):
        content["store"] = {"activations": content["store"]}
    study: Study = convert(content, Study, str(path), "")
    if Path(study.name).name != study.name or study.name in ("", ".", ".."):
        raise UsageError(f"{path}: name is {study.name!r}; it names the run's folder, so it cannot hold a '/'.")
    return dataclasses.replace(study, folder=path.parent)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
