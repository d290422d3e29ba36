"""What a cluster file would start, as text: the job script, the manifest, the commands. Nothing is started."""

import asyncio
import json
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..config import ClusterConfig
from .arguments import Kwargs, look_up
from .places import LOCAL, place_of
from .start import arguments, find_class


def describe_cluster(config: ClusterConfig = LOCAL) -> str:
    """Return what a cluster file would start.

    Parameters
    ----------
    config
        Content of the file.

    Raises
    ------
    UserError
        If a package is missing, or the file says what the class does not know.
    """
    if config.joins:
        lines = {"scheduler": config.address or f"named in {config.resolve(str(config.scheduler_file))}"}
        lines["workers"] = "those that it has; nothing is started"
        lines["encryption"] = "TLS, with the files under security" if config.security else "none"
        return _table({**lines, **_settings(config)})
    cls = find_class(config)
    kwargs = arguments(config, cls)
    facts, text = PREVIEWS[place_of(config).kind](config, cls, kwargs)
    scale = {"scale": _flow(config.scale)} if config.scale else {}
    head = _table({"class": f"{config.class_} of {config.module}", **facts, **scale, **_settings(config)})
    return f"{head}\n\n{text.rstrip()}" if text else head


def _processes(config: ClusterConfig, cls: Any, kwargs: Kwargs) -> tuple[dict[str, str], str]:
    size = {"threads": kwargs.get("threads_per_worker"), "resources": kwargs.get("resources")}
    memory = kwargs.get("memory_limit")
    n_worker = kwargs.get("n_workers") or "as many as there are GPUs"
    return {
        "scheduler": f"in this program, on {kwargs.get('host') or kwargs.get('interface') or 'this process alone'}; "
        f"dashboard on {kwargs.get('dashboard_address')}",
        "workers": f"{n_worker}, each with {_flow({k: v for k, v in size.items() if v})}",
        "memory": f"{memory / 1e9:,.2f} GB a worker" if isinstance(memory, int) else f"{memory or 'shared out evenly'}",
        "encryption": "TLS" if kwargs.get("security") else "none",
    }, ""


def _hosts(config: ClusterConfig, cls: Any, kwargs: Kwargs) -> tuple[dict[str, str], str]:
    hosts = list(kwargs.get("hosts") or [])
    options, workers = kwargs.get("scheduler_options", {}), dict(kwargs.get("worker_options", {}))
    n_process = workers.pop("n_workers", 1)
    names = kwargs.get("remote_python") or sys.executable
    pythons = names if isinstance(names, list) else [names] * len(hosts)
    program = "-m distributed.cli.dask_spec"
    lines = [f"{hosts[0]}: {pythons[0]} {program} --spec {_spec('distributed.Scheduler', options)}"] if hosts else []
    cls_name = kwargs.get("worker_class", "distributed.Nanny")
    for host, python in zip(hosts[1:], pythons[1:], strict=True):
        lines.append(f"{host}: {python} {program} SCHEDULER --spec {_spec(cls_name, workers, n_process)}")
    listens = look_up(kwargs, "scheduler_options.host") or look_up(kwargs, "scheduler_options.interface")
    return {
        "scheduler": f"on {hosts[0] if hosts else 'no host'}, on {listens}; dashboard there on "
        f"{options.get('dashboard_address')}",
        "workers": f"{n_process} on each of {', '.join(hosts[1:]) or 'no host'}",
        "encryption": "TLS" if kwargs.get("security") else "SSH for the start; between the programs none",
    }, "\n".join(lines)


def _spec(cls: str, options: Mapping[str, Any], n: int = 0) -> str:
    """Return the specification that a host is handed, as a shell would take it."""
    one = {"cls": cls, "opts": dict(options)}
    return shlex.quote(json.dumps({i: one for i in range(n)} if n else one))


def _jobs(config: ClusterConfig, cls: Any, kwargs: Kwargs) -> tuple[dict[str, str], str]:
    async def script() -> tuple[str, int]:
        cluster = cls(asynchronous=True, **kwargs)  # inside an event loop it only keeps what it would do
        try:
            return cluster.job_script(), kwargs.get("processes") or 1
        finally:
            await cluster.close()

    text, n_process = asyncio.run(script())
    listens = next(look_up(kwargs, path) for path in place_of(config).listens if look_up(kwargs, path))
    options = kwargs["scheduler_options"]
    return {
        "scheduler": f"in this program, on {options.get('host') or options.get('interface') or listens}; dashboard on "
        f"{options.get('dashboard_address')}",
        "workers": f"{n_process} in a job, submitted by {cls.job_cls.submit_command}",
        "encryption": "TLS" if kwargs.get("security") else "none",
    }, text


def _pods(config: ClusterConfig, cls: Any, kwargs: Kwargs) -> tuple[dict[str, str], str]:
    given = kwargs.get("custom_cluster_spec")
    spec = yaml.safe_load(Path(given).read_text(encoding="utf-8")) if isinstance(given, str) else given
    if spec is None:
        from dask_kubernetes.operator import make_cluster_spec

        spec = make_cluster_spec(**{**_configured(make_cluster_spec), **_known(make_cluster_spec, kwargs)})
    return {"scheduler": "in a pod of its own", "namespace": str(kwargs.get("namespace") or "the current one")}, (
        yaml.safe_dump(spec, sort_keys=False)
    )


def _configured(make: Callable[..., Any]) -> Kwargs:
    """Return what the user's Dask configuration says of a manifest."""
    import dask

    names = {"image": "image", "n_workers": "count.start", "resources": "resources", "env": "env",
             "worker_command": "worker-command", "name": "name"}  # fmt: skip
    return {name: dask.config.get(f"kubernetes.{key}", None) for name, key in names.items()}


def _known(make: Callable[..., Any], kwargs: Kwargs) -> Kwargs:
    import inspect

    return {name: value for name, value in kwargs.items() if name in inspect.signature(make).parameters}


def _gateway(config: ClusterConfig, cls: Any, kwargs: Kwargs) -> tuple[dict[str, str], str]:
    import dask

    own = ("address", "proxy_address", "public_address", "auth", "shutdown_on_close")
    options = {name: value for name, value in kwargs.items() if name not in own}
    return {
        "gateway": str(
            kwargs.get("address") or dask.config.get("gateway.address", None) or "none: give kwargs.address"
        ),
        "options": _flow(options) if options else "those that the gateway has by default",
        "encryption": "TLS, by the gateway's certificates",
    }, ""


def _other(config: ClusterConfig, cls: Any, kwargs: Kwargs) -> tuple[dict[str, str], str]:
    return {"arguments": _flow(kwargs)}, ""


PREVIEWS: dict[str, Callable[[ClusterConfig, Any, Kwargs], tuple[dict[str, str], str]]] = {
    "processes": _processes,
    "hosts": _hosts,
    "jobs": _jobs,
    "pods": _pods,
    "gateway": _gateway,
    "other": _other,
}


def _settings(config: ClusterConfig) -> dict[str, str]:
    return {"settings": _flow(config.config)} if config.config else {}


def _flow(value: Any) -> str:
    """Return plain values on one line, without the braces of a mapping."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6).strip()
    return text[1:-1] if text.startswith("{") else text


def _table(facts: Mapping[str, str]) -> str:
    return "\n".join(f"{name:<12}{value}" for name, value in facts.items())
