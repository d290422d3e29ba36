"""Analysis tuning: how neurons follow the graded variables that a study names."""

import numpy as np
import xarray as xr

from .. import reductions, schema, tasks
from ..analyses.tuning import conclude_tuning, graded_shares, grades_of_rows
from ..errors import UserError, one_of
from ..inference.model import LanguageModel
from ..store import open_dataset
from .columns import assemble, by_neurons
from .work import Work, make_job

_TABLES = (
    "graded_type_n_token", "graded_table_value_sum", "type_n_token", "type_value_sum", "table_square_sum_high",
    "table_square_sum_low", "value_min",
)  # fmt: skip


def tuning(state: Work, model: LanguageModel) -> xr.Dataset:
    """Return how neurons follow graded variables; without stored states or tests the curves and their shares only."""
    summary = open_dataset(state.run / "summary.zarr")
    shares = graded_shares(reductions.graded_tuning(summary), summary[list(_TABLES)].load())
    shares = shares.drop_vars([name for name in shares.coords if name not in shares.dims])
    config = state.study.selectivity
    if not (state.stored and config.draws):
        return shares
    job, grade = make_job(state, model), grades_of_rows(shares["n_token"].values)
    found = by_neurons(
        state, model, "tuning", tasks.tuning_block,
        lambda *_: (job, grade, config.draws, config.alpha, state.study.seed), "analyses",
    )  # fmt: skip
    measured = assemble(found, shares, {"z_maximum": np.maximum, "z_count": np.add})
    return conclude_tuning(measured, shares, config.alpha)


def check_graded(corpus: xr.Dataset, names: tuple[str, ...]) -> None:
    """Refuse graded variables that a corpus does not have.

    Raises
    ------
    UserError
        Naming the columns of numbers that it has.
    """
    own = {"sentence_position", "sentence_length"}
    own |= {"word_position", "word_length"} if "word" in corpus else set()
    known = [*numbers_of(corpus), *(name for name in schema.DERIVED if name in own)]
    for name in names:
        if name not in known:
            raise UserError(
                f"graded names {name!r}, which is no number that this corpus has of its tokens; {one_of(name, known)}"
            )


def numbers_of(corpus: xr.Dataset) -> list[str]:
    """Return the columns of numbers of a corpus: what runs along ``time`` and is no code of a table."""
    columns = [str(name) for name, column in corpus.data_vars.items() if column.dims == ("time",)]
    coded = {f"{name}_id" for name in corpus.coords}
    return [name for name in columns if name not in coded and (name not in schema.VARIABLES or name in schema.NUMBERS)]
