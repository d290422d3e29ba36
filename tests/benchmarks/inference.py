"""How fast states are read: our reader beside what a user would write, and beside the machine's GEMM peak.

Everything runs in one process on one thread, in interleaved rounds, so that a busy machine slows all rows alike; the
medians over the rounds are printed. On a CPU seconds are those of the processor: waiting for it does not count. On a
GPU they are those of the clock, until all states are in the host's memory. Run it as
``python tests/benchmarks/inference.py [--device cuda]``.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from naive import read_with_torch, torch_layers
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import nn

from lstm_analysis.inference.model import AdaptiveDecoder, Decoder, LanguageModel, Layer
from lstm_analysis.inference.product import Product
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.schema import CELL_STATES
from lstm_analysis.vocabulary import Vocabulary

GEMM_SIZE = {"cpu": 1536, "cuda": 8192}
NAIVE_STEPS = 1200
SIZES = {"2x650": 650, "2x200": 200}


@dataclass(frozen=True)
class Row:
    """A line of the table: what is timed, how much work it does, and the seconds of each round.

    ``flop`` counts the multiplications and additions of its own matrix products per ``n_token`` unit of work.
    """

    name: str
    work: Callable[[], object]
    n_token: int
    flop: float
    seconds: list[float]

    def time(self, device: str) -> None:
        """Do the work once."""
        clock = time.perf_counter if device == "cuda" else time.process_time
        begin = clock()
        self.work()
        if device == "cuda":
            torch.cuda.synchronize()
        self.seconds.append(clock() - begin)

    @property
    def median(self) -> float:
        """Median seconds of a round."""
        return statistics.median(self.seconds)


def random_model(n_neuron: int, n_token: int) -> LanguageModel:
    """Return an untied two-layer model with torch's usual initial weights."""
    torch.manual_seed(0)
    lstm = nn.LSTM(n_neuron, n_neuron, num_layers=2)
    weights = {name: weight.detach() for name, weight in lstm.named_parameters()}
    layers = tuple(
        Layer(
            weights[f"weight_ih_l{i}"],
            weights[f"weight_hh_l{i}"],
            weights[f"bias_ih_l{i}"] + weights[f"bias_hh_l{i}"],
        )
        for i in range(2)
    )
    names = tuple(f"w{i}" for i in range(n_token))
    embedding, decoder = torch.randn(n_token, n_neuron), torch.randn(n_token, n_neuron) * 0.05
    return LanguageModel(embedding, layers, Decoder(decoder, torch.zeros(n_token)), Vocabulary(names))


def gemm_rows(device: str) -> Iterator[Row]:
    """Yield the peaks: a large square matrix product in numpy, in torch and by the product that our reader uses."""
    n = GEMM_SIZE[device]
    a = np.random.default_rng(0).standard_normal((n, n), np.float32)
    t = torch.from_numpy(a).to(device)
    yield Row("sgemm torch", lambda: torch.mm(t, t), 1, 2 * n**3, [])
    if device == "cpu":
        out, product = np.empty_like(a), Product(t)
        yield Row("sgemm numpy", lambda: np.matmul(a, a, out=out), 1, 2 * n**3, [])
        yield Row("sgemm oneDNN", lambda: product(t), 1, 2 * n**3, [])


def torch_row(name: str, model: LanguageModel, ids: NDArray[np.int32]) -> Row:
    """Return what a user would write: two ``nn.LSTM``, one after the other."""
    batch = torch.as_tensor(ids.astype(np.int64), device=model.embedding.device)
    hidden = np.empty((*batch.shape, 2, model.n_neuron), np.float32)
    work = partial(read_with_torch, model, torch_layers(model), batch, hidden)
    return Row(name, work, ids.size, 4 * 8.0 * model.n_neuron**2 * ids.size, [])


def reader_rows(model: LanguageModel, ids: NDArray[np.int32]) -> Iterator[Row]:
    """Yield our reader: what it keeps, and by which kernel."""
    n_step, n_stream = ids.shape
    streams = [Stream(np.ascontiguousarray(ids[:, b]), row=b * n_step) for b in range(n_stream)]
    arrays = {name: np.zeros((ids.size, 2, model.n_neuron), np.float32) for name in CELL_STATES["lstm"]}
    kept = {"h": ["hidden"], "h, c": ["hidden", "cell"], "h, c, gates": list(arrays)}
    flop = 3 * 8.0 * model.n_neuron**2 * ids.size
    for kernel in ("step", "fused"):
        reader = StreamReader(model, kernel=kernel)
        for name, states in kept.items():
            work = partial(reader.read, streams, {state: arrays[state] for state in states})
            extra = flop / 3 * (kernel == "fused") * (1 if name == "h" else 5)
            yield Row(f"{kernel}: {name}", work, ids.size, flop + extra, [])


