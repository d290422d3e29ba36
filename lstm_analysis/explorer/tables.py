"""Tables as CSV files: each has the query of the view that it belongs to."""

import asyncio
from collections.abc import Callable
from functools import partial

import pandas as pd
from tornado.web import HTTPError, RequestHandler, authenticated

from ..errors import UserError
from .address import Query
from .beside import work_beside
from .card_parts import OF_CONCEPT, OF_NEURON
from .concept_view import concept_part_table, concept_table, matrix_table, overlap_table
from .gate import Gate
from .holdings import Holdings
from .neuron_view import alike_table, neuron_table_of, part_table, passages_table
from .overview_view import overview_table, words_table
from .text_table import matches_table, text_table

TABLES: dict[str, Callable[[Holdings, Query], pd.DataFrame | None]] = {
    "text": text_table,
    "matches": matches_table,
    "neuron": neuron_table_of,
    "passages": passages_table,
    "alike": alike_table,
    "concept": concept_table,
    "overlap": overlap_table,
    "matrix": matrix_table,
    "map": overview_table,
    "words": words_table,
    **{name: partial(part_table, name) for name in OF_NEURON},
    **{name: partial(concept_part_table, name) for name in OF_CONCEPT},
}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Signs by which a spreadsheet takes a text for a formula."""


class TableFile(RequestHandler):
    """Answers with a table."""

    def initialize(self, holdings: Holdings, gate: Gate) -> None:
        """Take the run and the gate."""
        self._holdings, self._gate = holdings, gate

    def get_current_user(self) -> str | None:
        """Return who asks, ``None`` for nobody who may."""
        return self._gate.get_user(self)

    def get_login_url(self) -> str:
        """Return where those are sent."""
        return self._gate.get_login_url(self)

    @authenticated
    async def get(self, name: str) -> None:
        """Answer."""
        if name not in TABLES:
            raise HTTPError(404)
        table = await self._made(lambda: TABLES[name](self._holdings, Query(self.request.arguments)))
        if table is None or isinstance(table, UserError):
            self.set_status(404)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish("This run has no such table." if table is None else str(table))
            return
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{name}.csv"')
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(as_csv(table))

    async def _made(self, work: Callable[[], pd.DataFrame | None]) -> pd.DataFrame | UserError | None:
        """Return a table, or why there is none, without keeping others from being answered."""
        loop = asyncio.get_running_loop()
        made: asyncio.Future[pd.DataFrame | UserError | None] = loop.create_future()

        def finished(result: pd.DataFrame | UserError | None) -> None:
            loop.call_soon_threadsafe(made.set_result, result)

        work_beside(work, finished)
        return await made


def as_csv(table: pd.DataFrame) -> str:
    """Return a table as CSV; a text that a spreadsheet would take for a formula gets an apostrophe.

    >>> as_csv(pd.DataFrame({"token": ["=1+1", "the"], "value": [-0.5, 1.0]}))
    "token,value\\n'=1+1,-0.5\\nthe,1.0\\n"
    """
    safe = table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = pd.Series([_plain(value) for value in safe[name]], safe.index, object)
    return str(safe.to_csv(index=False))


def _plain(text: object) -> object:
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA) else text
