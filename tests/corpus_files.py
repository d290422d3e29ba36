"""Small random corpora in every format that is read from files, with all that can stand in them."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np


def words_of(rng: np.random.Generator) -> list[str]:
    return [f"w{i}" for i in rng.integers(0, 12, rng.integers(1, 7))]


def text_file(rng: np.random.Generator, n: int, first: int) -> str:
    lines = [" ".join(words_of(rng)) if rng.random() < 0.8 else " \t" for _ in range(n)]
    return "\n".join(lines) + "\n" * int(rng.integers(0, 2))


def tsv_file(rng: np.random.Generator, n: int, first: int) -> str:
    parts = ["# columns = pos token lemma\n"]
    for _ in range(n):
        if rng.random() < 0.4:
            parts.append(f"# document = d{rng.integers(0, 4)}\n")
        parts += [f"P{rng.integers(0, 3)}\t{word}\tl{word[1:]}\n" for word in words_of(rng)]
        parts.append("\n" if rng.random() < 0.8 else "# document = gone\n \t\n")
    return "".join(parts)


def conllu_file(rng: np.random.Generator, n: int, first: int) -> str:
    parts = []
    for _ in range(n):
        if rng.random() < 0.4:
            parts.append(f"# newdoc id = d{rng.integers(0, 4)}\n" if rng.random() < 0.5 else "# newdoc\n")
        parts.append("# text = newdoc\n")
        parts += [f"{i}\t{word}\tl\tX\tY{i}" + "\t_" * 5 + "\n" for i, word in enumerate(words_of(rng), 1)]
        parts.append("\n")
    return "".join(parts)


def jsonl_file(rng: np.random.Generator, n: int, first: int) -> str:
    lines = []
    for i in range(n):
        tokens = words_of(rng)
        spans = [{"concept": f"c{rng.integers(0, 4)}", "tokens": [int(rng.integers(0, len(tokens)))],
                  "value": int(rng.integers(0, 2))} for _ in range(rng.integers(0, 3))]  # fmt: skip
        lines.append(json.dumps({"document": f"d{(first + i) // 4}", "tokens": tokens, "spans": spans}))
    return "\n".join(lines) + "\n"


MAKERS: dict[str, Callable[[np.random.Generator, int, int], str]] = {
    "text": text_file, "tsv": tsv_file, "conllu": conllu_file, "jsonl": jsonl_file,
}  # fmt: skip


def write_files(folder: Path, format: str, seed: int, sizes: Sequence[int] = (9, 1, 14, 3)) -> list[str]:
    """Write a corpus of a few files, one of them packed and one with a byte order mark."""
    rng, paths, first = np.random.default_rng(seed), [], 0
    for i, n in enumerate(sizes):
        content = MAKERS[format](rng, n, first).encode()
        path = folder / (f"{i}.x.gz" if i == 1 else f"{i}.x")
        content = b"\xef\xbb\xbf" + content if i == 2 else content
        path.write_bytes(gzip.compress(content) if i == 1 else content)
        paths.append(str(path))
        first += n
    return paths