def decoder_rows(model: LanguageModel, ids: NDArray[np.int32]) -> Iterator[Row]:
    """Yield our reader with the surprisal, by a full and by an adaptive softmax; the text has word frequencies."""
    n_step, n_stream = ids.shape
    n_token, n_neuron = model.embedding.shape
    streams = [Stream(np.ascontiguousarray(ids[:, b]), row=b * n_step) for b in range(n_stream)]
    bits = np.empty(ids.size, np.float32)
    states = {name: np.zeros((ids.size, 2, n_neuron), np.float32) for name in ("hidden", "cell")}
    adaptive = adaptive_decoder(n_token, n_neuron)
    shares = [float((ids >= edge).mean()) for edge in adaptive.cutoffs[:-1]]
    tails = [share * (a.numel() + b.numel()) for share, (a, b) in zip(shares, adaptive.tails, strict=True)]
    sizes = {"full": n_token * n_neuron, "adaptive": adaptive.head.numel() + sum(tails)}
    for name, decoder in (("full", model.decoder), ("adaptive", adaptive)):
        reader = StreamReader(replace(model, decoder=decoder.to(model.embedding.device, torch.float32)))
        flop = ((3 if reader.kernel == "step" else 8) * 8.0 * n_neuron**2 + 2 * sizes[name]) * ids.size
        yield Row(
            f"{reader.kernel}: h, c, {name} softmax", partial(reader.read, streams, states, bits), ids.size, flop, []
        )


def adaptive_decoder(n_token: int, n_neuron: int) -> AdaptiveDecoder:
    """Return a head of a fifth of the vocabulary and two tails, of a quarter and a sixteenth of the width."""
    edges = [n_token // 5, n_token // 2]
    with torch.no_grad():
        module = nn.AdaptiveLogSoftmaxWithLoss(n_neuron, n_token, edges, div_value=4.0)
    tails = tuple((tail[0].weight.detach(), tail[1].weight.detach()) for tail in module.tail)
    head = module.head.weight.detach()
    return AdaptiveDecoder(head, head.new_zeros(len(head)), tails)


def zipf_ids(n_token: int, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return random tokens as frequent as the words of a text: p of rank r falls as 1 / (r + 3)."""
    p = 1 / (np.arange(n_token) + 3.0)
    return np.random.default_rng(1).choice(n_token, shape, p=p / p.sum()).astype(np.int32)


def measure(rows: list[Row], n_round: int, device: str) -> None:
    """Time all rows, round by round; the first round warms up and is forgotten."""
    for round_ in range(n_round + 1):
        for row in rows:
            row.time(device)
            if round_ == 0:
                row.seconds.clear()


def report(rows: list[Row], naive: Row, peak: float) -> None:
    """Print tokens a second, the ratio to the naive script and the share of the GEMM peak."""
    for row in rows:
        rate = row.flop / row.median
        tokens = row.n_token / row.median
        ratio = tokens / (naive.n_token / naive.median)
        print(f"  {row.name:<32}{tokens:>10,.0f} tokens/s{ratio:>7.2f} x{rate / peak:>7.0%} of peak")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=SIZES, action="append", help="which models (default: all)")
    parser.add_argument("--device", choices=GEMM_SIZE, default="cpu", help="default %(default)s")
    parser.add_argument("--streams", type=int, default=128, help="streams side by side (default %(default)s)")
    parser.add_argument("--steps", type=int, default=64, help="tokens of a stream (default %(default)s)")
    parser.add_argument("--vocabulary", type=int, default=10_000, help="rows of the vocabulary (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="timed rounds (default %(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    threadpool_limits(1)
    for name in options.model or SIZES:
        model = random_model(SIZES[name], options.vocabulary).to(options.device)
        ids = zipf_ids(options.vocabulary, (options.steps, options.streams))
        chain = zipf_ids(options.vocabulary, (NAIVE_STEPS, 1))
        gemm = list(gemm_rows(options.device))
        naive = torch_row("naive: nn.LSTM x 2, batch 1", model, chain)
        batch = torch_row(f"nn.LSTM x 2, batch {options.streams}", model, ids)
        one = [replace(row, name=f"one stream, {row.name}", seconds=[]) for row in reader_rows(model, chain)]
        rows = [naive, batch, *reader_rows(model, ids), *decoder_rows(model, ids), *one]
        measure([*gemm, *rows], options.rounds, options.device)
        peak = max(row.flop / row.median for row in gemm)
        shown = ", ".join(f"{row.name} {row.flop / row.median / 1e9:.0f} GF/s" for row in gemm)
        print(f"{name}, vocabulary {options.vocabulary:,}, {options.streams} streams, {options.device}; {shown}")
        report(rows, naive=naive, peak=peak)


if __name__ == "__main__":
    main()
