"""What a run has to show: its datasets where they are there, and why not where they are not."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import UserError
from ..report.material import Material
from ..store import read_commits
from .block_cache import BlockCache

if TYPE_CHECKING:
    from ..run import Run

VALUES = {"h": "hidden_state", "tanh_c": "cell_state"}
"""Stored variable of each value that lines are drawn of."""
NAMES = {"h": "h", "tanh_c": "tanh(c)"}
"""How these values are written."""


class Holdings:
    """The datasets of a run, opened when they are first asked for; what is not there is ``None``, with the reason.

    Parameters
    ----------
    run
        The run. Its corpus must be there.

    Raises
    ------
    UserError
        If it has no corpus yet.
    """

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.missing: dict[str, str] = {}
        """Why a dataset that was asked for is not there, by name."""
        corpus = run.in_place("corpus")
        tables = {name: corpus[name].load() for name in ("type", "token_name", "document_name") if name in corpus}
        self.corpus: xr.Dataset = corpus.assign_coords(tables)
        self.cache = BlockCache()

    @property
    def name(self) -> str:
        """Of the run's folder."""
        return self.run.path.resolve().name

    @property
    def study(self) -> dict[str, Any]:
        """The effective study."""
        study: dict[str, Any] = self.run.record["study"]
        return study

    @property
    def analyses(self) -> tuple[str, ...]:
        """Analyses that the study asks for."""
        return tuple(self.study.get("analyses") or ())

    @property
    def n_token(self) -> int:
        """Tokens of the corpus."""
        return int(self.corpus.sizes["time"])

    @property
    def alpha(self) -> float:
        """Level of the tests."""
        return float(self.study.get("selectivity", {}).get("alpha", 0.05))

    @cached_property
    def layer_sizes(self) -> list[int]:
        """Neurons of each layer; empty before the model was looked at."""
        sizes = self.run.facts.get("model", {}).get("layer_sizes", [])
        return [int(size) for size in sizes]

    @cached_property
    def states(self) -> xr.Dataset | None:
        """Stored states, read where they are asked for."""
        if self.study["store"]["activations"] == "none":
            self.missing["states"] = (
                "This run keeps no states (its study says store: none), so lines over the text, brushing and matching "
                "are not there. Scores, tuning curves and passages are. Run the study with store: float32 to have all."
            )
            return None
        return self._try("states", lambda: self.run.in_place("activations"))

    @cached_property
    def labels(self) -> xr.Dataset | None:
        """Labels, dims (time, concept)."""
        return self._try("labels", lambda: self.run.in_place("labels"))

    @cached_property
    def summary(self) -> xr.Dataset | None:
        """The one-pass sums, lazily: they can be large."""
        return self._try("summary", lambda: self.run.in_place("summary"))

    @cached_property
    def scores(self) -> xr.Dataset | None:
        """Scores, dims (concept, layer, neuron)."""
        return self._try("scores", lambda: self.run.selectivity)

    @cached_property
    def contexts(self) -> xr.Dataset | None:
        """Where each neuron is extreme."""
        return self._try("contexts", lambda: self.run.contexts)

    @cached_property
    def tuning(self) -> xr.Dataset | None:
        """How neurons follow the position in the sentence."""
        return self._analysis("sentence_position")

    @cached_property
    def categories(self) -> xr.Dataset | None:
        """Neurons called for categories, and what these share."""
        return self._analysis("categories")

    @cached_property
    def idioms(self) -> xr.Dataset | None:
        """Neurons and idioms."""
        return self._analysis("idioms")

    @cached_property
    def lesion(self) -> xr.Dataset | None:
        """What the model loses without some neurons; ``None`` if none was taken out."""
        return self._try("lesion", lambda: self.run.lesion) if self.run.has_lesion else None

    @cached_property
    def graded(self) -> xr.Dataset | None:
        """How neurons follow graded variables; ``None`` if the study names none."""
        return self._asked("tuning")

    @cached_property
    def periodicity(self) -> xr.Dataset | None:
        """Neurons that run in a period, with their spectra; ``None`` if the study does not ask for it."""
        return self._asked("periodicity")

    @cached_property
    def pca(self) -> xr.Dataset | None:
        """Principal components, and word sets told apart in them; ``None`` if the study does not ask for it."""
        return self._asked("pca")

    @cached_property
    def probes(self) -> xr.Dataset | None:
        """How much of each concept a few neurons hold; ``None`` if the study does not ask for it."""
        return self._asked("probes")

    @cached_property
    def neuron_matching(self) -> xr.Dataset | None:
        """Which neurons do the same; ``None`` if the study does not ask for it."""
        return self._asked("neuron_matching")

    @cached_property
    def matched(self) -> dict[str, xr.Dataset]:
        """Which neurons of other trained models do the same as the model's, by model; empty without any."""
        found = {name: self._try(f"replicates/{name}", lambda one=one: one.matched)
                 for name, one in self.run.replicates.items()}  # fmt: skip
        return {name: one for name, one in found.items() if one is not None}

    @cached_property
    def training_dynamics(self) -> xr.Dataset | None:
        """Since when in training neurons are selective; ``None`` if the study names no epochs."""
        return self._try("training_dynamics", lambda: self.run.training_dynamics) if self.run.epochs else None

    def of_twin(self, analysis: str) -> xr.Dataset | None:
        """Return the random twin's results of an analysis; ``None`` without a twin, or if they are not there."""
        twin = self.run.twin
        if twin is None or analysis not in self.analyses:
            return None
        return self._try(f"twin/{analysis}", lambda: getattr(twin, analysis))

    @cached_property
    def material(self) -> Material | None:
        """The same for the figures and passages of the report, without a twin; ``None`` before the run has scores."""
        if self.scores is None or self.labels is None or self.contexts is None:
            return None
        states = None if self.states is None else self.states["hidden_state"]
        return Material(
            folder=self.name,
            record=self.run.record,
            corpus=self.corpus,
            labels=self.labels,
            scores=self.scores,
            tuning=self.tuning,
            categories=self.categories,
            idioms=self.idioms,
            contexts=self.contexts,
            states=states,
        )

    def values(self) -> list[str]:
        """Return the values that lines can be drawn of: ``h``, and ``tanh_c`` where cells are stored."""
        return [] if self.states is None else [name for name, stored in VALUES.items() if stored in self.states]

    @cached_property
    def concepts(self) -> list[str]:
        """Names of the concepts, those of the labels or the scores."""
        found = self.labels if self.labels is not None else self.scores
        return [] if found is None else [str(name) for name in found["concept"].values]

    @cached_property
    def sources(self) -> list[str]:
        """Label source of each concept."""
        found = self.labels if self.labels is not None else self.scores
        return [] if found is None or "source" not in found else [str(name) for name in found["source"].values]

    @cached_property
    def types(self) -> NDArray[np.object_]:
        """What stands at a token, by its code: surface forms, or of pieces the model's names for them."""
        return np.asarray(self.corpus["token_name" if self.of_pieces else "type"].values, dtype=object)

    @property
    def of_pieces(self) -> bool:
        """Whether tokens are pieces of words."""
        return "word" in self.corpus

    def reasons(self, *names: str) -> list[str]:
        """Return why some datasets that were asked for are not there."""
        return list(dict.fromkeys(self.missing[name] for name in names if name in self.missing))

    def notes(self) -> list[str]:
        """Return what a reader must know of a run that is not finished, a sentence each."""
        stages = self.run.record["stages"]
        open_stages = [name for name, entry in stages.items() if entry["state"] != "done"]
        found = []
        if stages.get("activations", {}).get("state") in ("running", "stopped", "failed"):
            n_shard = -(-self.n_token // int(self.study["inference"]["shard_tokens"]))
            n_done = len(read_commits(self.run.path))
            found.append(
                f"States are being written: {n_done:,} of {n_shard:,} shards are there. Elsewhere lines are empty; "
                "open the explorer again later for more."
            )
        elif open_stages and open_stages != ["report"]:
            names = ", ".join(f"{name} ({stages[name]['state']})" for name in open_stages if name != "report")
            found.append(f"The run is not finished: {names}. Views that need these results are left out.")
        return found

    def _analysis(self, name: str) -> xr.Dataset | None:
        if name not in self.analyses:
            self.missing[name] = f"The study leaves the analysis {name} out (key analyses)."
            return None
        return self._try(name, lambda: getattr(self.run, name))

    def _asked(self, name: str) -> xr.Dataset | None:
        """Return the results of an analysis that few studies ask for: where one does not, that needs no mention."""
        return self._try(name, lambda: getattr(self.run, name)) if name in self.analyses else None

    def _try(self, name: str, opened: Any) -> xr.Dataset | None:
        try:
            found: xr.Dataset = opened()
        except UserError as error:
            self.missing[name] = str(error)
            return None
        return found
