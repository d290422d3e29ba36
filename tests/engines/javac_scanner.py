"""javac's own scanner, as a peer of the lexer: the tokens that it finds in an archive of sources."""

import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_analysis.corpus.java.lexer import find_tokens

EXPORTS = [
    argument
    for package in ("file", "parser", "util")
    for argument in ("--add-exports", f"jdk.compiler/com.sun.tools.javac.{package}=ALL-UNNAMED")
]
END = -1


def scanned(java: str, archive: Path) -> Iterator[tuple[str, NDArray[np.int32]]]:
    """Yield each source's name and its tokens, dims (token, start/stop/kind), places in UTF-16 units."""
    program = Path(__file__).with_name("JavacTokens.java")
    command = [java, *EXPORTS, str(program), str(archive)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        out = process.stdout
        assert out is not None
        while size := out.read(2):
            name = out.read(int.from_bytes(size, "big")).decode()
            rows = []
            while (start := int.from_bytes(out.read(4), "big", signed=True)) != END:
                rows.append((start, int.from_bytes(out.read(4), "big"), int.from_bytes(out.read(4), "big")))
            yield name, np.array(rows, np.int32).reshape(-1, 3)
    assert process.returncode == 0


def found(text: str) -> NDArray[np.int32]:
    """Return the tokens that the lexer finds, in the same form."""
    tokens = find_tokens(text).without_comments()
    units = np.zeros(len(text) + 1, np.int32)
    np.cumsum([1 + (ord(character) > 0xFFFF) for character in text], out=units[1:])
    return np.stack([units[tokens.start], units[tokens.stop], tokens.kind.astype(np.int32)], axis=1)


def differing(java: str, archive: Path) -> tuple[int, dict[str, str]]:
    """Return the number of tokens, and what differs first in each source that is cut up otherwise."""
    n, differences = 0, {}
    with zipfile.ZipFile(archive) as sources:
        for name, theirs in scanned(java, archive):
            text = sources.read(name).decode()
            ours = found(text)
            n += len(theirs)
            if not np.array_equal(ours, theirs):
                same = min(len(ours), len(theirs))
                at = int(np.argmin((ours[:same] == theirs[:same]).all(axis=1))) if same else 0
                differences[name] = f"ours {ours[at : at + 3].tolist()}, javac's {theirs[at : at + 3].tolist()}"
    return n, differences
