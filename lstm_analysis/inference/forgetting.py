"""How long a model remembers where reading began, and when two states are the same."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .reader import Stream, StreamReader

N_PROBE = 8
PROBE_PAST = 2048
"""Tokens read before a probe, so that one of its two readings begins from a state as the text makes it."""
STEP = 256
MAX_SHARE = 24
"""A memory longer than this part of the corpus is not measured: parallel lanes would not pay."""
MAX_PROBE = 1 << 17
MARGIN, MARGIN_IN_EFFECT = 1.25, 2.0
"""What is measured on a few probes is not the longest there is; that h agrees says less than that h and c do."""
ROUNDING = 2.0**-21
"""Four units in the last place of float32: cell states in the hundreds cannot agree to an absolute 5e-6."""
SATURATION = 9.5
"""|c| from which tanh(c) is 1 in float32: h shows nothing but the sign."""
LASTING = 0.9
"""Share of a difference in c that, still there when h agrees, counts as never forgotten."""


def allowed(cell: NDArray[np.floating], tolerance: float) -> NDArray[np.float64]:
    """Return by how much a cell state may be off: the tolerance, and rounding, 2**-21 of its size."""
    return np.asarray(tolerance + ROUNDING * np.abs(cell.astype(np.float64)))


def differing(a: NDArray[np.floating], b: NDArray[np.floating], tolerance: float) -> NDArray[np.bool_]:
    """Whether values of two carried states differ by more than is allowed, dims (lane, part, layer, neuron)."""
    limit = np.full(b.shape, tolerance)
    limit[:, 1:] = allowed(b[:, 1:], tolerance)
    return ~np.asarray(np.abs(a.astype(np.float64) - b) <= limit)


def agree(
    a: NDArray[np.floating], b: NDArray[np.floating], tolerance: float, *, in_effect: bool = False
) -> NDArray[np.bool_]:
    """Whether two carried states are the same, in h and in c: a saturated c hides differences from h.

    Parameters
    ----------
    a, b
        Dims (lane, part, layer, neuron), the first part h.
    tolerance
        Largest difference; for c see `allowed`.
    in_effect
        Let cells differ that are saturated in both: they act alike for now, and can be settled later.

    Returns
    -------
    Dims (lane).
    """
    apart = differing(a, b, tolerance)
    if in_effect:
        apart[:, 1:] &= ~_saturated(a[:, 1:], b[:, 1:])
    return np.asarray(~apart.any(axis=(1, 2, 3)))


def _saturated(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.bool_]:
    return np.asarray((np.sign(a) == np.sign(b)) & (np.minimum(np.abs(a), np.abs(b)) >= SATURATION))


def probe_positions(n_token: int) -> list[tuple[int, int, int]]:
    """Return where the probes' pasts begin, where they begin themselves, and where they end at the latest."""
    length = n_token // N_PROBE
    past, text = min(PROBE_PAST, length // 4), min(n_token // MAX_SHARE, MAX_PROBE)
    starts = [i * length + past + i for i in range(N_PROBE)]
    return [(start - past - i, start, start + text) for i, start in enumerate(starts)] if text >= STEP else []


def measure_forgetting(
    reader: StreamReader,
    probes: Sequence[tuple[NDArray[np.int32], NDArray[np.int32]]],
    tolerance: float,
    *,
    in_effect: bool = False,
) -> int | None:
    """Return after how many tokens the model's state no longer depends on the state that reading began from.

    Each probe is read twice, from zeros and from the state after its past, until h and c agree. A neuron that never
    forgets, a counter or an oscillator, keeps them apart.

    Parameters
    ----------
    reader
        The model.
    probes
        Vocabulary indices of the past and of the text of each probe.
    tolerance, in_effect
        As for `agree`.

    Returns
    -------
    The largest number over the probes, a multiple of 256; ``None`` if a probe ends before its readings agree, or if a
    cell that may differ has hardly begun to forget by then.
    """
    if not probes:
        return None
    lived = np.stack(reader.read([Stream(past) for past, _ in probes], {}))
    fresh, at_first = np.zeros_like(lived), np.abs(lived)
    waiting, at = np.arange(len(probes)), 0
    while len(waiting):
        texts = [probes[i][1][at : at + STEP] for i in waiting.tolist()]
        if any(len(text) < STEP for text in texts):
            return None
        starts = [*lived[waiting], *fresh[waiting]]
        ends = np.stack(reader.read([Stream(t, start=s) for t, s in zip([*texts, *texts], starts, strict=True)], {}))
        lived[waiting], fresh[waiting] = ends[: len(waiting)], ends[len(waiting) :]
        waiting = waiting[~agree(lived[waiting], fresh[waiting], tolerance, in_effect=in_effect)]
        at += STEP
    lasts = differing(lived, fresh, tolerance) & (np.abs(lived - fresh) > LASTING * at_first)
    if lasts.any():
        return None
    return at


def in_rows(
    lag: int | None,
    probes: Sequence[tuple[int, int, int]],
    texts: Sequence[tuple[NDArray[np.int32], NDArray[np.int32]]],
) -> int | None:
    """Return a number of tokens that the model reads as one of rows of the corpus, where a row is several pieces."""
    if lag is None:
        return None
    pieces = min(len(text) / (stop - start) for (_, start, stop), (_, text) in zip(probes, texts, strict=True))
    return math.ceil(lag / max(pieces, 1) / STEP) * STEP


def warm_up(lag: int | None, *, in_effect: bool = False) -> int | None:
    """Return how many tokens before its start a lane is scouted, given the measured forgetting."""
    margin = MARGIN_IN_EFFECT if in_effect else MARGIN
    return None if lag is None else -(-int(lag * margin) // STEP) * STEP
