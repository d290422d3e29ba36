"""Concept files: YAML mappings of names to patterns, and text files of one entry a line."""

import re
from pathlib import Path

import yaml

from ..errors import UsageError
from ..yaml_file import RepeatedKey, load_yaml
from .phrases import Pattern, parse_pattern

_COMMENT = re.compile(r"(?:^|\s)#.*")


def read_lexicon(file: Path) -> dict[str, tuple[Pattern, ...]]:
    """Return the patterns of each name in a YAML file.

    Raises
    ------
    UsageError
        If the file is missing or is not a mapping of distinct names to one or more patterns.
    """
    text = read_text(file)
    try:
        content = load_yaml(text)
    except RepeatedKey as error:
        raise UsageError(
            f"The concept file {file} names {error.key!r} more than once; only the last would count. Give each "
            "its own name, or make one list of their patterns."
        ) from None
    except yaml.YAMLError as error:
        raise UsageError(f"The concept file {file} is not valid YAML: {_one_line(error)}. Mend the file.") from None
    if not isinstance(content, dict) or not content:
        raise UsageError(
            f"The concept file {file} must be a mapping of names to patterns, such as 'red tape: red tape', "
            f"found {_kind(content)}. Write one name and its pattern, or a list of patterns, a line."
        )
    return {_name(file, name): _patterns(file, name, entry) for name, entry in content.items()}


def read_entries(file: Path) -> tuple[Pattern, ...]:
    """Return the patterns of a text file: one a line, ``#`` begins a comment.

    Raises
    ------
    UsageError
        If the file is missing, empty, or a line is not a pattern.
    """
    patterns = []
    for number, line in enumerate(read_text(file).splitlines(), 1):
        entry = _COMMENT.sub("", line).strip()
        if entry:
            patterns.append(_parse(entry, f"The concept file {file}, line {number}"))
    if not patterns:
        raise UsageError(f"The concept file {file} has no entry; write one word or phrase a line.")
    return tuple(patterns)


def read_text(file: Path) -> str:
    """Return the text of a concept file.

    Raises
    ------
    UsageError
        If there is no such file or it is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            f"Cannot read the concept file {file}: {why}. Check the path; relative paths count from the study's folder."
        ) from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"The concept file {file} is not valid UTF-8: byte {error.start} is "
            f"0x{error.object[error.start]:02x}. Convert it first, for example with 'iconv -f latin1 -t utf-8'."
        ) from None


def _name(file: Path, name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise UsageError(
            f"The concept file {file} has the name {name!r}, which YAML does not read as a text. Put it in quotes."
        )
    return name


def _patterns(file: Path, name: str, entry: object) -> tuple[Pattern, ...]:
    entries = entry if isinstance(entry, list) else [entry]
    if not entries:
        raise UsageError(
            f"The concept file {file} has no pattern for {name!r}; write at least one, or remove the name."
        )
    return tuple(_parse(pattern, f"The concept file {file}, {name!r}") for pattern in entries)


def _parse(text: object, where: str) -> Pattern:
    if not isinstance(text, str):
        raise UsageError(f"{where}: YAML reads the entry {text!r} as {_kind(text)}, not as a text. Put it in quotes.")
    try:
        return parse_pattern(text)
    except ValueError as error:
        raise UsageError(f"{where}: {error}; found {text!r}. Mend the pattern.") from None


def _kind(content: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "a text", type(None): "nothing", bool: "a truth value"}
    return names.get(type(content), f"a value of type {type(content).__name__}")


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())
