"""What the temporal null and the intervals cost, beside what a user would write and beside a full Fourier transform.

Everything runs in one process on one thread, in interleaved rounds; medians of the processor's seconds are printed,
with the GEMM peak of the same run. A row stands for 1,000 shifts (or 64 blocks) of one block of 65 neurons for 50
concepts; the naive loop and the full transform are measured on a part and scaled up. Run it as
``python tests/benchmarks/significance.py``.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lstm_analysis.statistics.block_jackknife import BlockJackknife
from lstm_analysis.statistics.circular_shift import ShiftNull
from lstm_analysis.statistics.jackknife_blocks import jackknife_blocks
from lstm_analysis.statistics.mid_rank import rank_values
from lstm_analysis.statistics.shift_plan import ShiftPlan, plan_shifts

N_DRAW, N_BIN, GEMM_SIZE = 1000, 256, 1536
N_NEURON, N_CONCEPT, N_MODEL_NEURON = 65, 50, 1300
SPAN = 65_536
NAIVE_SHIFTS, FFT_SIDE = 3, 4


@dataclass(frozen=True)
class Row:
    """A line of the table: what is timed, by how much a measurement is multiplied, the seconds of each round."""

    name: str
    work: Callable[[], object]
    times: float
    seconds: list[float]

    def time(self) -> None:
        """Do the work once."""
        begin = time.process_time()
        self.work()
        self.seconds.append((time.process_time() - begin) * self.times)

    @property
    def median(self) -> float:
        """Median seconds of a round."""
        return statistics.median(self.seconds)


class Corpus:
    """Random values and labels of documents, and the counts that a summary would hold."""

    def __init__(self, lengths: NDArray[np.int64], share: float) -> None:
        rng = np.random.default_rng(0)
        self.plan: ShiftPlan = plan_shifts(lengths, N_DRAW, seed=0)
        self.start, n_token = self.plan.document_start, int(lengths.sum())
        self.values = rng.standard_normal((n_token, N_NEURON), np.float32)
        self.bins = (self.values.clip(-3.99, 3.99) * (N_BIN / 8) + N_BIN / 2).astype(np.uint8)
        self.label = (rng.random((n_token, N_CONCEPT), np.float32) < share).astype(np.int8)
        self.total = np.stack([np.bincount(column, minlength=N_BIN) for column in self.bins.T])
        target = np.stack(
            [[np.bincount(x[c == 1], minlength=N_BIN) for x in self.bins.T] for c in self.label.T[:1]]
        ).repeat(N_CONCEPT, axis=0)
        self.histogram = np.stack([self.total - target, target], axis=1)
        self.n_token = np.stack([(self.label == g).sum(axis=0) for g in (0, 1)], axis=1)

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield first and last-but-one documents of about 65,536 tokens."""
        first = 0
        while first < len(self.start) - 1:
            stop = int(np.searchsorted(self.start, self.start[first] + SPAN, side="right")) - 1
            stop = max(first + 1, stop)
            yield first, stop
            first = stop


def shifts(corpus: Corpus, on_ranks: bool) -> None:
    """Run the temporal null of a block of neurons."""
    null = ShiftNull(corpus.plan, corpus.n_token, N_NEURON)
    for first, stop in corpus.spans():
        rows = slice(corpus.start[first], corpus.start[stop])
        values = rank_values(corpus.bins[rows], corpus.total) if on_ranks else corpus.values[rows]
        null.add(first, values, corpus.label[rows])
    null.finish()


def intervals(corpus: Corpus) -> None:
    """Run the block jackknife of a block of neurons."""
    block = jackknife_blocks(corpus.start[:-1], int(corpus.start[-1]))
    jackknife = BlockJackknife(corpus.histogram, int(block[-1]) + 1)
    edges = np.append(corpus.start[:-1][np.flatnonzero(np.diff(block, prepend=-1))], corpus.start[-1])
    for b in range(len(edges) - 1):
        rows = slice(edges[b], edges[b + 1])
        jackknife.add(b, corpus.bins[rows], corpus.values[rows], corpus.label[rows])
    score = np.full((N_CONCEPT, N_NEURON), 0.5)
    jackknife.finish(score, score, score)


def naive(corpus: Corpus) -> None:
    """Roll one neuron within each document and take the means of one concept, for a few shifts."""
    target, values = corpus.label[:, 0] == 1, corpus.values[:, 0]
    for draw in range(NAIVE_SHIFTS):
        rolled = np.concatenate(
            [np.roll(values[a:b], (draw + 1) * 97) for a, b in zip(corpus.start[:-1], corpus.start[1:], strict=True)]
        )
        _ = rolled[target].mean() - rolled[~target].mean()


def full_transform(corpus: Corpus) -> None:
    """Take all lags of all documents for some neurons and concepts by transforms over whole documents."""
    for a, b in zip(corpus.start[:-1], corpus.start[1:], strict=True):
        label = np.conj(np.fft.rfft(corpus.label[a:b, :FFT_SIDE].astype(np.float32), axis=0))
        values = np.fft.rfft(corpus.values[a:b, :FFT_SIDE], axis=0)
        np.fft.irfft(label[:, :, None] * values[:, None], n=b - a, axis=0)


def rows_of(corpus: Corpus) -> list[Row]:
    """Return what is measured on a corpus, the naive loop first."""
    n_pair = N_NEURON * N_CONCEPT
    return [
        Row("naive: np.roll, means", lambda: naive(corpus), n_pair * N_DRAW / NAIVE_SHIFTS, []),
        Row("full Fourier transforms", lambda: full_transform(corpus), n_pair / FFT_SIDE**2, []),
        Row("circular shift, values", lambda: shifts(corpus, on_ranks=False), 1, []),
        Row("circular shift, ranks", lambda: shifts(corpus, on_ranks=True), 1, []),
        Row("block jackknife, 64 blocks", lambda: intervals(corpus), 1, []),
    ]


def main() -> None:
    """Measure and print a table for each corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="timed rounds (default %(default)s)")
    parser.add_argument("--share", type=float, default=0.03, help="of tokens that are targets (default %(default)s)")
    options = parser.parse_args()
    threadpool_limits(1)
    rng = np.random.default_rng(1)
    corpora = {
        "105 documents": rng.multinomial(929_000, rng.dirichlet(np.full(105, 3.0))).astype(np.int64),
        "26,440 documents of 28 tokens": np.full(26_440, 28),
    }
    square = rng.standard_normal((GEMM_SIZE, GEMM_SIZE), np.float32)
    for name, lengths in corpora.items():
        rows = [*rows_of(Corpus(lengths, options.share)), Row("sgemm", lambda: square @ square, 1, [])]
        for round_ in range(options.rounds + 1):
            for row in rows:
                row.time()
                if round_ == 0:
                    row.seconds.clear()
        *rows, gemm = rows
        print(f"{name}, {lengths.sum():,} tokens; sgemm {2 * GEMM_SIZE**3 / gemm.median / 1e9:.0f} GF/s")
        print(f"  {'':<28}{'s a block':>12}{'s for 1,300 on 2 cores':>25}{'x naive':>12}")
        for row in rows:
            whole = row.median * N_MODEL_NEURON / N_NEURON / 2
            ratio = "" if "jackknife" in row.name else f"{rows[0].median / row.median:,.0f}"
            print(f"  {row.name:<28}{row.median:>12,.2f}{whole:>25,.0f}{ratio:>12}")


if __name__ == "__main__":
    main()
