"""The text view: what the reader asks for, and how the page comes to show it."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from bokeh.document import Document
from bokeh.models import CustomJS
from markupsafe import Markup

from .address import MAX_TRACK, Query, text_address
from .bridge import Bridge, Changes
from .brush import BrushPanel
from .holdings import NAMES, Holdings
from .pages import fill, fragment
from .search import Found, look_for
from .stretch import Stretch, read_stretch
from .text_figure import TextFigure
from .text_table import completed

RULE = ("span", "threshold", "state", "left", "right", "null")
"""What decides which neurons a span selects, and their matches."""


def text_view(holdings: Holdings, doc: Document) -> None:
    """Fill a document with the text view that its address asks for."""
    TextPage(holdings, doc, Query.of(doc))


class TextPage:
    """The text view of one tab.

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
        self._notes = query.notes
        self._bridge = Bridge(doc, self.ask)
        self._figure = TextFigure(holdings.n_token, self.address, holdings.states is not None)
        self._figure.x_range.name = "seen"
        self._brush = BrushPanel(holdings, self._bridge, self._tell)
        self._found = Found()
        self._stretch: Stretch | None = None
        self._search(moves=not query.given("at"))
        self._read()
        self._wire()
        self._brush.show(self.address)
        fill(doc, holdings, "/text", "text.html", self._figures(), self._values())

    def ask(self, changes: Changes) -> None:
        """Show another state: that of now but for some values of its query, or a step to an occurrence or a match."""
        if changes.get("drag"):
            self._figure.drag("pan" if changes["drag"][-1] == "pan" else "brush")
        values = parse_qs(self.address.query(), keep_blank_values=True) | dict(changes)
        query = Query({name: [text.encode() for text in texts] for name, texts in values.items()})
        self._notes = query.notes
        old, self.address = self.address, completed(text_address(query, self._holdings), query, self._holdings)
        if self.address.phrase != old.phrase:
            self._search(moves=True)
        self._step(changes)
        if not self._is_seen():
            self._figure.go_to(self.address.at, self.address.width)
        self._read()
        if any(getattr(old, name) != getattr(self.address, name) for name in RULE):
            self._brush.show(self.address)
        self._tell()

    def _step(self, changes: Changes) -> None:
        """Go to another occurrence of the phrase or to another match."""
        if changes.get("step") and self._found.spans:
            self._brush_at(*self._found.step(changes["step"][-1] == "next"))
        if changes.get("match"):
            time = self._brush.step(changes["match"][-1] == "next")
            if time is not None:
                self._look_at(time)

    def _search(self, moves: bool) -> None:
        self._found = look_for(self._holdings, self.address.phrase)
        if self._found.spans:
            span = self._found.from_on(self.address.span[0] if self.address.span and not moves else self.address.at)
            if moves:
                self._brush_at(*span)

    def _brush_at(self, start: int, stop: int) -> None:
        self.address = replace(self.address, span=(start, stop))
        self._look_at(start)

    def _look_at(self, time: int) -> None:
        width = self.address.width
        self.address = replace(self.address, at=max(0, min(time - width // 3, self._holdings.n_token - width)))

    def _is_seen(self) -> bool:
        seen = self._figure.x_range
        return (round(seen.start + 0.5), round(seen.end - seen.start)) == (self.address.at, self.address.width)

    def _read(self) -> None:
        """Read what is seen and as much on either side, unless it has been read."""
        a = self.address
        old = self._stretch
        near = old is not None and old.start <= a.at and min(a.stop, self._holdings.n_token) <= old.stop
        same = old is not None and (old.neurons, old.state, old.concepts) == (a.neurons, a.state, a.concepts)
        if old is None or not (near and same):
            start, stop = a.at - a.width, a.stop + a.width
            self._stretch = read_stretch(self._holdings, start, stop, a.neurons, a.state, a.concepts)
        assert self._stretch is not None
        self._figure.show(self._stretch, a)

    def _wire(self) -> None:
        self._figure.go_to(self.address.at, self.address.width)
        seen = CustomJS(args={"seen": self._figure.x_range}, code="explorer.seen(seen)")
        for end in ("start", "end"):
            self._figure.x_range.js_on_change(end, seen)
        self._figure.on_brush(lambda first, last: self.ask({"span": [f"{first}:{last + 1}"]}))
        self._brush.figure.on_pick(self._pick)

    def _pick(self, time: int) -> None:
        self._look_at(time)
        self.ask({})

    def _figures(self) -> dict[str, Any]:
        return {"text": self._figure.root, "matches": self._brush.figure.root, **self._bridge.figures}

    def _values(self) -> dict[str, Any]:
        tracks = self._holdings.concepts if self._holdings.labels is not None else []
        return {
            "address": self.address, "neurons": self._neurons(), "values": self._holdings.values(),
            "value_names": NAMES, "concepts": tracks, "max_track": MAX_TRACK,
            **{name: Markup(text) for name, text in self._parts().items()},
        }  # fmt: skip

    def _tell(self) -> None:
        a = self.address
        fields = {"at": a.at, "width": a.width, "neurons": self._neurons(), "phrase": a.phrase}
        self._bridge.tell(a.query(), self._parts(), fields)

    def _neurons(self) -> str:
        return ", ".join(f"{layer}:{neuron}" for layer, neuron in self.address.neurons)

    def _parts(self) -> dict[str, str]:
        """Return the parts of the page that change, as HTML."""
        assert self._stretch is not None
        a, found = self.address, self._found
        seen = self._stretch.part(a.at, a.stop)
        documents = self._holdings.corpus["document_name"].values
        names = [str(documents[i]) for i in dict.fromkeys(seen.document.tolist())]
        missing = [] if self._holdings.states is not None else [self._holdings.missing["states"]]
        hints = [found.hint] if found.hint else []
        return {
            "where": fragment("where.html", seen=seen, documents=names, n_token=self._holdings.n_token),
            "notice": fragment("notice.html", notes=[*missing, *self._notes, *hints]),
            "occurrences": fragment("occurrences.html", found=found, phrase=a.phrase),
            "brush": self._brush.html(a),
        }  # fmt: skip
