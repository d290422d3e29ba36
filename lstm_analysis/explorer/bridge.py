"""What a page asks of the server, and is told by it."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from bokeh.document import Document
from bokeh.models import CustomJS, TextInput

from ..errors import UserError
from .beside import work_beside

Changes = Mapping[str, list[str]]
T = TypeVar("T")


class Bridge:
    """Two text fields that nobody sees: the page writes into one what changes in its address, the server answers.

    Parameters
    ----------
    doc
        The tab's document.
    hear
        Called with what the page asks: names of the query with their values.

    Attributes
    ----------
    figures
        The fields, to stand in the page.
    """

    def __init__(self, doc: Document, hear: Callable[[Changes], None]) -> None:
        self._doc, self._call = doc, hear
        self._number = 0
        self._parts: dict[str, str] = {}
        asked, self._told = TextInput(visible=False), TextInput(visible=False)
        asked.on_change("value", self._hear)
        self._told.js_on_change("value", CustomJS(code="explorer.hear(cb_obj.value)"))
        self.figures = {"asked": asked, "told": self._told}

    def tell(self, query: str, parts: Mapping[str, str], fields: Mapping[str, object] | None = None) -> None:
        """Tell the page its address, parts of it as HTML by their id, and the values of fields by their name.

        Parts told before are told again: a page that was still on its way has missed them.
        """
        self._parts.update(parts)
        told = {"query": query, "parts": self._parts, "fields": fields or {}, "n": self._number}
        self._told.value = json.dumps(told)

    def later(self, work: Callable[[], T], then: Callable[[T | UserError], None]) -> None:
        """Do some work in a thread, two at a time, and call a function with its result or the user's mistake."""

        def finished(result: T | UserError) -> None:
            with suppress(RuntimeError):  # the tab has been closed, or the server ends
                self._doc.add_next_tick_callback(partial(then, result))

        work_beside(work, finished)

    def _hear(self, name: str, old: str, new: str) -> None:
        asked: dict[str, Any] = json.loads(new)
        self._number = int(asked["n"])
        self._call({str(key): [str(text) for text in texts] for key, texts in asked["changes"].items()})
