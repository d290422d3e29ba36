"""YAML values to the frozen dataclasses of a study or a cluster, every key and every type checked."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from .errors import UsageError, nearest, one_of


def convert(value: Any, hint: Any, where: str, key: str) -> Any:
    """Return a YAML value as the type that a dataclass field declares, or explain what is wrong with it."""
    if dataclasses.is_dataclass(hint):
        return _dataclass(value, hint, where, key)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return convert(value, next(a for a in arguments if a is not type(None)), where, key)
    if origin is tuple:
        items = value if isinstance(value, list) else [value]
        return tuple(convert(item, arguments[0], where, key) for item in items)
    if origin is Literal:
        if value not in arguments or isinstance(value, bool):
            raise UsageError(f"{where}: {key} is {value!r}; {one_of(str(value), map(str, arguments))}")
        return value
    if hint is float and type(value) in (int, float):
        return float(value)
    if hint is float and isinstance(value, str):  # YAML 1.1 reads 3e-3 as a string
        try:
            return float(value)
        except ValueError:
            pass
    expected = origin if origin is not None else hint
    wanted = dict if expected in (Mapping, dict) or getattr(expected, "__name__", "") == "Mapping" else expected
    if type(value) is not wanted:
        raise UsageError(f"{where}: {key} must be {_name(wanted)}, found {value!r}.")
    return value


def _dataclass(value: Any, hint: Any, where: str, key: str) -> Any:
    if not isinstance(value, dict):
        raise UsageError(f"{where}: {key} must be a mapping of keys, found {value!r}.")
    hints = typing.get_type_hints(hint)
    fields = {f.metadata.get("key", f.name): f for f in dataclasses.fields(hint) if "internal" not in f.metadata}
    prefix = f"{key}." if key else ""
    for name in value:
        if name not in fields:
            raise UsageError(f"{where}: unknown key {prefix}{name}; {nearest(str(name), fields)}")
    for name, f in fields.items():
        required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if required and name not in value:
            raise UsageError(f"{where}: the key {prefix}{name} is missing.")
    found = {fields[n].name: convert(v, hints[fields[n].name], where, prefix + n) for n, v in value.items()}
    try:
        return hint(**found)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _name(kind: Any) -> str:
    names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a mapping"}
    return names.get(kind, getattr(kind, "__name__", str(kind)))
