"""The vocabulary of the package: every dim and every stored variable, named once."""

from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .categories import CATEGORIES
from .corpus import CORPUS, LABELS, MISSING, NUMBERS
from .idioms import IDIOMS as IDIOM_VARIABLES
from .lesion import LESION
from .matches import MATCHES, PHRASE_MATCHES
from .neuron_matching import NEURON_MATCHING
from .pca import PCA as PCA_VARIABLES
from .pca import PROBES as PROBE_VARIABLES
from .periodicity import PERIODICITY
from .scores import SCORES
from .sentence_position import SENTENCE_POSITION
from .states import CELL_STATES, STATES, STORED_STATE
from .summaries import SUMMARIES
from .training_dynamics import TRAINING_DYNAMICS
from .tuning import DERIVED, GRADED_TUNING, N_VALUE_ROW, VALUE_EDGES
from .variable import Variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

__all__ = [
    "CELL_STATES", "CONTEXT_OFFSETS", "DERIVED", "DIMS", "EXTREMES", "GRADED_TUNING", "GROUPS", "IDIOM_VARIABLES",
    "LAST_POSITION", "LESION", "MATCHES", "MISSING", "NEURON_MATCHING", "NUMBERS", "N_VALUE_ROW", "PCA_VARIABLES",
    "PERIODICITY", "PHRASE_MATCHES", "PROBE_VARIABLES", "RESOLUTION", "STORED_STATE", "TRAINING_DYNAMICS",
    "VALUE_EDGES", "VARIABLES", "Variable", "attach_attrs", "require_dims",
]  # fmt: skip

DIMS = (
    "draw", "concept", "group", "contrast", "readout", "idiom", "threshold", "table_type", "document_group",
    "sentence_position", "sentence_length_bin", "variable", "variable_value", "boundary", "frequency", "extreme",
    "rank", "time", "layer", "neuron", "layer_other", "neuron_other", "offset", "edge", "bin",
)  # fmt: skip
GROUPS = ("baseline", "target")
EXTREMES = ("lowest", "highest")
LAST_POSITION = 60
"""Summaries and tuning curves have a row for each ``sentence_position`` 0..60; row 60 holds all later ones too."""
CONTEXT_OFFSETS = range(-12, 9)
"""Tokens around an extreme one whose values are kept."""
RESOLUTION = 1e-5
"""A neuron whose values span less is constant: scores would be those of its round-off, so they are NaN."""

VARIABLES: dict[str, Variable] = {
    **CORPUS, **NUMBERS, **LABELS, **STATES, **SUMMARIES, **SCORES, **CATEGORIES, **SENTENCE_POSITION
}  # fmt: skip


def attach_attrs(dataset: "xr.Dataset", variables: "Mapping[str, Variable] | None" = None) -> "xr.Dataset":
    """Return the dataset with the units and meaning of each of its variables that a table of variables has.

    Parameters
    ----------
    dataset
        Any.
    variables
        The table, by default `VARIABLES`.
    """
    dataset, table = dataset.copy(), VARIABLES if variables is None else variables
    for name in map(str, dataset.variables):
        if name in table:
            dataset[name].attrs.update(table[name].attrs)
    return dataset


def require_dims(array: Any, name: str) -> Any:
    """Return the array if it has the dims that ``name`` has in the vocabulary.

    Raises
    ------
    UserError
        Naming the dims needed, those found, and the transpose that mends it.
    """
    expected = VARIABLES[name].dims
    if array.dims != expected:
        mend = f"use {name}.transpose{expected}" if set(array.dims) == set(expected) else "rename or add dims"
        raise UserError(f"{name} needs dims {expected}, got {array.dims}; {mend}.")
    return array
