"""How fast Java is read: the lexer beside a peer, the reader with all its columns, and the coded corpus.

Each is timed by the processor's time of one process over the same sources, several rounds in turn, and the median is
kept; rates are of the lexer's tokens. Peers are the leaves of tree-sitter's parser and javalang's tokenizer, as far as
they are installed. The exit code is 1 if the lexer makes fewer than 500,000 tokens a second.

    python tests/benchmarks/java_reading.py SOURCES [--files 1500] [--rounds 5]

SOURCES is a folder or an archive, such as the ``src.zip`` of a JDK.
"""

import argparse
import importlib
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from lstm_analysis.corpus import find_reader
from lstm_analysis.corpus.files import DocumentNames
from lstm_analysis.corpus.java.decoding import read_text
from lstm_analysis.corpus.java.lexer import find_tokens
from lstm_analysis.corpus.part_reading import read_part
from lstm_analysis.corpus.parts import Part
from lstm_analysis.corpus.reader import Reader, Remark, Text
from lstm_analysis.corpus.sentences import JavaOptions, Source

TARGET = 500_000


def main() -> int:
    """Time all and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources")
    parser.add_argument("--files", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    reader, source = find_reader("java", [options.sources])
    texts = reader.texts(source)
    chosen = random.Random(0).sample(texts, min(options.files, len(texts)))
    contents = [read_text(text) for text in chosen]
    tasks = tasks_of(reader, source, chosen, contents)
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    n_token = tasks["lexer"]()
    for task in tasks.values():
        task()
    for _ in range(options.rounds):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            seconds[name].append(time.process_time() - start)
    print(f"{n_token:,} tokens of {len(chosen):,} files, {sum(map(len, contents)) / 1e6:.1f} million characters")
    base = statistics.median(seconds["lexer"])
    for name, found in seconds.items():
        middle = statistics.median(found)
        print(f"{name:<28}{n_token / middle:>12,.0f} tokens/s  {middle / base:>6.2f} x the lexer's time")
    return int(n_token / base < TARGET)


def tasks_of(reader: Reader, source: Source, texts: list[Text], contents: list[str]) -> dict[str, Callable[[], int]]:
    """Return what is timed, each returning how many tokens it found."""

    def lex() -> int:
        return sum(len(find_tokens(content).without_comments().forms) for content in contents)

    def read(**options: bool) -> Callable[[], int]:
        chosen = [replace(text, java=JavaOptions(**options)) for text in texts]
        return lambda: sum(
            len(found.tokens)
            for text in chosen
            for found in reader.read(text, DocumentNames())
            if not isinstance(found, Remark)
        )

    def code() -> int:
        return len(read_part(reader, source, Part(0, tuple(texts), 0), "</s>", None, None).coded.type_id)

    return {
        "lexer": lex,
        **peers(contents),
        "reader, unpacking included": read(),
        "reader, comments, sub-tokens": read(comments=True, subtokens=True),
        "coded corpus": code,
    }


def peers(contents: list[str]) -> dict[str, Callable[[], int]]:
    """Return the tokenizers of others that are installed."""
    found: dict[str, Callable[[], int]] = {}
    try:
        tree_sitter, grammar = map(importlib.import_module, ("tree_sitter", "tree_sitter_java"))
    except ImportError:
        print("tree-sitter and its Java grammar are not installed")
    else:
        parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
        found["tree-sitter, leaves"] = lambda: sum(leaves(parser.parse(text.encode())) for text in contents)
    try:
        tokenizer = importlib.import_module("javalang.tokenizer")
    except ImportError:
        print("javalang is not installed")
    else:
        found["javalang"] = lambda: sum(len(list(tokenizer.tokenize(text, ignore_errors=True))) for text in contents)
    return found


def leaves(tree) -> int:
    """Walk over a syntax tree, make the text of each leaf and count them."""
    cursor, n = tree.walk(), 0
    while True:
        if not cursor.goto_first_child():
            n += bool(cursor.node.text)
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return n


if __name__ == "__main__":
    sys.exit(main())
