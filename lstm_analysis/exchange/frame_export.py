"""Tables as Parquet or CSV: the scores of neurons, or tokens with their states, a block of rows at a time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..disk import new_file
from ..errors import UsageError
from ..run import Run
from .selection import Selection

Kind = Literal["parquet", "csv"]
COLUMNS = ("document", "sentence", "sentence_position")


def export_scores(run: Run, out: Path, kind: Kind) -> str:
    """Write the ranked table of a run: concept, layer, neuron, measures, counts.

    Parameters
    ----------
    run
        The run.
    out, kind
        The file and its format.

    Returns
    -------
    One line that says what was written.

    Raises
    ------
    UsageError
        If the run has no scores.
    """
    table = run.path / "neurons.parquet"
    if not table.is_file():
        raise UsageError(
            f"{run.path} has no scores (neurons.parquet); only a study measures them. --table states writes its states."
        )
    source, n_row = pq.ParquetFile(table), 0
    with RowWriter(out, kind) as writer:
        for batch in source.iter_batches():
            writer.write(batch.to_pandas())
            n_row += batch.num_rows
    return f"{out}: {n_row:,} rows"


def export_states(selection: Selection, out: Path, kind: Kind) -> str:
    """Write a row for each token: its word, document, sentence, annotations, and a column for each neuron and state.

    Columns of states are called like ``hidden_state 1:37``. Memory is bounded by a block of rows.

    Parameters
    ----------
    selection
        Tokens, layers and states.
    out, kind
        The file and its format.

    Returns
    -------
    One line that says what was written.
    """
    with RowWriter(out, kind) as writer:
        for frame in _frames(selection):
            writer.write(frame)
    return f"{out}: {selection.n_time:,} tokens"


def _frames(selection: Selection) -> Iterator[pd.DataFrame]:
    corpus, words = selection.corpus, np.array(selection.words(), dtype=object)
    tables = {name: corpus[name].values for name in selection.coded_columns()}
    sizes = {state: selection.layer_sizes(state) for state in selection.states}
    for start, stop in selection.blocks("export"):
        columns: dict[str, Any] = {"time": np.arange(start, stop)}
        columns["word"] = words[selection.column(selection.word_codes(), start, stop)]
        columns |= {name: selection.column(name, start, stop) for name in COLUMNS}
        columns |= {name: table[selection.column(f"{name}_id", start, stop)] for name, table in tables.items()}
        columns |= {name: selection.column(name, start, stop) for name in selection.number_columns()}
        if "surprisal" in selection.stored:
            columns["surprisal"] = selection.stored["surprisal"].isel(time=slice(start, stop)).values
        for state in selection.states:
            values = selection.values(state, start, stop)
            for place, (layer, size) in enumerate(sizes[state].items()):
                columns |= {f"{state} {layer}:{neuron}": values[:, place, neuron] for neuron in range(size)}
        yield pd.DataFrame(columns)


class RowWriter(AbstractContextManager["RowWriter"]):
    """Writes a table block by block; the file is there as a whole or not at all.

    Parameters
    ----------
    path, kind
        The file and its format; in Parquet a block is a row group, and only texts are dictionary-coded, for states
        would grow by it.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        self._kind, self._new = kind, new_file(path)
        self._n_block = 0

    def __enter__(self) -> "RowWriter":
        self._temporary = self._new.__enter__()
        self._writer: Any = None
        return self

    def write(self, frame: pd.DataFrame) -> None:
        """Add rows."""
        if self._kind == "csv":
            frame.to_csv(self._temporary, mode="a", header=not self._n_block, index=False)
        else:
            table = pa.Table.from_pandas(frame, preserve_index=False)
            if self._writer is None:
                texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
                self._writer = pq.ParquetWriter(self._temporary, table.schema, use_dictionary=texts)
            self._writer.write_table(table.cast(self._writer.schema))
        self._n_block += 1

    def __exit__(self, *error: Any) -> None:
        if self._writer is not None:
            self._writer.close()
        self._new.__exit__(*error)
