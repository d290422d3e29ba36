"""Part files: what a worker found in a part of the corpus, in codes of its own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ..disk import new_file
from .coded import Coded, CodedPieces

ANNOTATION, NUMBER, HEAD, PIECES = "annotation ", "number ", "head ", "pieces "
COLUMNS = ("n_word", "document", "type_id", "mark_word", "mark_concept", "mark_value")


@dataclass(frozen=True)
class CodedPart:
    """A part of the corpus as numbers, and the tables of its codes, each in the order in which a worker met them.

    Parameters
    ----------
    coded
        Its sentences.
    head
        The pieces of its first sentence where a blank stands before it, because its document goes on from the part
        before; `coded` has those without.
    types, documents, marked_concepts, annotations
        What the codes stand for.
    goes_on
        Whether a blank stands before what comes next in the same document.
    error
        Why it could not be read to its end, if so.
    remarks
        What its reader had to say of its texts.
    """

    coded: Coded
    head: CodedPieces | None
    types: Sequence[str]
    documents: Sequence[str]
    marked_concepts: Sequence[str]
    annotations: Mapping[str, Sequence[str]]
    goes_on: bool
    error: str | None = None
    remarks: Sequence[str] = ()


def part_path(folder: Path, index: int) -> Path:
    """Return the file of a part."""
    return folder / f"{index:08d}.safetensors"


def codes_path(folder: Path, index: int) -> Path:
    """Return the file that says which codes of the corpus the codes of a part are."""
    return folder / f"{index:08d}.codes.safetensors"


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> None:
    """Write named arrays in one step: the file is there as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(path) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary, dict(metadata))


def write_part(path: Path, part: CodedPart, print_: str) -> None:
    """Write a part; ``print_`` says what it was made from."""
    coded = part.coded
    arrays: dict[str, NDArray[Any]] = {name: getattr(coded, name) for name in COLUMNS}
    arrays |= {ANNOTATION + name: codes for name, codes in coded.annotations.items()}
    arrays |= {NUMBER + name: column for name, column in coded.numbers.items()}
    for prefix, pieces in ((PIECES, coded.pieces), (HEAD, part.head)):
        if pieces is not None:
            arrays |= {prefix + field.name: getattr(pieces, field.name) for field in fields(CodedPieces)}
    tables = {"types": part.types, "documents": part.documents, "concepts": part.marked_concepts}
    tables |= {f"values {name}": values for name, values in part.annotations.items()}
    for name, values in tables.items():
        arrays |= _packed(name, values)
    facts: dict[str, Any] = {"print": print_, "goes_on": part.goes_on, "error": part.error}
    facts |= {"annotations": list(coded.annotations), "numbers": list(coded.numbers), "remarks": list(part.remarks)}
    save_arrays(path, arrays, {"part": json.dumps(facts)})


def is_written(path: Path, print_: str) -> bool:
    """Whether a part was read to its end from the same inputs."""
    try:
        with safe_open(path, "numpy") as file:
            facts = json.loads(file.metadata()["part"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return False
    return facts["print"] == print_ and facts["error"] is None


def read_part_file(path: Path) -> CodedPart:
    """Read a part with its tables."""
    with safe_open(path, "numpy") as file:
        facts = json.loads(file.metadata()["part"])
        annotations = {name: _unpacked(file, f"values {name}") for name in facts["annotations"]}
        types, documents, concepts = (_unpacked(file, name) for name in ("types", "documents", "concepts"))
        coded, head = _coded(file, facts), _pieces(file, HEAD)
    return CodedPart(
        coded, head, types, documents, concepts, annotations, facts["goes_on"], facts["error"], facts["remarks"]
    )


def read_coded(path: Path) -> tuple[Coded, CodedPieces | None]:
    """Read a part's sentences and its `CodedPart.head`, without its tables."""
    with safe_open(path, "numpy") as file:
        facts = json.loads(file.metadata()["part"])
        return _coded(file, facts), _pieces(file, HEAD)


def _coded(file: Any, facts: Mapping[str, Any]) -> Coded:
    columns = {name: file.get_tensor(name) for name in COLUMNS}
    codes = {name: file.get_tensor(ANNOTATION + name) for name in facts["annotations"]}
    numbers = {name: file.get_tensor(NUMBER + name) for name in facts["numbers"]}
    return Coded(**columns, annotations=codes, numbers=numbers, pieces=_pieces(file, PIECES))


def _pieces(file: Any, prefix: str) -> CodedPieces | None:
    names = [field.name for field in fields(CodedPieces)]
    if prefix + names[0] not in file.keys():  # noqa: SIM118 (not a mapping)
        return None
    return CodedPieces(*(file.get_tensor(prefix + name) for name in names))


def _packed(name: str, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return texts as the bytes of all and the length of each."""
    raw = [text.encode() for text in texts]
    lengths = np.fromiter(map(len, raw), np.int64, len(raw))
    return {f"{name} bytes": np.frombuffer(b"".join(raw), np.uint8), f"{name} lengths": lengths}


def _unpacked(file: Any, name: str) -> list[str]:
    raw, stops = file.get_tensor(f"{name} bytes").tobytes(), np.cumsum(file.get_tensor(f"{name} lengths")).tolist()
    return [raw[start:stop].decode() for start, stop in zip([0, *stops], stops, strict=False)]
