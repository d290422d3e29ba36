"""The page of a comparison: figures and tables put into its template, with everything it needs inside."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bokeh.model import Model
from bokeh.resources import Resources
from markupsafe import Markup

from ... import __version__
from ...disk import write_whole
from ..page import figure_json, template
from ..palette import style_colours
from .called import called_categories, idiom_counts
from .compared import Compared, gather_runs
from .differences import small_print, warnings
from .graded import graded_groups
from .graded_figures import graded_figures
from .position_columns import N_NEURON, THRESHOLDS, position_columns, ranking_measure
from .position_figures import SAID, position_figures, share_figure
from .run_table import run_table
from .shared_concepts import shared_concepts

if TYPE_CHECKING:
    from ...run import Run

_FOLDER = Path(__file__).parent


def write_comparison(runs: "Sequence[Run]", path: Path) -> Path:
    """Write one page that puts runs side by side, in one step; a file that is there is replaced.

    Parameters
    ----------
    runs
        Two to six runs whose stages up to selectivity are done.
    path
        The file; its folder is made.

    Returns
    -------
    The file.

    Raises
    ------
    UsageError
        If the runs cannot stand side by side.
    UserError
        If a result that the page shows is missing, or was made from other inputs.
    """
    page = render(gather_runs(runs))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page.encode("utf-8", errors="replace"))
    return path


def render(runs: Sequence[Compared]) -> str:
    """Return the page as HTML; the same runs give the same bytes.

    Parameters
    ----------
    runs
        The runs of the page.
    """
    measure = ranking_measure(runs)
    position = position_columns(runs)
    inline = Resources(mode="inline", components=["bokeh"], log_level="warn")
    css = "\n".join(file.read_text(encoding="utf-8") for file in (_FOLDER.parent / "style.css", _FOLDER / "runs.css"))
    figures: dict[str, Model] = {f"position-{at}": model for at, model in position_figures(position, measure).items()}
    graded = graded_groups(runs)
    figures |= graded_figures(graded)
    if any(column.neurons for column in position):
        figures["shares"] = share_figure(position, measure)
    return template("comparison/page.html").render(
        version=__version__,
        runs=runs,
        lines=run_table(runs),
        warnings=warnings(runs),
        position=position,
        measure=measure,
        said=SAID,
        n_neuron=N_NEURON,
        thresholds=THRESHOLDS,
        graded=graded,
        concepts=shared_concepts(runs),
        categories=called_categories(runs),
        idioms=[idiom_counts(run) for run in runs],
        remarks=small_print(runs, measure),
        colours=style_colours(),
        css=Markup(css),
        bokeh=[Markup(script) for script in inline.js_raw],
        figures={name: figure_json(model, name) for name, model in figures.items()},
    )
