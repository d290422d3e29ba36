"""Runs exchanged with other programs: LSTMVis projects in and out, NeuroX activations, Parquet and CSV out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..disk import check_folder
from ..errors import UsageError, nearest
from ..run import Run, open_run
from .frame_export import export_scores, export_states
from .lstmvis_export import export_lstmvis
from .lstmvis_import import import_lstmvis
from .lstmvis_project import CONFIG
from .neurox_export import export_neurox
from .selection import Dtype, select

__all__ = ["EXPORTS", "IMPORTS", "TABLES", "export_run", "import_lstmvis"]

TABLES = ("neurons", "states")


@dataclass(frozen=True)
class Format:
    """A format that runs are written in.

    Parameters
    ----------
    write
        Writes a part of a run and returns a line that says what.
    folder
        Whether the result is a folder.
    """

    write: Callable[..., str]
    folder: bool = False


EXPORTS: Mapping[str, Format] = {
    "lstmvis": Format(export_lstmvis, folder=True),
    "neurox": Format(export_neurox),
    "parquet": Format(export_states),
    "csv": Format(export_states),
}
IMPORTS: Mapping[str, Callable[..., Run]] = {"lstmvis": import_lstmvis}


def export_run(
    run: str | Path | Run,
    out: str | Path,
    format: str,
    *,
    span: tuple[int, int] | None = None,
    layers: Sequence[int] | None = None,
    states: Sequence[str] | None = None,
    dtype: Dtype | None = None,
    concepts: Sequence[str] = (),
    table: str | None = None,
    force: bool = False,
) -> str:
    """Write a run, or a part of it, for another program.

    Parameters
    ----------
    run
        A run, or its folder.
    out
        The file that is written; for ``lstmvis`` a folder.
    format
        A name in `EXPORTS`.
    span
        Tokens, half-open positions on ``time``; all by default.
    layers
        Layers, counted from 0; all by default.
    states
        ``hidden``, ``cell`` and the like; all that are stored by default, for ``neurox`` h.
    dtype
        ``float32`` or ``float16``; by default as they are stored.
    concepts
        For ``lstmvis``: concepts whose labels become tracks.
    table
        For ``parquet`` and ``csv``: ``neurons`` (default), the scores, or ``states``, a row a token.
    force
        Replace what is there.

    Returns
    -------
    One line that says what was written.

    Raises
    ------
    UserError
        If the run has no such part, or ``out`` is there and ``force`` is not given.
    """
    if format not in EXPORTS:
        raise UsageError(f"Unknown format {format!r}; {nearest(format, EXPORTS)}")
    out, opened = Path(out), run if isinstance(run, Run) else open_run(run)
    chosen: dict[str, Any] = {"span": span, "layers": layers, "states": states, "dtype": dtype}
    _check_options(format, chosen, concepts, table)
    refuse_existing(out, EXPORTS[format].folder, force)
    out.parent.mkdir(parents=True, exist_ok=True)
    if format in ("parquet", "csv"):
        if table != "states":
            return export_scores(opened, out, "csv" if format == "csv" else "parquet")
        return export_states(select(opened, **chosen), out, "csv" if format == "csv" else "parquet")
    if format == "neurox" and states is None and "hidden_state" in opened.stored_states:
        chosen["states"] = ["hidden"]
    options = {"concepts": concepts} if format == "lstmvis" else {}
    return EXPORTS[format].write(select(opened, **chosen), out, **options)


def _check_options(format: str, chosen: Mapping[str, Any], concepts: Sequence[str], table: str | None) -> None:
    given = [name for name, value in chosen.items() if value is not None]
    if concepts and format != "lstmvis":
        raise UsageError(f"Concepts are tracks of an LSTMVis project; {format} has none. Leave --concept away.")
    if table is not None and format not in ("parquet", "csv"):
        raise UsageError(f"--table is for parquet and csv; {format} always holds states. Leave it away.")
    if table not in (None, *TABLES):
        raise UsageError(f"--table is {table!r}; {nearest(str(table), TABLES)}")
    if format in ("parquet", "csv") and table != "states" and given:
        raise UsageError(f"--{given[0]} chooses states, and the table is that of neurons. Give --table states.")


def refuse_existing(out: Path, folder: bool, force: bool) -> None:
    """Refuse to replace what nobody allowed to be replaced, or what is none of this program's.

    Raises
    ------
    UsageError
        If there is something else than a file, or than a project where a folder is written, or ``force`` is missing.
    """
    check_folder(out.parent)
    if folder and (out.exists() or out.is_symlink()):
        empty = out.is_dir() and not any(out.iterdir())
        if not empty and not (out.is_dir() and (out / CONFIG).is_file()):
            raise UsageError(f"{out} is there and no LSTMVis project, so it is not replaced. Give another name.")
        if not empty and not force:
            raise UsageError(f"{out} is a project already. Give --force to replace it, or another name.")
    elif out.is_dir():
        raise UsageError(f"{out} is a folder; give the name of a file in it.")
    elif out.exists() and not force:
        raise UsageError(f"{out} is there already. Give --force to replace it, or another name.")
