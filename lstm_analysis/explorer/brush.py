"""The lower part of the text view: the brushed span, the neurons it selects, and their matches."""

from collections.abc import Callable

from ..errors import UserError
from .address import TextAddress
from .beside import attempt
from .bridge import Bridge
from .holdings import Holdings
from .match_figure import MatchFigure
from .matching import Alignment, Selection, align, find, select
from .pages import fragment


class BrushPanel:
    """Shows what a span selects at once, and its matches when they are found.

    Parameters
    ----------
    holdings
        The run.
    bridge
        Of the tab.
    changed
        Called when matches have been found.
    """

    def __init__(self, holdings: Holdings, bridge: Bridge, changed: Callable[[], None]) -> None:
        self._holdings, self._bridge, self._changed = holdings, bridge, changed
        self._selection: Selection | UserError | None = None
        self._matches: Alignment | UserError | None = None
        self._number = 0
        self.figure = MatchFigure()
        self._at = -1

    def show(self, address: TextAddress) -> None:
        """Show another span, or other neurons of it; ``None`` is a span, too."""
        self._number += 1
        self._selection = self._matches = None
        self._at = -1
        self.figure.hide()
        if address.span is None or self._holdings.states is None:
            return
        self._selection = attempt(lambda: select(self._holdings, address))
        if isinstance(self._selection, Selection):
            number = self._number

            def work() -> Alignment | None:
                wanted = number == self._number  # the reader may have brushed something else meanwhile
                return align(self._holdings, address, find(self._holdings, address)) if wanted else None

            self._bridge.later(work, lambda found: self._found(number, found))

    def step(self, on: bool) -> int | None:
        """Go to the next match or to the one before, round and round; return its first token."""
        if not isinstance(self._matches, Alignment):
            return None
        starts = self._matches.found["start"].values.tolist()
        self._at = (self._at + (1 if on else -1)) % len(starts)
        return int(starts[self._at])

    def html(self, address: TextAddress) -> str:
        """Return the panel's text."""
        error = next((str(one) for one in (self._selection, self._matches) if isinstance(one, UserError)), "")
        matches = self._matches if isinstance(self._matches, Alignment) else None
        return fragment(
            "brush.html", a=address, error=error, stored=self._holdings.states is not None,
            selection=self._selection if isinstance(self._selection, Selection) else None,
            matches=matches, at=self._at, waiting=matches is None and not error and address.span is not None,
        )  # fmt: skip

    def _found(self, number: int, found: Alignment | UserError | None) -> None:
        if number != self._number or found is None:
            return
        self._matches = found
        if isinstance(found, Alignment):
            self.figure.show(found)
        self._changed()
