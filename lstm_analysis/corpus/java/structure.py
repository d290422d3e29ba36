"""Where tokens stand in the structure of a Java source, by the syntax tree of tree-sitter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from .syntax import BODY, BRACES, REGIONS, Rules, Value, rules

_INSIDE = tuple(" ".join(word for i, word in enumerate(REGIONS) if code >> i & 1) for code in range(1 << len(REGIONS)))
"""What the column ``inside`` says for each set of regions, bit i for region i."""
_ROLES = ("", "use", "declaration")
_METHOD = ("", "body", "start", "end")


def structure_columns(text: str, start: NDArray[np.int32]) -> tuple[dict[str, list[str]], dict[str, NDArray[np.int32]]]:
    """Return where each token stands in the structure of a Java source.

    A token has the values of the place where it begins, so the words of a comment and the sub-tokens of an identifier
    have those of the whole, and ``>>`` that ends two lists of type arguments has those of the inner one. Of a source
    with mistakes, what the parser understands has its values all the same.

    Parameters
    ----------
    text
        The source.
    start
        First character of each token, ascending, dims (token).

    Returns
    -------
    The text columns, a value a token, ``""`` for none: ``inside``, `REGIONS` that the token is in, in their order and
    with a blank between; ``role``, ``declaration`` or ``use`` of a name; ``statement``, the kind of the innermost
    statement or declaration; ``method``, ``start`` and ``end`` for the braces of the body of a method or constructor,
    ``body`` between. And the number ``generic_depth``, how many pairs of angle brackets of types are around the token,
    its own included.

    Raises
    ------
    UserError
        If tree-sitter or its Java grammar is not installed.
    """
    nodes = _nodes(text, start)
    inside = np.zeros(len(start), dtype=np.int64)
    for i, region in enumerate(REGIONS):
        inside |= (nodes.depth(("inside", region)) > 0).astype(np.int64) << i
    role = np.where(nodes.depth(("role", "use"), ("role", "type")) > 0, 1, 0)
    role[nodes.depth(("role", "declaration")) > 0] = 2
    method = np.where(nodes.depth(BODY) > 0, 1, 0)
    method[nodes.depth(BRACES["{"]) > 0] = 2
    method[nodes.depth(BRACES["}"]) > 0] = 3
    columns = {
        "inside": _said(_INSIDE, inside),
        "role": _said(_ROLES, role),
        "statement": nodes.innermost("statement"),
        "method": _said(_METHOD, method),
    }
    return columns, {"generic_depth": nodes.depth(("generic", "")).astype(np.int32)}


def _said(words: Sequence[str], code: NDArray[np.int64]) -> list[str]:
    return [words[i] for i in code.tolist()]


def require_grammar() -> None:
    """Refuse to go on without tree-sitter's Java grammar.

    Raises
    ------
    UserError
        If it is not installed.
    """
    _grammar()


@cache
def _grammar() -> tuple[Any, Rules]:
    """Return tree-sitter's Java language and the rules by its numbers."""
    try:
        import tree_sitter
        import tree_sitter_java
    except ImportError:
        raise UserError(
            "The structure of Java (corpus.structure: true) needs tree-sitter and its Java grammar, which are not "
            "installed. Install them with `pip install 'lstm-analysis[java]'`, or leave the structure out."
        ) from None
    language = tree_sitter.Language(tree_sitter_java.language())
    return language, rules(language)


@dataclass(frozen=True)
class Nodes:
    """The nodes of a syntax tree that say something, as intervals of tokens, outer nodes first.

    Parameters
    ----------
    n_token
        Tokens of the text.
    values
        What nodes can say: a column and a value of it.
    value
        Index of what each node says, dims (node).
    first, last
        First token of the node and the one after its last, dims (node).
    """

    n_token: int
    values: tuple[Value, ...]
    value: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def depth(self, *values: Value) -> NDArray[np.int64]:
        """Return how many nodes around each token say one of the values, dims (token)."""
        here = self._say([value in values for value in self.values])
        change = np.bincount(self.first[here], minlength=self.n_token + 1)
        change -= np.bincount(self.last[here], minlength=self.n_token + 1)
        return np.cumsum(change)[:-1]

    def innermost(self, column: str) -> list[str]:
        """Return what the innermost node around each token says of a column, ``""`` where there is none."""
        here = self._say([value[0] == column for value in self.values]) & (self.first < self.last)
        said: list[str] = []
        around = [(self.n_token, "")]
        nodes = zip(self.first[here].tolist(), self.last[here].tolist(), self.value[here].tolist(), strict=True)
        for first, last, value in nodes:
            _close(around, first, said)
            said += [around[-1][1]] * (first - len(said))
            around.append((last, self.values[value][1]))
        _close(around, self.n_token, said)
        return said

    def _say(self, wanted: list[bool]) -> NDArray[np.bool_]:
        """Return which nodes say a wanted one of the values, dims (node)."""
        return np.array(wanted)[self.value]


def _close(around: list[tuple[int, str]], place: int, said: list[str]) -> None:
    """Fill up to the ends of those nodes around a place that end before it, and take them off."""
    while around and around[-1][0] <= place:
        end, value = around.pop()
        said += [value] * (end - len(said))


def _nodes(text: str, start: NDArray[np.int32]) -> Nodes:
    """Return the nodes of a text by the tokens that begin in them."""
    source = text.encode("utf-8", "surrogatepass")
    language, table = _grammar()
    number = {value: i for i, value in enumerate(table.values)}
    body, type_name = number[BODY], number["role", "type"]
    rows: list[int] = []
    for value, node in _walk(source, language, table):
        begin, end = node.byte_range
        if value != type_name or source[begin:end] != b"var":
            rows += (value, begin, end)
        if value == body:
            for brace in node.children[:1] + node.children[-1:]:
                if brace.type in BRACES:
                    rows += (number[BRACES[brace.type]], *brace.byte_range)
    found = np.array(rows, dtype=np.int64).reshape(-1, 3)
    token = start if len(source) == len(text) else _byte_offsets(text)[start]
    first, last = np.searchsorted(token, found[:, 1]), np.searchsorted(token, found[:, 2])
    return Nodes(len(start), table.values, found[:, 0], first, last)


def _byte_offsets(text: str) -> NDArray[np.int64]:
    """Return where each character of a text begins in UTF-8."""
    code = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    n_byte = 1 + (code >= 0x80).astype(np.int64) + (code >= 0x800) + (code >= 0x10000)
    return np.cumsum(n_byte) - n_byte


def _walk(source: bytes, language: Any, table: Rules) -> Iterator[tuple[int, Any]]:
    """Yield what the nodes of the syntax tree say and the nodes, outer ones first."""
    import tree_sitter

    cursor: Any = tree_sitter.Parser(language).parse(source).walk()
    by_kind, by_place = table.by_kind, table.by_place
    around: list[Mapping[tuple[int, int], int] | None] = []
    of_parent = None
    while True:
        node = cursor.node
        kind = node.kind_id
        for value in by_kind.get(kind, ()):
            yield value, node
        if of_parent is not None:
            field = cursor.field_id or 0
            of_place = of_parent.get((field, kind), of_parent.get((field, 0)))
            if of_place is not None:
                yield of_place, node
        if cursor.goto_first_child():
            around.append(of_parent)
            of_parent = by_place.get(kind)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            of_parent = around.pop()
