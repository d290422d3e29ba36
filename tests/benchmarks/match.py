"""What a search for a pattern costs, beside what one would write with numpy.

States of a corpus of 929,589 tokens and 2 x 650 neurons are simulated (neurons follow 64 slow signals, so that patterns
come again) and written as a run keeps them, 4.8 GB; the index of bits is made of them. Then everything runs in one
process, in interleaved rounds; medians of the processor's milliseconds are printed, and how many times as fast as
counting with numpy in memory each is. Run it as ``python tests/benchmarks/match.py``; it needs 6 GB of memory and of
disk (``--tokens`` for less).
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from threadpoolctl import threadpool_limits

from lstm_analysis.match.agreement import Chosen, agreeing, count_agreeing, mask_of_all
from lstm_analysis.match.bit_index import BitIndex, Source, Store, open_index
from lstm_analysis.match.counting import count_on
from lstm_analysis.match.lstmvis import Constraints, lstmvis_matches
from lstm_analysis.match.native import Groups, Pattern, find_places
from lstm_analysis.match.null import draw_spans, null_jaccard
from lstm_analysis.match.threshold import smallest_on
from lstm_analysis.state_store import create_activations
from lstm_analysis.store import write_rows

N_LAYER, N_NEURON, N_SIGNAL = 2, 650, 64
SHARD, LONGEST, N_DOCUMENT, DRAWS = 65_536, 12, 105, 9
THRESHOLD = 0.3


@dataclass
class Row:
    """A line of the table: what is timed, by how much a measurement is divided, the milliseconds of each round."""

    name: str
    work: Callable[[], object]
    parts: int = 1
    times: list[float] = field(default_factory=list)

    def time(self) -> None:
        """Do the work once."""
        begin = time.process_time()
        self.work()
        self.times.append(1e3 * (time.process_time() - begin) / self.parts)


def simulate(n_time: int) -> NDArray[np.float32]:
    """Return states (time, layer, neuron)."""
    rng = np.random.default_rng(0)
    signals = rng.standard_normal((n_time, N_SIGNAL), np.float32)
    signals = lfilter([0.6], [1, -0.8], signals, axis=0).astype(np.float32)
    weight = rng.standard_normal((N_SIGNAL, N_LAYER * N_NEURON), np.float32) / 12
    states = np.empty((n_time, N_LAYER * N_NEURON), np.float32)
    for start in range(0, n_time, SHARD):
        rows = slice(start, start + SHARD)
        np.tanh(signals[rows] @ weight - 0.1, out=states[rows])
    return states.reshape(n_time, N_LAYER, N_NEURON)


def make_index(folder: Path, states: NDArray[np.float32]) -> tuple[BitIndex, float]:
    """Write the states as a run does, make their index, and return it with the seconds that took."""
    place, n_time = folder / "activations.zarr", len(states)
    create_activations(place, *states.shape, {"hidden_state": "float32"}, SHARD, "simulated", ())
    for start in range(0, n_time, SHARD):
        span = (start, min(n_time, start + SHARD))
        write_rows(place, [span], SHARD, {"hidden_state": states[slice(*span)]})
    begin = time.process_time()
    source = Source("hidden_state", False, smallest_on(THRESHOLD), "both")
    return open_index(folder, Store(place, "simulated"), source), time.process_time() - begin


def numpy_counts(flat: NDArray[np.float32], columns: NDArray[np.intp]) -> NDArray[np.int64]:
    """Count the neurons that are on at each token."""
    return (flat[:, columns] >= THRESHOLD).sum(axis=1)


def numpy_lstmvis(flat: NDArray[np.float32], columns: NDArray[np.intp], most: int) -> list[tuple[int, int]]:
    """Do what LSTMVis does, constrained to the left, as one would write it with numpy."""
    counts, found, level = numpy_counts(flat, columns), {}, len(columns)
    while level and len(found) < most:
        on = np.concatenate([[0], counts >= level, [0]])
        start, stop = np.flatnonzero(np.diff(on) == 1), np.flatnonzero(np.diff(on) == -1)
        for a, b in zip(start[stop - start > 1].tolist(), stop[stop - start > 1].tolist(), strict=True):
            found.setdefault((a, b), level - int(counts[a - 1]))
        level -= 1
    ranked = []
    for a, b in sorted(found, key=lambda run: -found[run])[:most]:
        active = (flat[a:b] >= THRESHOLD).all(axis=0) & (flat[a - 1] < THRESHOLD)
        shared = int(active[columns].sum())
        ranked.append((-shared, int(active.sum()) + len(columns) - shared))
    return sorted(ranked)[:50]


def choose_span(bits: BitIndex, n: int) -> tuple[int, int]:
    """Return a span that selects ``n`` neurons, or nearly: the shorter the span, the more it selects."""
    start = np.random.default_rng(1).integers(1, bits.n_time - LONGEST, 1000)
    lengths = range(1, LONGEST)
    found = [count_agreeing(bits, mask_of_all(bits), start, start + length, 1, 0) for length in lengths]
    length, at = np.unravel_index(np.abs(np.array(found) - n).argmin(), (len(lengths), len(start)))
    return int(start[at]), int(start[at]) + lengths[length]


def rows_of(bits: BitIndex, states: NDArray[np.float32], n: int) -> list[Row]:
    """Return what is measured for a span that selects about so many neurons."""
    span, everything = choose_span(bits, n), mask_of_all(bits)
    length = span[1] - span[0]
    conjuncts = agreeing(bits, everything, *span, 1, 0)
    pattern = Pattern(conjuncts, 1, 0, everything)
    groups = Groups(np.linspace(0, bits.n_time, N_DOCUMENT, endpoint=False).astype(np.int64), span)
    drawn, _ = draw_spans(bits, pattern, span, DRAWS, np.random.default_rng(0))
    flat = states.reshape(len(states), -1)
    columns = np.array([layer * N_NEURON + neuron for _, layer, neuron in conjuncts])
    layer = [neuron for side, of, neuron in conjuncts if (side, of) == (0, 0)]
    left = Constraints(True, False)
    n_slab = -(-bits.n_time // (1 << 18))
    return [
        Row("numpy: neurons on at each token", lambda: numpy_counts(flat, columns)),
        Row("the same from bits", lambda: [count_on(Chosen(bits, conjuncts), slab) for slab in range(n_slab)]),
        Row("native search, whole corpus, 50 matches", lambda: find_places(bits, pattern, 50, groups)),
        Row(
            "a random span of its null",
            lambda: null_jaccard(bits, pattern, drawn, length, 50, groups),
            len(drawn),
        ),
        Row("numpy: LSTMVis, fast", lambda: numpy_lstmvis(flat[:500_000, :N_NEURON], np.array(layer), 1000)),
        Row("LSTMVis mode, fast", lambda: lstmvis_matches(bits, 0, layer, "fast", 0, left, 50)),
        Row("LSTMVis mode, precise", lambda: lstmvis_matches(bits, 0, layer, "precise", 0, left, 50)),
    ]


def main() -> None:
    """Measure and print a table for patterns of 5, 20 and 100 neurons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=929_589, help="of the corpus (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds (default %(default)s)")
    options = parser.parse_args()
    threadpool_limits(1)
    states = simulate(options.tokens)
    print(f"{options.tokens:,} x {N_LAYER * N_NEURON:,}, density {(states[::97] >= THRESHOLD).mean():.2f}")
    with tempfile.TemporaryDirectory() as folder:
        bits, seconds = make_index(Path(folder), states)
        print(f"index of both sides made in {seconds:.1f} s")
        for n in (5, 20, 100):
            rows = rows_of(bits, states, n)
            for round_ in range(options.rounds + 1):
                for row in rows:
                    row.time()
                    if round_ == 0:
                        row.times.clear()
            print(f"about {n} neurons")
            for row in rows:
                median = statistics.median(row.times)
                ratio = statistics.median(rows[0].times) / median
                print(f"  {row.name:<42}{median:>10,.1f} ms {ratio:>8.1f} x")


if __name__ == "__main__":
    main()
