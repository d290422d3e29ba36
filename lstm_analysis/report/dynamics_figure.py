"""Figures of a training: the scores of a concept's strongest neurons by epoch, and the perplexity."""

import math
from collections.abc import Sequence

from bokeh.models import BoxAnnotation, ColumnDataSource, FixedTicker, HoverTool, Legend, LegendItem, Span
from bokeh.plotting import figure

from .canvas import INK, LINE, MARGIN, QUIET, canvas
from .dynamics_section import UNTRAINED, ConceptCourse, DynamicsSection
from .graded_figure import COLOURS

MARKERS = ("circle", "square", "triangle")
HEIGHT, MOST_LABELS, GAP = 235, 10, 0.6
WIDE = 2.5
"""Powers of ten from which on an axis labels nothing between them."""
PADDING = 0.06
"""Of the range of scores, left free above and below it."""


def places(section: DynamicsSection) -> list[float]:
    """Return where the epochs stand on the axis: side by side, the untrained network apart from the others."""
    gap = GAP if section.epochs[0] == 0 else 0.0
    return [i + gap * (i > 0) for i in range(len(section.epochs))]


def dynamics_figure(section: DynamicsSection, concept: ConceptCourse) -> figure:
    """Return the scores of the neurons that are strongest at the end; hollow where a neuron is not selective.

    Dashed lines: the best of the untrained network; the band: what another untrained network is likely to stay in.

    Parameters
    ----------
    section
        What the section shows; all its concepts have the same range of scores.
    concept
        One of them.
    """
    low, high = _range(section)
    plot = canvas(title=concept.name[:60], height=HEIGHT, y_range=(low, high), y_axis_label=section.measure)
    _draw_untrained(plot, section, concept)
    items, drawn = [], []
    for neuron, colour, marker in zip(concept.neurons, COLOURS, MARKERS, strict=False):
        source = ColumnDataSource(
            {
                "x": places(section), "y": list(neuron.scores), "epoch": list(section.labels),
                "neuron": [neuron.name] * len(section.epochs),
                "fill": [colour if selective else "#ffffff" for selective in neuron.selective],
                "selective": ["yes" if selective else "no" for selective in neuron.selective],
            }
        )  # fmt: skip
        line = plot.line(x="x", y="y", color=colour, width=2, source=source)
        dots = plot.scatter(
            x="x", y="y", marker=marker, size=8, line_color=colour, line_width=1.5, fill_color="fill", source=source
        )
        drawn.append(dots)
        items.append(LegendItem(label=neuron.name, renderers=[line, dots]))
    tips = [("neuron", "@neuron"), ("epoch", "@epoch"), (section.measure, "@y{0.000}"), ("selective", "@selective")]
    plot.add_tools(HoverTool(renderers=drawn, tooltips=tips))
    plot.add_layout(
        Legend(
            items=items, orientation="horizontal", border_line_color=None, label_text_font_size="11px",
            label_text_color=QUIET, margin=0, padding=0,
        ),
        "above",
    )  # fmt: skip
    return _with_epochs(plot, section)


def perplexity_figure(section: DynamicsSection) -> figure:
    """Return the validation perplexity by epoch, on a scale of logarithms."""
    plot = canvas(
        title="validation perplexity", height=HEIGHT, y_axis_type="log", y_axis_label="perplexity (log scale)"
    )
    source = ColumnDataSource({"x": places(section), "y": list(section.perplexity), "epoch": list(section.labels)})
    plot.line(x="x", y="y", color=INK, width=2, source=source)
    dots = plot.scatter(x="x", y="y", color=INK, size=7, source=source)
    plot.add_tools(HoverTool(renderers=[dots], tooltips=[("epoch", "@epoch"), ("perplexity", "@y{0.0}")]))
    plot.yaxis.ticker = FixedTicker(ticks=round_values(section.perplexity))
    return _with_epochs(plot, section)


def round_values(values: Sequence[float]) -> list[float]:
    """Return round numbers in the range of some values: of each power of ten its single, and in a short range 2 and 5.

    >>> round_values([70.0, float("nan"), 600.0]), round_values([1.0, 1e4])
    ([100.0, 200.0, 500.0], [1.0, 10.0, 100.0, 1000.0, 10000.0])
    """
    low, high = (math.log10(end(value for value in values if math.isfinite(value))) for end in (min, max))
    factors = (1, 2, 5) if high - low < WIDE else (1,)
    powers = range(math.floor(low), math.ceil(high) + 1)
    return [f * 10.0**k for k in powers for f in factors if low - 1e-9 <= math.log10(f) + k <= high + 1e-9]


def _range(section: DynamicsSection) -> tuple[float, float]:
    scores = [score for concept in section.concepts for neuron in concept.neurons for score in neuron.scores]
    floors = [concept.untrained_floor for concept in section.concepts]
    distances = [abs(score - section.neutral) for score in scores] + floors
    reach = max((value for value in distances if math.isfinite(value)), default=1.0) * (1 + PADDING)
    low = section.neutral - reach if section.two_signed else section.neutral - PADDING * reach
    return low, section.neutral + reach


def _draw_untrained(plot: figure, section: DynamicsSection, concept: ConceptCourse) -> None:
    signs = (1, -1) if section.two_signed else (1,)
    plot.add_layout(Span(location=section.neutral, dimension="width", line_color=LINE, line_width=1))
    if not math.isfinite(concept.untrained_floor):
        return
    bottom = section.neutral - concept.untrained_floor if section.two_signed else section.neutral
    plot.add_layout(
        BoxAnnotation(bottom=bottom, top=section.neutral + concept.untrained_floor, fill_color=QUIET, fill_alpha=0.09)
    )
    for sign in signs:
        at = section.neutral + sign * concept.untrained_best
        plot.add_layout(Span(location=at, dimension="width", line_color=QUIET, line_dash=[5, 4], line_width=1.5))


def _with_epochs(plot: figure, section: DynamicsSection) -> figure:
    """Label the epochs, of many some, and set the untrained network apart."""
    at, step = places(section), math.ceil(len(section.epochs) / MOST_LABELS)
    named = [i for i in range(len(at)) if i == 0 or (len(at) - 1 - i) % step == 0]
    plot.xaxis.ticker = FixedTicker(ticks=[at[i] for i in named])
    plot.xaxis.major_label_overrides = {at[i]: section.labels[i] for i in named}
    plot.xaxis.axis_label = "epoch (not to scale)"
    plot.xgrid.grid_line_color = None
    plot.x_range.start, plot.x_range.end = at[0] - 0.6, at[-1] + 0.4
    if section.labels[0] == UNTRAINED:
        plot.add_layout(Span(location=(at[0] + at[1]) / 2, dimension="height", line_color=LINE, line_dash=[2, 3]))
    plot.min_border_left = MARGIN
    return plot
