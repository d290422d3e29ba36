"""What a user should know of a source that is not as Java should be."""

from collections.abc import Iterator

import numpy as np

from ..reader import Remark
from .lexer import COMMENT, STRAY, Tokens
from .lines import line_number

DECLARING = frozenset(("class", "interface", "enum", "record", "package", "module"))
"""One of these words is in every source of Java 17."""


def remark_on(name: str, tokens: Tokens, n_unmatched: int) -> Iterator[Remark]:
    """Yield a remark on a source that is broken, empty or of another language.

    Parameters
    ----------
    name
        Of the source, for its user.
    tokens
        All of it.
    n_unmatched
        Its brackets without partner.
    """
    if not (tokens.kind != COMMENT).any():
        yield Remark(f"{name} holds no token of Java, comments aside.")
        return
    if DECLARING.isdisjoint(tokens.forms):
        yield Remark(f"{name} declares no class, interface, enum, record, package or module: is it Java?")
    found = [f"{n} {what}s that do not end" for what, n in sorted(tokens.n_unfinished.items()) if what]
    if n_unmatched:
        found.append(f"{n_unmatched} brackets without partner")
    stray = np.flatnonzero(tokens.kind == STRAY)
    if len(stray):
        first = int(stray[0])
        line = line_number(tokens.text, int(tokens.start[first]))
        found.append(f"{len(stray)} characters that begin no token (line {line}: {tokens.forms[first]!r})")
    if found:
        yield Remark(f"{name} is broken: {', '.join(found)}. All of it is kept as it stands.")
