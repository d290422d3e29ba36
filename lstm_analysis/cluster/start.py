"""A cluster of a cluster file: its class is found, told what the file says, and started."""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..config import ClusterConfig
from ..errors import UsageError, UserError
from .arguments import Kwargs, check_names, check_scale, look_up, merge
from .batch_queue import require_submit_command, test_job
from .forking import METHOD, fork_workers
from .places import EXTRAS, Place, place_of
from .tls import as_security
from .watch import replace_lost


def start(config: ClusterConfig) -> Any:
    """Start the cluster of a cluster file and return it, an object of the class that it names.

    Raises
    ------
    UserError
        If a package or a command is missing, the queue refuses the jobs, or the file says what the class does not know.
    """
    place, cls = place_of(config), find_class(config)
    kwargs = arguments(config, cls)
    if place.kind == "jobs":
        require_submit_command(cls)
    if config.class_ == "LocalCluster" and kwargs.get("processes", True) and METHOD not in config.config:
        fork_workers()
    cluster = cls(**kwargs)
    try:
        if place.test:
            test_job(cluster.job_script(), place.test)
        _scale(cluster, config.scale, place)
    except BaseException:
        cluster.close()
        raise
    return cluster


def _scale(cluster: Any, scale: Mapping[str, Any], place: Place) -> None:
    if "adapt" in scale:
        cluster.adapt(**scale["adapt"])
        return
    if scale:
        cluster.scale(**scale)
    if getattr(cluster, "new_spec", None):  # of the kind that keeps a list of its workers
        unit = "jobs" if place.kind == "jobs" else "n"
        replace_lost(cluster, lambda: cluster.scale(**{unit: len(cluster.worker_spec)}))


def find_class(config: ClusterConfig) -> Any:
    """Return the class that a cluster file names.

    Raises
    ------
    UserError
        If a package is missing; the message says how to install it.
    UsageError
        If the module has no such class.
    """
    assert config.module is not None
    assert config.class_ is not None
    place, root = place_of(config), config.module.split(".")[0]
    extra = place.extra or EXTRAS.get(root)
    install = f"pip install 'lstm-analysis[{extra}]'" if extra else f"pip install {root}"
    for name in (root, *place.needs):
        if importlib.util.find_spec(name) is None:
            raise UserError(f"{config.class_} needs the module {name}; install it with `{install}`.")
    try:
        module = importlib.import_module(config.module)
    except ImportError as error:
        raise UserError(
            f"{config.class_} needs the module {config.module}, which cannot be loaded: {error}. Install it with "
            f"`{install}`."
        ) from error
    if not hasattr(module, config.class_):
        raise UsageError(f"The module {config.module} has no cluster class {config.class_!r}; check the cluster file.")
    return getattr(module, config.class_)


def arguments(config: ClusterConfig, cls: Any) -> Kwargs:
    """Return the arguments of a cluster file's class: what the file says, and the defaults of `PLACES` for the rest.

    Raises
    ------
    UsageError
        If the file says what the class does not know, or does not say where the scheduler listens.
    """
    place, name = place_of(config), str(config.class_)
    check_scale(config.scale, place.scale, place.adapt, name)
    kwargs = merge(place.defaults(cls, config.kwargs), config.kwargs)
    _put_worker(config, place, kwargs)
    manifest = kwargs.get(place.manifest)
    if isinstance(manifest, str):
        kwargs[place.manifest] = config.resolve(manifest)
    _secure(config, place, kwargs)
    if place.kind != "other":
        check_names(cls, kwargs, place.takes, name)
    if place.listens and not any(look_up(kwargs, path) for path in place.listens):
        raise UsageError(
            f"The cluster file does not say where the scheduler of {name} listens. Give kwargs.{place.listens[0]}, the "
            "network that the workers' hosts share, such as eth0 or ib0 (`ip link` lists them): a Dask scheduler runs "
            "whatever it is sent, so it is not opened to all networks."
        )
    return kwargs


def one_worker(config: ClusterConfig) -> ClusterConfig:
    """Return a cluster file's content with a single worker."""
    if place_of(config).kind == "hosts":
        hosts = list(config.kwargs.get("hosts") or [])
        return replace(config, kwargs={**config.kwargs, "hosts": hosts[:2]})
    one = place_of(config).one
    return replace(config, kwargs={**config.kwargs, **one.get("kwargs", {})}, scale=one["scale"])


def _put_worker(config: ClusterConfig, place: Place, kwargs: Kwargs) -> None:
    """Say ``worker.threads``, by default 1, and ``worker.resources`` as the class does."""
    ways = {"threads": place.threads, "resources": place.resources}
    if kwargs.get(place.manifest):
        ways = dict.fromkeys(ways)
    for key, value in config.worker.items():
        way = ways.get(key)
        if way is None:
            told = "the file of kwargs." + place.manifest if kwargs.get(place.manifest) else "kwargs"
            raise UsageError(
                f"The cluster file's key worker.{key} has no meaning for {config.class_}; say it in {told}."
            )
        way.put(kwargs, value)
    threads = ways["threads"]
    if threads is not None and "threads" not in config.worker and not threads.given(kwargs):
        threads.put(kwargs, 1)


def _secure(config: ClusterConfig, place: Place, kwargs: Kwargs) -> None:
    """Make ``security`` what the class takes; programs on other hosts are handed the names of the files."""
    given = kwargs.get("security")
    if given is None:
        return
    kwargs["security"] = as_security(given, config, here=place.kind != "hosts")
    if place.kind == "hosts":
        for options in ("scheduler_options", "worker_options"):
            kwargs[options] = {"security": given, **(kwargs.get(options) or {})}
