"""The page: figures and evidence put into the template, with everything it needs inside."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bokeh.core.json_encoder import serialize_json
from bokeh.embed import json_item
from bokeh.model import Model
from bokeh.resources import Resources
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from .. import __version__
from ..analyses.tuning.conclusion import MIN_ETA2, MIN_R
from ..disk import new_file
from ..explorer_links import ADDRESS, concept_link, neuron_link, span_link
from ..selectivity import MEASURES, is_present
from .analysis_sections import draw_sections, make_sections
from .cliff_figure import N_TRACE
from .evidence import gather_evidence, shown_in_full
from .graded_figure import MIN_TOKEN as FEWEST_DRAWN
from .headline import MIN_TOKEN, MIN_TYPE, Row, headline, null_meanings
from .idiom_section import FEWEST, TABLE_THRESHOLD
from .material import Material, constant_neurons, gather
from .neuron_map import neuron_map
from .numerals import chance, interval, names, number
from .overview import overview, provenance
from .palette import UNDEFINED, share_colours, style_colours
from .scale import Scale, leading_scale
from .score_distribution import score_distribution
from .small_print import small_print
from .summary_section import summary_section
from .tuning_curve import most_tuned, tuning_curve

if TYPE_CHECKING:
    from ..run import Run

_FOLDER = Path(__file__).parent


def write_report(run: "Run") -> Path:
    """Write ``report.html`` of a run in one step: a reader sees the old page or the new one, never a part.

    Parameters
    ----------
    run
        A run whose stages up to selectivity are done.

    Returns
    -------
    The file.

    Raises
    ------
    UserError
        If a result it shows is missing, or was made from other inputs.
    """
    path = run.path / "report.html"
    with new_file(path) as temporary:
        temporary.write_bytes(render(gather(run)).encode("utf-8", errors="replace"))
    return path


def render(material: Material) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    material
        The datasets of a run.
    """
    scores = material.scores
    scale = leading_scale(scores)
    groups = headline(scores, scale, material.alpha, None if material.twin is None else material.twin.scores)
    rows = shown_in_full(groups)
    tuned = most_tuned(material.tuning) if material.tuning is not None else []
    sections = make_sections(material)
    figures = draw(material, scale, rows, tuned) | draw_sections(material, sections)
    inline = Resources(mode="inline", components=["bokeh", "bokeh-widgets"], log_level="warn")
    return template().render(
        **sections,
        name=material.record["name"],
        version=__version__,
        facts=overview(material, scale),
        summary=summary_section(material),
        has_lesion=material.lesion is not None,
        scale=scale,
        groups=groups,
        score_names=set(map(str, scores.data_vars)) | set(map(str, scores.coords)),
        nulls=null_meanings(groups),
        has_twin=material.twin is not None,
        alpha=material.alpha,
        draws=material.draws,
        evidence=gather_evidence(material, rows),
        in_full={row.index for row in rows},
        measures=[name for name in MEASURES if name in scores],
        active_threshold=TABLE_THRESHOLD,
        fewest=FEWEST,
        match_rule={} if material.matches is None else material.matches.attrs,
        graded_floors=(MIN_ETA2, MIN_R),
        graded_min_token=FEWEST_DRAWN,
        folder=material.folder,
        explorer=ADDRESS,
        n_trace=N_TRACE,
        remarks=small_print(material, scale, groups),
        tuned=tuned,
        constant=constant_neurons(scores, scale.measure),
        n_neuron=int(is_present(scores).sum()),
        provenance=provenance(material),
        stored=material.states is not None,
        min_token=MIN_TOKEN,
        min_type=MIN_TYPE,
        undefined_colour=UNDEFINED,
        colours=style_colours(),
        share_colours=share_colours(),
        css=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),
        bokeh=[Markup(script) for script in inline.js_raw],
        figures={name: figure_json(model, name) for name, model in figures.items()},
    )


def draw(material: Material, scale: Scale, rows: list[Row], tuned: list[tuple[int, int]]) -> dict[str, Model]:
    """Return the figures of scores and tuning curves by name.

    Parameters
    ----------
    material
        The datasets of a run.
    scale
        The measure that the page leads with.
    rows
        Concepts to show in full.
    tuned
        Neurons (layer, neuron) to draw tuning curves of.
    """
    figures: dict[str, Model] = {"map": neuron_map(material.scores, scale)}
    for row in rows:
        figures[f"distribution-{row.index}"] = score_distribution(material.scores.isel(concept=row.index), scale)
    if material.tuning is not None:
        for layer, neuron in tuned:
            figures[f"tuning-{layer}-{neuron}"] = tuning_curve(material.tuning, layer, neuron)
    return figures


def template(file: str = "page.html") -> Template:
    """Return the template of a page; it escapes what it is given, and a name it is not given is an error."""
    loader = FileSystemLoader(_FOLDER)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "interval": interval, "chance": chance, "names": names}
    environment.filters |= {"neuron_link": neuron_link, "concept_link": concept_link}
    environment.globals["span_link"] = span_link
    environment.globals["nan"] = math.nan
    return environment.get_template(file)


def figure_json(model: Model, name: str = "figure") -> Markup:
    """Return a figure as JSON that can stand inside a ``script`` element: no text of the data can end the element.

    Parameters
    ----------
    model
        The figure.
    name
        Of its own on the page. The parts are numbered after it, so that the same figure gives the same text.
    """
    item = json.loads(serialize_json(json_item(model)))
    text = json.dumps(_renamed(item, name, {}), separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _renamed(item: Any, name: str, ids: dict[str, str]) -> Any:
    """Return a figure's JSON with its models' ids, which count on through a program, in the order they come in it."""
    if isinstance(item, list):
        return [_renamed(part, name, ids) for part in item]
    if not isinstance(item, dict):
        return item
    return {
        key: ids.setdefault(value, f"{name}.{len(ids)}")
        if key in ("id", "root_id") and isinstance(value, str)
        else _renamed(value, name, ids)
        for key, value in item.items()
    }
