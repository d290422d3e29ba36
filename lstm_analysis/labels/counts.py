"""What the labels rest on: tokens, distinct types and distinct documents of each concept and group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from .source import BASELINE, TARGET

_WORD_BITS = 64
_ROWS_AT_ONCE = 1 << 13
_VALUES = dict(zip(schema.GROUPS, (BASELINE, TARGET), strict=True))


@dataclass(frozen=True, eq=False)
class BlockCounts:
    """Counts of the labels of a block, small enough to travel: it has rows for the types and documents that it holds.

    Parameters
    ----------
    n_token
        Tokens, dims (concept, group).
    types, documents
        Sorted, dims (type) and (document).
    type_seen, document_seen
        Bits of the concepts in words of 64, dims (group, type, word) and (group, document, word).
    """

    n_token: NDArray[np.int64]
    types: NDArray[np.integer]
    documents: NDArray[np.integer]
    type_seen: NDArray[np.uint64]
    document_seen: NDArray[np.uint64]


def count_block(label: NDArray[np.int8], type_id: NDArray[np.integer], document: NDArray[np.integer]) -> BlockCounts:
    """Return the counts of a block; parameters as of `LabelCounts.update`."""
    n_group, n_concept = len(schema.GROUPS), label.shape[1]
    types, type_row = np.unique(type_id, return_inverse=True)
    documents, document_row = np.unique(document, return_inverse=True)
    n_word = -(-n_concept // _WORD_BITS)
    n_token = np.zeros((n_concept, n_group), dtype=np.int64)
    type_seen = np.zeros((n_group, len(types), n_word), dtype=np.uint64)
    document_seen = np.zeros((n_group, len(documents), n_word), dtype=np.uint64)
    for start in range(0, len(label), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        for group, value in enumerate(_VALUES.values()):
            member = label[rows] == value
            n_token[:, group] += np.count_nonzero(member, axis=0)
            bits = _pack(member)
            _mark(type_seen[group], type_row[rows], bits)
            _mark(document_seen[group], document_row[rows], bits)
    return BlockCounts(n_token, types, documents, type_seen, document_seen)


@dataclass(eq=False)
class LabelCounts:
    """Counts of labels, fed block by block in any order; every block counts once.

    Which types and documents were seen is one bit for each concept and group.

    Parameters
    ----------
    concepts
        Names of the concepts.
    n_token
        Tokens, dims (concept, group).
    type_seen, document_seen
        Bits of the concepts in words of 64, dims (group, type, word) and (group, document, word).
    """

    concepts: tuple[str, ...]
    n_token: NDArray[np.int64]
    type_seen: NDArray[np.uint64]
    document_seen: NDArray[np.uint64]

    @classmethod
    def empty(cls, concepts: Sequence[str], n_type: int, n_document: int) -> "LabelCounts":
        """Return the counts of no token, the identity of `merge`.

        Parameters
        ----------
        concepts
            Names of the concepts.
        n_type, n_document
            Sizes of the corpus tables `type` and `document_name`.
        """
        n_group, n_word = len(schema.GROUPS), -(-len(concepts) // _WORD_BITS)
        return cls(
            tuple(concepts),
            np.zeros((len(concepts), n_group), dtype=np.int64),
            np.zeros((n_group, n_type, n_word), dtype=np.uint64),
            np.zeros((n_group, n_document, n_word), dtype=np.uint64),
        )

    def update(self, label: NDArray[np.int8], type_id: NDArray[np.integer], document: NDArray[np.integer]) -> None:
        """Count a block.

        Parameters
        ----------
        label
            Labels, dims (time, concept).
        type_id, document
            Surface form and document of its tokens, dim (time).
        """
        self.add(count_block(label, type_id, document))

    def add(self, block: "BlockCounts") -> None:
        """Count a block that was counted apart."""
        self.n_token += block.n_token
        self.type_seen[:, block.types] |= block.type_seen
        self.document_seen[:, block.documents] |= block.document_seen

    def merge(self, other: "LabelCounts") -> "LabelCounts":
        """Return the counts of the blocks of both, which must have no block in common."""
        return LabelCounts(
            self.concepts,
            self.n_token + other.n_token,
            self.type_seen | other.type_seen,
            self.document_seen | other.document_seen,
        )

    def finalise(self) -> xr.Dataset:
        """Return `n_token`, `n_type` and `n_document`, dims (concept, group)."""
        dims = ("concept", "group")
        n_concept = len(self.concepts)
        counts = {
            "n_token": (dims, self.n_token.copy()),
            "n_type": (dims, _count_bits(self.type_seen, n_concept)),
            "n_document": (dims, _count_bits(self.document_seen, n_concept)),
        }
        coords = {
            "concept": np.array(self.concepts, dtype=object),
            "group": np.array(schema.GROUPS, dtype=object),
        }
        dataset: xr.Dataset = schema.attach_attrs(xr.Dataset(counts, coords))
        return dataset


def empty_concepts(counts: xr.Dataset) -> list[str]:
    """Return the concepts without a target token.

    Parameters
    ----------
    counts
        Dataset with `n_token`, such as labels or finalised counts.
    """
    n_target = counts["n_token"].sel(group="target")
    return [str(name) for name in n_target["concept"].to_numpy()[n_target.to_numpy() == 0]]


def _pack(member: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return the rows of a table of truth values as words of 64 bits."""
    n_word = -(-member.shape[1] // _WORD_BITS)
    packed = np.packbits(member, axis=1, bitorder="little")
    padded = np.zeros((len(member), n_word * _WORD_BITS // 8), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64)


def _mark(seen: NDArray[np.uint64], index: NDArray[np.integer], bits: NDArray[np.uint64]) -> None:
    """Add the bits of each row to those of its index, in place."""
    order = np.argsort(index, kind="stable")
    ordered = index[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    seen[ordered[first]] |= np.bitwise_or.reduceat(bits[order], first, axis=0)


def _count_bits(seen: NDArray[np.uint64], n_concept: int) -> NDArray[np.int64]:
    """Return how many rows have the bit of each concept, dims (concept, group)."""
    counts = np.zeros((n_concept, len(seen)), dtype=np.int64)
    for group, table in enumerate(seen):
        for start in range(0, len(table), _ROWS_AT_ONCE):
            octets = table[start : start + _ROWS_AT_ONCE].view(np.uint8)
            bits = np.unpackbits(octets, axis=1, count=n_concept, bitorder="little")
            counts[:, group] += np.count_nonzero(bits, axis=0)
    return counts
