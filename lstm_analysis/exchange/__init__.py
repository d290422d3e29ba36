"""Runs exchanged with other programs: LSTMVis projects in and out, NeuroX activations, Parquet and CSV out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..disk import check_folder
from ..errors import UsageError, nearest, one_of
from ..neuron_listing import refuse_existing
from ..run import Run, open_run
from .frame_export import Kind, export_scores, export_states
from .lstmvis_export import export_lstmvis
from .lstmvis_import import import_lstmvis
from .lstmvis_project import CONFIG
from .neurox_export import export_neurox
from .selection import Dtype, select

__all__ = ["EXPORTS", "IMPORTS", "TABLES", "export_run", "import_lstmvis"]

TABLES = ("neurons", "states")


@dataclass(frozen=True)
class Request:
    """What is to be exported.

    Parameters
    ----------
    run
        The run.
    part
        Options of `select`.
    concepts
        Concepts whose labels are written.
    table
        Which table, of formats that hold one.
    """

    run: Run
    part: Mapping[str, Any]
    concepts: Sequence[str]
    table: str | None


def _lstmvis(request: Request, out: Path) -> str:
    return export_lstmvis(select(request.run, **request.part), out, request.concepts)


def _neurox(request: Request, out: Path) -> str:
    hidden = request.part["states"] is None and "hidden_state" in request.run.activations
    part = {**request.part, "states": ["hidden"]} if hidden else request.part
    return export_neurox(select(request.run, **part), out)


def _frame(request: Request, out: Path, kind: Kind) -> str:
    if request.table == "states":
        return export_states(select(request.run, **request.part), out, kind)
    return export_scores(request.run, out, kind)


FOLDERS = ("lstmvis",)
"""Formats that are a folder, not a file."""
FRAMES = ("parquet", "csv")
"""Formats that hold one of `TABLES`."""
EXPORTS: Mapping[str, Callable[[Request, Path], str]] = {
    "lstmvis": _lstmvis,
    "neurox": _neurox,
    "parquet": partial(_frame, kind="parquet"),
    "csv": partial(_frame, kind="csv"),
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
    part: dict[str, Any] = {"span": span, "layers": layers, "states": states, "dtype": dtype}
    request = Request(opened, part, concepts, table)
    _check_options(format, request)
    _refuse(out, format in FOLDERS, force)
    out.parent.mkdir(parents=True, exist_ok=True)
    return EXPORTS[format](request, out)


def _check_options(format: str, request: Request) -> None:
    given, table = [name for name, value in request.part.items() if value is not None], request.table
    if request.concepts and format != "lstmvis":
        raise UsageError(f"Concepts are tracks of an LSTMVis project; {format} has none. Leave --concept away.")
    if table is not None and format not in FRAMES:
        raise UsageError(f"--table is for parquet and csv; {format} always holds states. Leave it away.")
    if table not in (None, *TABLES):
        raise UsageError(f"--table is {table!r}; {one_of(str(table), TABLES)}")
    if format in FRAMES and table != "states" and given:
        name = {"states": "state"}.get(given[0], given[0])
        raise UsageError(f"--{name} chooses states, and the table is that of neurons. Give --table states.")


def _refuse(out: Path, folder: bool, force: bool) -> None:
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
    elif not folder:
        refuse_existing(out, force)
