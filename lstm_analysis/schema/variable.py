"""What is said of a stored variable."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """A stored variable: its dims in order, its type on disk, its unit and one sentence of meaning.

    ``limits`` are the smallest and largest possible value, ``None`` where there is no limit.
    """

    dims: tuple[str, ...]
    dtype: str
    units: str
    meaning: str
    limits: tuple[float | None, float | None] = (None, None)

    @property
    def attrs(self) -> dict[str, str]:
        """The attributes the variable carries in a dataset."""
        return {"units": self.units, "long_name": self.meaning}
