"""Label sources: what says of a token whether it is a target of a concept."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import UsageError, nearest
from .annotation import part_of_speech
from .category import categories
from .counts import LabelCounts, empty_concepts
from .idiom import idiom_occurrences, idioms
from .labelling import concept_names, label_block, label_corpus
from .sentence_position import position
from .source import LabelSource
from .span import spans

__all__ = [
    "SOURCES", "LabelCounts", "LabelSource", "build_source", "build_sources", "categories", "concept_names",
    "empty_concepts", "idiom_occurrences", "idioms", "label_block", "label_corpus", "part_of_speech",
    "position", "spans",
]  # fmt: skip

SOURCES: dict[str, Callable[..., LabelSource]] = {
    "idioms": idioms,
    "categories": categories,
    "position": position,
    "part_of_speech": part_of_speech,
    "spans": spans,
}


def build_source(entry: Mapping[str, Any], folder: Path) -> tuple[str, LabelSource]:
    """Return the name and the label source of an entry of a study's ``concepts``.

    Parameters
    ----------
    entry
        ``source``, a name in `SOURCES`; the parameters of that source; and ``name``, if not the source's own.
    folder
        Folder from which the path ``file`` counts.

    Raises
    ------
    UsageError
        If the entry names an unknown source or key, lacks one, or a value or its file is wrong.

    >>> build_source({"source": "position", "first": 3}, Path())
    ('first 3 tokens', Position(first=3, last=None))
    """
    if not isinstance(entry, Mapping) or "source" not in entry:
        raise UsageError(f"An entry of concepts needs the key 'source', one of {', '.join(SOURCES)}; found {entry!r}.")
    kind = entry["source"]
    if not isinstance(kind, str) or kind not in SOURCES:
        raise UsageError(f"Unknown label source {kind!r} in concepts; {nearest(str(kind), SOURCES)}")
    options = {key: value for key, value in entry.items() if key not in ("source", "name")}
    _require_known(kind, options)
    if options.get("file") is not None:
        options["file"] = folder / str(options["file"])
    source = SOURCES[kind](**options)
    name = entry.get("name", source.default_name)
    if not isinstance(name, str) or not name:
        raise UsageError(f"The name of the label source {kind!r} must be a text, found {name!r}. Put it in quotes.")
    return name, source


def build_sources(entries: Iterable[Mapping[str, Any]], folder: Path) -> dict[str, LabelSource]:
    """Return the label sources of a study's ``concepts`` by name.

    Raises
    ------
    UsageError
        If an entry is wrong, or two have the same name.
    """
    sources: dict[str, LabelSource] = {}
    for entry in entries:
        name, source = build_source(entry, folder)
        if name in sources:
            raise UsageError(
                f"Two label sources are named {name!r}; give one of them another name with the key 'name'."
            )
        sources[name] = source
    return sources


def _require_known(kind: str, options: Mapping[str, Any]) -> None:
    parameters = inspect.signature(SOURCES[kind]).parameters
    for key in options:
        if key not in parameters:
            known = ["source", "name", *parameters]
            raise UsageError(f"The label source {kind!r} has no key {key!r}; {nearest(str(key), known)}")
    for name, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and options.get(name) is None:
            raise UsageError(f"The label source {kind!r} needs the key {name!r}; found {', '.join(options) or 'none'}.")
