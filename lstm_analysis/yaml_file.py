"""YAML as this package reads it: the safe loader, and a key that is written twice is a mistake, never a loss."""

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from .errors import UsageError


class RepeatedKey(yaml.YAMLError):
    """A mapping has a key more than once, of which plain YAML readers keep the last.

    Parameters
    ----------
    key
        As it is written.
    line
        Of the second place, counted from 1.
    """

    def __init__(self, key: str, line: int) -> None:
        super().__init__(f"line {line} has the key {key!r} again")
        self.key = key
        self.line = line


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        counts = Counter((key.tag, key.value) for key in keys)
        for key in reversed(keys):
            if counts[key.tag, key.value] > 1:
                raise RepeatedKey(key.value, key.start_mark.line + 1)
        return node


def load_yaml(text: str) -> Any:
    """Return the content of a YAML text.

    Raises
    ------
    RepeatedKey
        If a mapping at any depth has a key twice.
    yaml.YAMLError
        If the text is not valid YAML, or asks for anything but plain values.

    Examples
    --------
    >>> load_yaml("{a: 1, b: [x, y]}")
    {'a': 1, 'b': ['x', 'y']}
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a study or cluster file holds.

    Raises
    ------
    UsageError
        If the file cannot be read, is not valid YAML, has a key twice, or is no mapping.
    """
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}). Check the path.") from None
    except RepeatedKey as error:
        raise UsageError(f"{path}: {error}; only the last would count. Keep one of them.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = " ".join(str(error).split())
        raise UsageError(f"{path} is not valid YAML: {found}. Mend the file.") from None
    if not isinstance(content, dict):
        raise UsageError(
            f"{path} must hold a mapping of keys, found {type(content).__name__}. See pipelines/README.md."
        )
    return content


def override(content: dict[str, Any], setting: str) -> None:
    """Set a value of a file's content, in place, as ``key.key=value`` says; the value is YAML.

    Raises
    ------
    UsageError
        If the setting is not of this form, or a key on its way is no mapping.
    """
    key, sign, text = setting.partition("=")
    if not sign:
        raise UsageError(f"--set {setting}: expected KEY=VALUE, for example inference.carry=sentence.")
    try:
        value = load_yaml(text)
    except yaml.YAMLError:
        raise UsageError(f"--set {setting}: the value is not valid YAML.") from None
    *folders, last = key.split(".")
    for name in folders:
        inner = content.setdefault(name, {})
        if not isinstance(inner, dict):
            raise UsageError(f"--set {setting}: {name} is {inner!r} in the study, not a mapping.")
        content = inner
    content[last] = value
