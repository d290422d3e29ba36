"""Segments: stretches of text of one length, from the first token after each reset of the states."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .multitaper import slepian_tapers

LENGTHS = (512, 256, 128, 64, 32, 16)
"""Tokens of a segment: the longest length of which there are `FEWEST_SEGMENTS` is taken."""
FEWEST_SEGMENTS = 30


@dataclass(frozen=True)
class SegmentPlan:
    """Which segments are read.

    Parameters
    ----------
    length
        Tokens of each; 0 if there are too few of any length.
    n_segment
        Number of segments.
    n_sentence
        Mean number of sentences in a segment.
    note
        The same in words.
    """

    length: int
    n_segment: int
    n_sentence: float
    note: str

    @property
    def sentences_matter(self) -> bool:
        """Whether the rhythm of sentences could make a line.

        n equal pulses in a segment have n / K of the energy near a frequency that they share: fewer than K / 2 are no
        sharp line. So it is where states are reset at each sentence, for then a segment lies inside one.
        """
        return self.length > 0 and self.n_sentence >= slepian_tapers(self.length).n_taper / 2


def plan_segments(stretch: NDArray[np.int64], sentence_start: NDArray[np.int64]) -> SegmentPlan:
    """Choose the length of the segments.

    Parameters
    ----------
    stretch
        First token of each stretch that the model reads without a reset, and the number of tokens.
    sentence_start
        First token of each sentence.
    """
    for length in LENGTHS:
        start = segment_starts(stretch, length)
        if len(start) >= FEWEST_SEGMENTS:
            place = np.searchsorted(sentence_start, np.stack([start, start + length]))
            n_sentence = float((place[1] - place[0]).mean())
            note = f"{len(start):,} segments of {length} tokens with {n_sentence:.1f} sentences each"
            return SegmentPlan(length, len(start), n_sentence, note)
    longest = int(np.diff(stretch).max(initial=0))
    note = (
        f"not tested: a test needs {FEWEST_SEGMENTS} segments of at least {LENGTHS[-1]} tokens that no reset of the "
        f"states interrupts, and there are {len(segment_starts(stretch, LENGTHS[-1]))} (the longest text without a "
        f"reset has {longest:,} tokens)"
    )
    return SegmentPlan(0, 0, 0.0, note)


def segment_starts(stretch: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Return the first token of each segment: one after the other from the start of each stretch, the rest left out.

    >>> segment_starts(np.array([0, 7, 9, 20]), 3).tolist()
    [0, 3, 9, 12, 15]
    """
    n = np.diff(stretch) // length
    first = np.repeat(stretch[:-1] - length * (np.cumsum(n) - n), n)
    return first + length * np.arange(len(first), dtype=np.int64)


def run_starts(column: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return where the value of a column changes, its first token included.

    >>> run_starts(np.array([4, 4, 5, 7, 7])).tolist()
    [0, 2, 3]
    """
    return np.flatnonzero(np.append(True, column[1:] != column[:-1])[: len(column)])


def stretches(
    edges: NDArray[np.integer], sentence_start: NDArray[np.int64], stream_start: NDArray[np.int64], carry: str
) -> NDArray[np.int64]:
    """Return where the model begins anew, or a document does, and the token after the last.

    Segments start there at every carry, so that they are the same stretches of text where states are never reset.

    Parameters
    ----------
    edges
        First token of each document, and the token after the last.
    sentence_start
        First token of each sentence.
    stream_start
        First token of each stream (``carry: streams``), else none.
    carry
        Where states are reset.

    Examples
    --------
    >>> stretches(np.array([0, 6, 9]), np.array([0, 4, 6]), np.array([0, 5]), "streams").tolist()
    [0, 5, 6, 9]
    """
    resets = np.append(stream_start, sentence_start) if carry == "sentence" else stream_start
    return np.union1d(edges, resets).astype(np.int64)
