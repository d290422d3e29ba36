"""Label sources: what says of a token whether it is a target of a concept."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..errors import UsageError, nearest
from ..locations import Location, fetched, is_url
from .annotation_column import annotation, part_of_speech
from .category import categories
from .character_concepts import characters
from .code_structure import structure
from .counts import BlockCounts, LabelCounts, count_block, empty_concepts
from .idiom import idiom_occurrences, idioms
from .labelling import concept_names, label_block, label_corpus
from .mark import mark_occurrences
from .sentence_position import position
from .source import LabelSource
from .span import spans
from .wordnet_class import DEBIAN, wordnet
from .wordnet_folder import wordnet_digest

__all__ = [
    "SOURCES", "BlockCounts", "LabelCounts", "LabelSource", "annotation", "build_source", "build_sources",
    "categories", "characters", "concept_contents", "concept_names", "count_block", "empty_concepts",
    "idiom_occurrences", "idioms", "label_block", "label_corpus", "mark_occurrences", "part_of_speech", "position",
    "spans", "structure", "wordnet",
]  # fmt: skip

SOURCES: dict[str, Callable[..., LabelSource]] = {
    "idioms": idioms,
    "categories": categories,
    "position": position,
    "annotation": annotation,
    "part_of_speech": part_of_speech,
    "structure": structure,
    "spans": spans,
    "wordnet": wordnet,
    "characters": characters,
}
PATHS = ("file", "path")
"""Keys of sources that name a file or a folder; relative ones count from the study's folder."""


def build_source(entry: Mapping[str, Any], folder: Path) -> tuple[str, LabelSource]:
    """Return the name and the label source of an entry of a study's ``concepts``.

    Parameters
    ----------
    entry
        ``source``, a name in `SOURCES`; the parameters of that source; and ``name``, if not the source's own.
    folder
        Folder from which the paths ``file`` and ``path`` count.

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
    with ExitStack() as copies:
        for key in PATHS:
            if options.get(key) is not None:
                place = find_path(folder, str(options[key]))
                options[key] = copies.enter_context(fetched(place, f"The {key} of the concept source {kind}"))
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


def concept_contents(entries: Iterable[Mapping[str, Any]], folder: Path) -> list[str]:
    """Return what the files and folders that entries name hold: the text of a file, the digest of a WordNet folder.

    Parameters
    ----------
    entries
        A study's ``concepts``.
    folder
        Folder from which their paths count.
    """
    contents = []
    for entry in entries:
        if entry.get("file") is not None:
            with fetched(find_path(folder, str(entry["file"])), "The file of a concept source") as path:
                contents += [path.read_text(encoding="utf-8", errors="replace")] if path.is_file() else []
        elif entry.get("source") == "wordnet":
            contents.append(wordnet_digest(folder / str(entry.get("path") or DEBIAN)))
    return contents


def find_path(folder: Path, path: str) -> Location:
    """Return where a file of a study lies: a URL as it is, a relative path counted from the study's folder."""
    return path if is_url(path) else folder / path


def _require_known(kind: str, options: Mapping[str, Any]) -> None:
    parameters = inspect.signature(SOURCES[kind]).parameters
    for key in options:
        if key not in parameters:
            known = ["source", "name", *parameters]
            raise UsageError(f"The label source {kind!r} has no key {key!r}; {nearest(str(key), known)}")
    for name, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and options.get(name) is None:
            raise UsageError(f"The label source {kind!r} needs the key {name!r}; found {', '.join(options) or 'none'}.")
