"""How a run stands, for people and for programs."""

import json
import re
import socket
from typing import Any

from .state import LIVE, RunState

BAR = 24
"""Characters of a bar."""


def describe_state(state: RunState) -> str:
    """Return a few aligned lines on how a run stands."""
    status, rows = state.status, [("state", _state(state))]
    if state.job:
        rows.append(("driver", _driver(state)))
    if status.get("stage"):
        step = status.get("step")
        rows.append(("stage", f"{status['stage']}, {step['name']}" if step else status["stage"]))
        rows += _progress(status)
    if state.state in LIVE:
        rows += _cluster(status)
    if status.get("error") and state.state not in LIVE:
        rows.append(("error", status["error"]))
    rows += [("then", f"lstm-analysis {command}") for command in _next(state)]
    return "\n".join([f"{status.get('study') or state.submission.get('study')}, {state.run}", *_aligned(rows)])


def state_as_json(state: RunState, indent: int | None = 1) -> str:
    """Return how a run stands as JSON: what ``status.json`` says, with the state as it was judged."""
    content = {
        **state.status, "run": str(state.run), "state": state.state, "note": state.note, "job": state.job,
        "seconds_since_heartbeat": None if state.age is None else round(state.age, 1), "submission": state.submission,
    }  # fmt: skip
    return json.dumps(content, indent=indent)


def _aligned(rows: list[tuple[str, str]]) -> list[str]:
    return [f"{name:<12}{text}" for name, text in rows]


def _state(state: RunState) -> str:
    code = state.status.get("exit_code")
    text = state.state if code is None or state.state in LIVE else f"{state.state} (exit code {code})"
    when = state.status.get("updated") if state.state not in LIVE else None
    said = [part for part in (state.note, f"at {when}" if when else None) if part]
    return ", ".join([text, *said])


def _driver(state: RunState) -> str:
    host = state.status.get("host")
    where = f" on {host}" if host and not str(state.job).startswith("process:") else ""
    since = state.status.get("started") or state.submission.get("submitted")
    beat = f", heard of {state.age:.0f} s ago" if state.age is not None else ""
    return f"{state.job}{where}, since {since}{beat}"


def _progress(status: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    step, tasks = status.get("step"), status.get("tasks")
    if step and step["total"]:
        share = min(step["done"] / step["total"], 1.0)
        bar = "#" * round(BAR * share) + "-" * (BAR - round(BAR * share))
        rows.append(("progress", f"{bar} {share:4.0%}  {step['done']:,} of {step['total']:,} {step['unit']}"))
    elif step:
        rows.append(("progress", f"{step['done']:,} {step['unit']}"))
    if tasks:
        failed = f", {tasks['failed']:,} failed" if tasks["failed"] else ""
        rows.append(("shards", f"{tasks['done']:,} of {tasks['all']:,} done{failed}"))
    if status.get("rate") and step:
        left = status.get("seconds_left")
        rows.append(("rate", f"{status['rate']:,.0f} {step['unit']}/s" + (f", {duration(left)} left" if left else "")))
    return rows


def _cluster(status: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("workers", f"{status['workers']:,}")] if status.get("workers") is not None else []
    if address := status.get("dashboard"):
        rows.append(("dashboard", address))
        if hint := tunnel(address, status["host"]):
            rows.append(("", hint))
    return rows


def tunnel(address: str, host: str) -> str | None:
    """Return the command that brings the dashboard of another host here; ``None`` on the driver's own host.

    >>> tunnel("http://127.0.0.1:8787/status", "n1.example")
    'from here: ssh -N -L 8787:127.0.0.1:8787 n1.example, then http://127.0.0.1:8787/status'
    """
    found = re.match(r"https?://([^/:]+|\[[^\]]+\]):(\d+)", address)
    if found is None or host == socket.gethostname():
        return None
    inner, port = found.groups()
    return f"from here: ssh -N -L {port}:{inner}:{port} {host}, then http://127.0.0.1:{port}/status"


def _next(state: RunState) -> list[str]:
    if state.state in LIVE:
        return [f"logs {state.run} -f", f"cancel {state.run}"]
    if state.state == "done":
        return [f"inspect {state.run}"]
    return [f"logs {state.run}"] if state.submission else []


def duration(seconds: float) -> str:
    """Return hours, minutes and seconds.

    >>> duration(3671.4)
    '1:01:11'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
