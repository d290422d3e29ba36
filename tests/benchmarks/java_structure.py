"""How long the structure columns of Java take, beside the lexer and the parser: times and ratios.

``python tests/benchmarks/java_structure.py FOLDER [--files N]`` reads the Java sources below a folder.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import tree_sitter
import tree_sitter_java

from lstm_analysis.corpus.java.lexer import find_tokens
from lstm_analysis.corpus.java.structure import structure_columns

ROUNDS = 3


def best(work: Callable[[], object]) -> float:
    """Return the least processor time of some rounds, in seconds."""
    times = []
    for _ in range(ROUNDS):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return min(times)


def main() -> None:
    """Print a row for each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=200)
    options = parser.parse_args()
    files = sorted(options.folder.rglob("*.java"))
    files = files[:: max(1, len(files) // options.files)]
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    tokens = [find_tokens(text) for text in texts]
    n_token = sum(len(found.start) for found in tokens)
    tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_java.language()))
    steps: dict[str, Callable[[], object]] = {
        "lexer": lambda: [find_tokens(text) for text in texts],
        "parser": lambda: [tree.parse(text.encode()) and None for text in texts],
        "structure": lambda: [structure_columns(found.text, found.start) for found in tokens],
    }
    seconds = {name: best(work) for name, work in steps.items()}
    print(f"{len(texts)} files, {n_token} tokens and comments")
    for name, taken in seconds.items():
        print(
            f"{name:10}{taken:8.2f} s {n_token / taken:12,.0f} tokens/s {taken / seconds['parser']:6.2f} of the parser"
        )


if __name__ == "__main__":
    main()
