"""A mapping of a YAML file of another program, whose every value is checked when it is asked for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ..errors import UsageError, nearest
from ..yaml_file import load_yaml


class Node:
    """A mapping, and where it stands.

    Parameters
    ----------
    file
        The YAML file.
    key
        Key of the mapping, empty for the whole file.
    content
        What was found there.

    Raises
    ------
    UsageError
        If it is no mapping.
    """

    def __init__(self, file: Path, key: str, content: Any) -> None:
        self.file, self.key = file, key
        if not isinstance(content, dict):
            what = f"{file}: {key}" if key else str(file)
            raise UsageError(f"{what} must be a mapping of keys, found {_what(content)}.")
        self.content: dict[Any, Any] = content

    def place(self, name: object) -> str:
        """Return file and dotted key of an entry, for messages."""
        return f"{self.file}: {self.key + '.' if self.key else ''}{name}"

    def __contains__(self, name: str) -> bool:
        return self.content.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; without a default it must be there."""
        found = self._value(name) if default is None else self.content.get(name, default)
        if not isinstance(found, str) or (not found and default is None):
            raise UsageError(f"{self.place(name)} must be a text, found {_what(found)}.")
        return found

    def whole(self, name: str, most: int) -> int:
        """Return a whole number from 0 to ``most``."""
        found = self._value(name)
        if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= most:
            raise UsageError(f"{self.place(name)} must be a whole number from 0 to {most}, found {found!r}.")
        return found

    def node(self, name: str) -> "Node":
        """Return a mapping."""
        return Node(self.file, self.place(name).removeprefix(f"{self.file}: "), self._value(name))

    def nodes(self, name: str) -> list["Node"]:
        """Return a list of mappings, at least one."""
        found = self._value(name)
        if not isinstance(found, list) or not found:
            raise UsageError(f"{self.place(name)} must be a list of mappings, found {_what(found)}.")
        key = self.place(name).removeprefix(f"{self.file}: ")
        return [Node(self.file, f"{key}[{i}]", entry) for i, entry in enumerate(found)]

    def children(self) -> Iterator[tuple[str, "Node"]]:
        """Yield names and mappings of a mapping of mappings."""
        for name in self.content:
            yield str(name), Node(self.file, f"{self.key}.{name}", self.content[name])

    def _value(self, name: str) -> Any:
        if self.content.get(name) is None:
            hint = nearest(name, map(str, self.content)) if self.content else "it is empty."
            raise UsageError(f"{self.place(name)} is missing; {hint}")
        return self.content[name]


def read_node(file: Path) -> Node:
    """Return the mapping that a file holds.

    Raises
    ------
    UsageError
        If it cannot be read, or is no valid YAML, or no mapping.
    """
    try:
        content = load_yaml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}). Check the path.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = " ".join(str(error).split())
        raise UsageError(f"{file} is not valid YAML: {found[:300]}. Mend the file.") from None
    return Node(file, "", content)


def _what(found: object) -> str:
    return "nothing" if found is None else f"{type(found).__name__} {str(found)[:60]!r}"
