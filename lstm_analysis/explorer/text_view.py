"""The text view: what the reader asks for, and how the page comes to show it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from bokeh.document import Document
from bokeh.models import CustomJS, TextInput
from markupsafe import Markup

from .address import MAX_TRACK, Query, TextAddress, text_address
from .brush import BrushPanel
from .holdings import NAMES, Holdings
from .pages import fill, fragment
from .search import Found, find_phrase
from .stretch import Stretch, read_stretch
from .text_figure import TextFigure
from .text_table import completed

Changes = Mapping[str, list[str]]


def text_view(holdings: Holdings, doc: Document) -> None:
    """Fill a document with the text view that its address asks for."""
    arguments = doc.session_context.request.arguments if doc.session_context else {}
    TextPage(holdings, doc, Query(arguments))


class TextPage:
    """The text view of one tab.

    The page asks by writing what changes in its address into one text field, and is told the rest by another.

    Parameters
    ----------
    holdings
        The run.
    doc
        The tab's document.
    query
        Of its address.
    """

    def __init__(self, holdings: Holdings, doc: Document, query: Query) -> None:
        self._holdings = holdings
        self.address = completed(text_address(query, holdings), query, holdings)
        self._asked, self._told = TextInput(visible=False), TextInput(visible=False)
        self._figure = TextFigure(holdings.n_token, self.address)
        self._figure.x_range.name = "seen"
        self._brush = BrushPanel(holdings)
        self._found = Found()
        self._stretch: Stretch | None = None
        self._search()
        self._read()
        self._brush.show(self.address)
        self._wire()
        figures = {"text": self._figure.root, "asked": self._asked, "told": self._told, **self._brush.figures}
        parts = self._parts(query.notes)
        values: dict[str, Any] = {
            "address": self.address, "neurons": self._neurons(), "values": holdings.values(), "value_names": NAMES,
            "concepts": holdings.concepts if holdings.labels is not None else [], "max_track": MAX_TRACK, **parts,
        }  # fmt: skip
        fill(doc, holdings, "/text", "text.html", figures, values)

    def ask(self, changes: Changes) -> None:
        """Show another state, that of now but for some values of its query."""
        drag = changes.get("drag", [])
        if drag and drag[-1] in ("brush", "pan"):
            self._figure.drag(drag[-1])
        values = parse_qs(self.address.query()) | {name: texts for name, texts in changes.items() if name != "step"}
        query = Query({name: [text.encode() for text in texts] for name, texts in values.items()})
        old, self.address = self.address, completed(text_address(query, self._holdings), query, self._holdings)
        self._move(old, changes, query)
        self._read()
        if self.address.span != old.span or self._selects_anew(old):
            self._brush.show(self.address)
        self._tell(query.notes)

    def _selects_anew(self, old: TextAddress) -> bool:
        rule = ("threshold", "state", "left", "right")
        return any(getattr(old, name) != getattr(self.address, name) for name in rule)

    def _move(self, old: TextAddress, changes: Changes, query: Query) -> None:
        """Go to the next occurrence, to a new phrase's first one, or to where the address says."""
        if self.address.phrase != old.phrase:
            self._search()
            if self._found.times:
                self._go_to(self._found.from_on(self.address.at))
        for step in changes.get("step", []):
            times = self._found.times if step in ("next", "previous") else []
            if times:
                self._go_to(self._found.step(step == "next"))
        if (self.address.at, self.address.width) != (old.at, old.width) and not self._is_seen():
            self._figure.go_to(self.address.at, self.address.width)

    def _is_seen(self) -> bool:
        seen = self._figure.x_range
        return round(seen.start + 0.5) == self.address.at and round(seen.end - seen.start) == self.address.width

    def _go_to(self, time: int) -> None:
        width = self.address.width
        at = max(0, min(time - width // 3, self._holdings.n_token - width))
        n = len(self._found.words)
        span = (time, time + n) if self._holdings.states is not None else None
        self.address = replace(self.address, at=at, span=span)

    def _search(self) -> None:
        self._found = find_phrase(self._holdings, self.address.phrase) if self.address.phrase else Found()

    def _read(self) -> None:
        """Read what is seen and as much on either side, unless it has been read."""
        a = self.address
        old = self._stretch
        near = old is not None and old.start <= max(0, a.at) and min(a.stop, self._holdings.n_token) <= old.stop
        same = old is not None and (old.neurons, old.state, old.concepts) == (a.neurons, a.state, a.concepts)
        if old is None or not (near and same):
            start, stop = a.at - a.width, a.stop + a.width
            self._stretch = read_stretch(self._holdings, start, stop, a.neurons, a.state, a.concepts)
        assert self._stretch is not None
        self._figure.show(self._stretch, a)

    def _wire(self) -> None:
        self._asked.on_change("value", self._hear)
        self._told.js_on_change("value", CustomJS(code="explorer.hear(cb_obj.value)"))
        seen = CustomJS(args={"seen": self._figure.x_range}, code="explorer.seen(seen)")
        for end in ("start", "end"):
            self._figure.x_range.js_on_change(end, seen)
        self._figure.on_brush(lambda first, last: self.ask({"span": [f"{first}:{last + 1}"], "n": ["0"]}))
        self._brush.on_pick(lambda time: self.ask({"at": [str(max(0, time - self.address.width // 3))]}))

    def _hear(self, name: str, old: str, new: str) -> None:
        asked = json.loads(new)
        self._n = int(asked["n"])
        self.ask({str(key): [str(text) for text in texts] for key, texts in asked["changes"].items()})

    _n = 0

    def _tell(self, notes: list[str]) -> None:
        a = self.address
        fields = {"at": a.at, "width": a.width, "neurons": self._neurons(), "phrase": a.phrase}
        told = {"query": a.query(), "parts": self._parts(notes), "fields": fields, "n": self._n}
        self._told.value = json.dumps(told)

    def _neurons(self) -> str:
        return ", ".join(f"{layer}:{neuron}" for layer, neuron in self.address.neurons)

    def _parts(self, notes: list[str]) -> dict[str, Any]:
        """Return the parts of the page that change, as HTML."""
        assert self._stretch is not None
        seen = self._stretch.part(self.address.at, self.address.stop)
        documents = self._holdings.corpus["document_name"].values
        names = [str(documents[i]) for i in dict.fromkeys(seen.document.tolist())]
        missing = [] if self._holdings.states is not None else [self._holdings.missing["states"]]
        parts = {
            "where": fragment("where.html", seen=seen, documents=names, n_token=self._holdings.n_token),
            "notice": fragment("notice.html", notes=[*missing, *notes]),
            "occurrences": fragment("occurrences.html", found=self._found, phrase=self.address.phrase,
                                    span=self.address.span),
            "brush": self._brush.html(self.address),
        }  # fmt: skip
        return {name: Markup(text) for name, text in parts.items()}
