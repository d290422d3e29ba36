"""The pattern language of concept files, and which surface forms of a corpus each slot of a pattern accepts.

A pattern is slots between blanks. A slot is a word; ``prefix*``, every word that begins so; ``{a|b|c}``, one
of these; or ``~``, a gap of any 1 to ``max_gap`` tokens. Patterns and surface forms are compared in lower case.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..subtokens import split_identifier

Slot = tuple[str, ...]
Pattern = tuple[Slot, ...]
Phrases = tuple[tuple[str, tuple[Pattern, ...]], ...]
GAP: Slot = ()
MAX_GAP = 3
_LAST_CHARACTER = "\U0010ffff"


def parse_pattern(text: str) -> Pattern:
    """Return the slots of a pattern, each as its sorted words; a gap is the empty slot.

    Raises
    ------
    ValueError
        If the pattern is empty, begins or ends with a gap, or has braces that are not ``{a|b}``.

    >>> parse_pattern("{takes|take} ~ for granted")
    (('take', 'takes'), (), ('for',), ('granted',))
    """
    slots = tuple(_slot(part) for part in text.lower().split())
    if not slots:
        raise ValueError("the pattern is empty")
    if GAP in (slots[0], slots[-1]):
        raise ValueError("a pattern must begin and end with a word, not with the gap '~'")
    return slots


def _slot(text: str) -> Slot:
    if text == "~":
        return GAP
    if len(text) == 1 or not (text.startswith("{") or text.endswith("}")):
        return (text,)
    words = text[1:-1].split("|")
    if not (text.startswith("{") and text.endswith("}") and all(words)):
        raise ValueError(f"the alternatives {text!r} must be written {{a|b|c}}, without blanks and none of them empty")
    return tuple(sorted(set(words)))


def union(slots: Iterable[Slot]) -> Slot:
    """Return the slot that accepts what any of the slots accepts.

    >>> union([("senate",), ("bill", "bills")])
    ('bill', 'bills', 'senate')
    """
    return tuple(sorted({word for slot in slots for word in slot}))


@dataclass(frozen=True)
class TypeTable:
    """The surface forms of a corpus; tables of the same forms are equal."""

    digest: bytes
    forms: tuple[str, ...] = field(compare=False, repr=False)

    @classmethod
    def of(cls, corpus: xr.Dataset) -> "TypeTable":
        """Return the table of a corpus, whichever string type its store gave it."""
        forms = tuple(corpus["type"].to_numpy().tolist())
        text = "\0".join(forms).encode("utf-8", "surrogatepass")
        return cls(hashlib.blake2b(text, digest_size=16).digest(), forms)


@lru_cache(maxsize=16)
def accepted_types(phrases: Phrases, types: TypeTable, subtokens: bool = False) -> Mapping[Slot, NDArray[np.int32]]:
    """Return for each slot of the phrases the `type_id` of the surface forms it accepts, ascending.

    With ``subtokens`` a slot accepts an identifier also for one of its sub-tokens.

    Kept from one block to the next, so that the surface forms are gone through once a process.
    """
    ids: dict[str, list[int]] = {}
    for type_id, form in enumerate(types.forms):
        for name in _names(form, subtokens):
            ids.setdefault(name, []).append(type_id)
    known = sorted(ids)
    slots = {slot for _, patterns in phrases for pattern in patterns for slot in pattern}
    return {slot: _accepted(slot, ids, known) for slot in slots}


def _names(form: str, subtokens: bool) -> set[str]:
    """Return what a surface form is known by: itself, and if asked for its sub-tokens if it is an identifier."""
    names = {form.lower()}
    if subtokens and form.replace("$", "_").isidentifier():
        names |= {form[start:stop].lower() for start, stop in split_identifier(form)}
    return names


def _accepted(slot: Slot, ids: Mapping[str, list[int]], known: list[str]) -> NDArray[np.int32]:
    forms: set[str] = set()
    for word in slot:
        if len(word) > 1 and word.endswith("*"):
            first, last = bisect_left(known, word[:-1]), bisect_left(known, word[:-1] + _LAST_CHARACTER)
            forms.update(known[first:last])
        elif word in ids:
            forms.add(word)
    return np.array(sorted({type_id for form in forms for type_id in ids[form]}), dtype=np.int32)
