"""The HTML of the views: templates that escape what they are given, and the figures put into them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bokeh.document import Document
from bokeh.model import Model
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ..report.numerals import chance, interval, names, number
from ..report.palette import share_colours, style_colours
from .holdings import Holdings

FOLDER = Path(__file__).parent / "html"
VIEWS = {"/": "Overview", "/text": "Text", "/neuron": "Neurons", "/concept": "Concepts"}
"""Address and name of each view."""


@cache
def environment() -> Environment:
    """Return what renders templates: it escapes what it is given, and a name it is not given is an error."""
    found = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    found.filters |= {"number": number, "interval": interval, "chance": chance, "names": names, "count": count}
    found.globals |= {
        "css": Markup((FOLDER / "explorer.css").read_text(encoding="utf-8")),
        "script": Markup((FOLDER / "explorer.js").read_text(encoding="utf-8")),
        "colours": style_colours(),
        "share_colours": share_colours(),
        "views": VIEWS,
    }
    return found


def template(file: str) -> Template:
    """Return a template by the name of its file."""
    return environment().get_template(file)


def fragment(file: str, **values: Any) -> str:
    """Return a part of a page as HTML."""
    return template(file).render(**values)


def count(n: int, noun: str) -> str:
    """Return a count with its noun.

    >>> count(1, "neuron"), count(1200, "token"), count(3, "match")
    ('1 neuron', '1,200 tokens', '3 matches')
    """
    plural = noun + ("es" if noun.endswith("ch") else "s")
    return f"{n:,} {noun if n == 1 else plural}"


def fill(
    doc: Document, holdings: Holdings, view: str, file: str, figures: Mapping[str, Model], values: Mapping[str, Any]
) -> None:
    """Fill a document that a browser has asked for.

    Parameters
    ----------
    doc
        The document.
    holdings
        The run.
    view
        Address of the view.
    file
        Its template, in which ``figure("name")`` is where a figure stands.
    figures
        By name.
    values
        What the template is given besides.
    """
    with doc.models.freeze():  # else all models are gone through again for each
        for name, figure in figures.items():
            figure.name = name
            doc.add_root(figure)
    doc.title = f"{VIEWS[view]} · {holdings.name}"
    doc.template = template(file)
    doc.template_variables.update(
        {"run": holdings.name, "view": view, "headline": headline(holdings), "notes": holdings.notes(),
         "figure_names": set(figures), **values}
    )  # fmt: skip


def headline(holdings: Holdings) -> str:
    """Return what stands at the head of each page: tokens, documents, neurons."""
    parts = [count(holdings.n_token, "token"), count(holdings.corpus.sizes["document_name"], "document")]
    sizes = holdings.layer_sizes
    if sizes:
        same = len(set(sizes)) == 1
        parts.append((f"{len(sizes)} × {sizes[0]:,}" if same else " + ".join(f"{n:,}" for n in sizes)) + " neurons")
    return " · ".join(parts)
