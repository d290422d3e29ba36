"""The study key ``store``: how states are kept, and where."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import UsageError
from .locations import Location, is_url
from .ranges import known_choices


@dataclass(frozen=True)
class StoreConfig:
    """How states are kept.

    Parameters
    ----------
    activations
        ``float32``, ``float16`` or ``none`` (reduced right after inference).
    url
        Where the states of runs are kept, such as ``s3://bucket/prefix``; by default in the run's folder. Those of a
        run are then ``<url>/<name of the run's folder>/activations.zarr``, those of its twin
        ``<url>/<name of the run's folder>/twin/activations.zarr`` and so on; all else stays in the folder.
    """

    activations: Literal["float32", "float16", "none"] = "float32"
    url: str | None = None

    def __post_init__(self) -> None:
        known_choices(self, "store")
        if self.url is not None and not is_url(self.url):
            raise UsageError(
                f"store.url is {self.url!r}, which is no URL. Give one such as s3://bucket/prefix, or remove the key: "
                "on this machine states are kept in the run's folder (--output)."
            )

    def states(self, run: Path, inside: str = "") -> Location:
        """Return where the states of a run lie; ``inside`` is its place in the run whose companion it is."""
        if self.url is None:
            return run / "activations.zarr"
        names = run.absolute().parts[-1 - len(Path(inside).parts) :]
        return "/".join([self.url.rstrip("/"), *names, "activations.zarr"])
