"""How a page gets onto the dashboard of a scheduler that is running: all that Dask has no official way for.

Whatever is missing here is an `Unsupported`; the study runs without the page then.
"""

import json
import time
from functools import partial
from typing import Any

from tornado.ioloop import IOLoop
from tornado.web import RequestHandler

from .prometheus import expose, withdraw
from .snapshot import snapshot
from .watched import Watched

PAGE = "lstm"
ATTRIBUTE = "lstm_pages"
"""Of the scheduler, under which its pages are found by the next study."""


class Unsupported(RuntimeError):
    """This scheduler cannot show the page; the text says why."""


class Pages:
    """What the pages of a scheduler show: the study that runs, or the one that ran last."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched


class Snapshot(RequestHandler):
    """Answers with the state of the study as JSON."""

    def initialize(self, pages: Pages) -> None:
        """Take the pages."""
        self._pages = pages

    def get(self) -> None:
        """Answer."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.write(json.dumps(snapshot(self._pages.watched, time.monotonic())))


def open_pages(scheduler: Any, watched: Watched) -> None:
    """Show a study on a scheduler's dashboard: a page, its JSON, figures for Prometheus.

    Raises
    ------
    Unsupported
        If the scheduler has no dashboard, or a Dask or Bokeh that does it in another way.
    """
    pages = getattr(scheduler, ATTRIBUTE, None)
    if pages is None:
        try:
            pages = _add_pages(scheduler, watched)
        except (ImportError, AttributeError, KeyError, TypeError, ValueError) as error:
            import bokeh
            import distributed

            raise Unsupported(
                f"distributed {distributed.__version__} with bokeh {bokeh.__version__} does not take a page as the "
                f"tested versions do ({type(error).__name__}: {error})"
            ) from error
    pages.watched = watched
    expose(watched)


def close_pages(scheduler: Any, watched: Watched) -> None:
    """Take a study's figures from Prometheus. The page stays and shows how the study ended, until the next begins."""
    withdraw(watched)


def _add_pages(scheduler: Any, watched: Watched) -> Pages:
    bokeh_apps = [app for app in scheduler.http_application.applications if hasattr(app, "app_paths")]
    if not bokeh_apps:
        raise Unsupported("the scheduler's dashboard is switched off, or bokeh is not installed there")
    from distributed.dashboard.core import BokehApplication
    from distributed.dashboard.scheduler import template_variables

    pages = Pages(watched)
    prefix = bokeh_apps[0].prefix.strip("/")
    variables = template_variables(scheduler)  # one dictionary for all of the scheduler's pages
    app = BokehApplication(
        {f"/{PAGE}": partial(_page, pages)}, scheduler, prefix=prefix, template_variables=variables
    )  # fmt: skip
    app.initialize(IOLoop.current())
    app.start()
    scheduler.http_application.add_application(app)
    path = f"/{prefix}/{PAGE}.json" if prefix else f"/{PAGE}.json"
    scheduler.http_application.add_handlers(r".*", [(path, Snapshot, {"pages": pages})])
    variables["pages"].insert(variables["pages"].index("status") + 1, PAGE)
    setattr(scheduler, ATTRIBUTE, pages)
    return pages


def _page(pages: Pages, scheduler: Any, variables: dict[str, Any], doc: Any) -> None:
    """Fill a document that a browser has asked for, in the frame that Dask's pages have."""
    from distributed.dashboard.components.scheduler import env

    from .page import fill

    fill(doc, pages)
    doc.template = env.get_template("simple.html")
    doc.template_variables.update(variables)
