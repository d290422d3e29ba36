"""Braces and parentheses around tokens of Java, and where statements end."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled
from .lexer import COMMENT, Tokens

_OPEN, _CLOSE, _OPEN_BRACE, _CLOSE_BRACE, _SEMICOLON = map(ord, "(){};")
_BEFORE_VALUES = frozenset(("=", "]", ",", "(", "default"))
"""What stands before the brace of an array's values: no block can begin after one of these."""
_PARENTHESIS, _BLOCK, _VALUES = range(3)


class Nesting(NamedTuple):
    """How tokens are nested.

    Parameters
    ----------
    brace_depth, parenthesis_depth
        Open around each token, a bracket's own included, dims (token).
    ends
        Whether a sentence ends with the token, dims (token).
    n_unmatched
        Brackets that have no partner.
    """

    brace_depth: NDArray[np.int32]
    parenthesis_depth: NDArray[np.int32]
    ends: NDArray[np.bool_]
    n_unmatched: int


def nest(tokens: Tokens) -> Nesting:
    """Return how the tokens of a source are nested.

    A sentence is a statement: it ends with ``;``, ``{`` or ``}``. Two of these end none: ``;`` between parentheses (the
    head of a ``for``), and the braces around the values of an array (``int[] a = {1, 2};``, ``@A({"x", "y"})``). The
    block of a lambda or of an anonymous class has statements of its own, whatever parentheses are around it. A comment
    between two statements is a sentence, one in the midst of a statement belongs to it.

    In a broken source a closing brace closes the parentheses that are open since its partner, and a closing bracket
    without partner changes no depth.
    """
    n = len(tokens.start)
    depths = np.zeros(n, np.int32), np.zeros(n, np.int32)
    ends = np.zeros(n, np.bool_)
    unmatched = _nest(tokens.sign, tokens.kind == COMMENT, _opens_values(tokens), *depths, ends)
    return Nesting(*depths, ends, unmatched)


def _opens_values(tokens: Tokens) -> NDArray[np.bool_]:
    """Return which braces the token before them says to be those of an array's values."""
    found = np.zeros(len(tokens.start), np.bool_)
    forms, comment = tokens.forms, tokens.kind == COMMENT
    for i in np.flatnonzero(tokens.sign == _OPEN_BRACE).tolist():
        before = i - 1
        while before >= 0 and comment[before]:
            before -= 1
        found[i] = before >= 0 and forms[before] in _BEFORE_VALUES
    return found


@compiled
def _nest(
    sign: NDArray[np.int32],
    comment: NDArray[np.bool_],
    opens_values: NDArray[np.bool_],
    brace_depth: NDArray[np.int32],
    parenthesis_depth: NDArray[np.int32],
    ends: NDArray[np.bool_],
) -> int:
    """Fill the columns of `Nesting`; return the number of brackets without partner."""
    stack = np.zeros(len(sign) + 1, np.uint8)
    stack[0] = _BLOCK
    top = braces = parentheses = unmatched = before = 0
    for i in range(len(sign)):
        c = sign[i]
        if c in (_OPEN, _OPEN_BRACE):
            inner = opens_values[i] or (before == _OPEN_BRACE and stack[top] == _VALUES)
            top += 1
            stack[top] = _PARENTHESIS if c == _OPEN else _VALUES if inner else _BLOCK
            parentheses += c == _OPEN
            braces += c == _OPEN_BRACE
        if c == _CLOSE_BRACE and braces > 0:
            while stack[top] == _PARENTHESIS:
                top -= 1
                parentheses -= 1
                unmatched += 1
        brace_depth[i], parenthesis_depth[i] = braces, parentheses
        kind = stack[top]
        if comment[i]:
            ends[i] = i == 0 or ends[i - 1]
            continue
        ends[i] = (c in (_OPEN_BRACE, _CLOSE_BRACE) and kind != _VALUES) or (c == _SEMICOLON and kind != _PARENTHESIS)
        if c == _CLOSE and kind == _PARENTHESIS:
            top -= 1
            parentheses -= 1
        elif c == _CLOSE_BRACE and braces > 0:
            top -= 1
            braces -= 1
        else:
            unmatched += c in (_CLOSE, _CLOSE_BRACE)
        if c == _SEMICOLON and kind == _VALUES:
            stack[top] = _BLOCK  # the values were never closed
        before = c
    return unmatched + top
