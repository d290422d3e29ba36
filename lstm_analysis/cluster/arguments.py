"""Arguments of cluster classes: where one lies, which there are, and what is wrong with a name that is none."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..errors import UsageError, nearest

Kwargs = dict[str, Any]


def _as_it_is(kwargs: Kwargs, value: Any) -> Any:
    return value


@dataclass(frozen=True)
class At:
    """Where a class takes what another calls by another name.

    Parameters
    ----------
    path
        The argument; ``a.b`` is the key ``b`` of an argument that is a mapping.
    as_
        Function of the class's arguments and the value; gives what is put there.
    """

    path: str
    as_: Callable[[Kwargs, Any], Any] = _as_it_is

    def given(self, kwargs: Mapping[str, Any]) -> bool:
        """Whether the arguments have it already."""
        return look_up(kwargs, self.path) is not None

    def put(self, kwargs: Kwargs, value: Any) -> None:
        """Set it, in place."""
        *outer, last = self.path.split(".")
        inner = kwargs
        for name in outer:
            inner[name] = inner = dict(inner.get(name) or {})
        inner[last] = self.as_(kwargs, value)


def look_up(kwargs: Mapping[str, Any], path: str) -> Any:
    """Return an argument, or a key of one, or ``None``.

    >>> look_up({"scheduler_options": {"host": "h"}}, "scheduler_options.host")
    'h'
    """
    found: Any = kwargs
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> Kwargs:
    """Return the union of two mappings, also of mappings in them; the second wins.

    >>> merge({"a": {"x": 1, "y": 2}, "b": 1}, {"a": {"y": 3}, "c": 4})
    {'a': {'x': 1, 'y': 3}, 'b': 1, 'c': 4}
    """
    found = {**base, **over}
    for name, value in over.items():
        if isinstance(value, Mapping) and isinstance(base.get(name), Mapping):
            found[name] = merge(base[name], value)
    return found


def names_of(function: Any) -> tuple[set[str], bool]:
    """Return the arguments of a function or class, those of its base classes included; whether it takes others, too.

    >>> names_of(lambda x, *rest, y=1, **more: None) == ({"x", "y"}, True)
    True
    """
    classes = function.__mro__[:-1] if inspect.isclass(function) else ()
    makers = [vars(c)["__init__"] for c in classes if "__init__" in vars(c)]
    found: set[str] = set()
    is_open = True
    for maker in makers or [function]:  # a base class is asked only for what is passed on to it
        parameters = inspect.signature(maker).parameters.values()
        found |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        is_open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        if not is_open:
            break
    return found - {"self"}, is_open


def check_names(cls: Any, kwargs: Mapping[str, Any], takes: Iterable[str], name: str) -> None:
    """Refuse arguments that a class does not know.

    Parameters
    ----------
    cls
        The class, or a function that returns a cluster.
    kwargs
        The arguments.
    takes
        Dotted names of what gets those that it does not know itself. Where there is none and it takes any, it is left
        to judge by itself.
    name
        What it is called.

    Raises
    ------
    UsageError
        Naming the nearest argument that it knows.
    """
    known, is_open = names_of(cls)
    for dotted in takes:
        module, _, inner = dotted.rpartition(".")
        known |= names_of(getattr(import_module(module), inner))[0]
    if hasattr(cls, "job_cls"):
        known |= names_of(cls.job_cls)[0]
    if is_open and not takes:
        return
    for argument in kwargs:
        if argument not in known:
            raise UsageError(
                f"The cluster file's key kwargs.{argument} is no argument of {name}; "
                f"{nearest(argument, sorted(known))} Correct or remove it."
            )


def check_scale(scale: Mapping[str, Any], known: Iterable[str], adapt: Iterable[str], name: str) -> None:
    """Refuse keys of ``scale`` and ``scale.adapt`` that a class does not know.

    Raises
    ------
    UsageError
        Naming the nearest key that it knows.
    """
    known, adapt = list(known), list(adapt)
    if scale and not known:
        raise UsageError(f"{name} cannot be scaled, so the cluster file's key scale has no meaning for it. Remove it.")
    for key in scale:
        if key not in (*known, "adapt"):
            raise UsageError(f"The cluster file's key scale.{key} is unknown; {nearest(key, [*known, 'adapt'])}")
    if "adapt" not in scale:
        return
    if len(scale) > 1 or not isinstance(scale["adapt"], Mapping):
        raise UsageError(
            f"The cluster file's key scale is {dict(scale)!r}; adapt stands alone and holds a mapping, such as "
            f"{{adapt: {{{adapt[0]}: 1, {adapt[1]}: 16}}}}."
        )
    for key in scale["adapt"]:
        if key not in adapt:
            raise UsageError(f"The cluster file's key scale.adapt.{key} is unknown; {nearest(key, adapt)}")
