"""How fast states are read: our reader beside what a user would write, and beside the machine's GEMM peak.

Everything runs in one process on one thread, in interleaved rounds, so that a busy machine slows all rows alike; the
medians over the rounds are printed. Run it as ``python tests/benchmarks/inference.py``.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from lstm_analysis.inference.model import Decoder, LanguageModel, Layer
from lstm_analysis.inference.product import Product
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.vocabulary import Vocabulary

GEMM_SIZE = 1536
NAIVE_CHUNK = 400
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

    def time(self) -> None:
        """Do the work once."""
        begin = time.perf_counter()
        self.work()
        self.seconds.append(time.perf_counter() - begin)

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


def torch_layers(model: LanguageModel) -> list[nn.LSTM]:
    """Return the layers as single-layer modules, which is how a user gets h of each layer."""
    modules = []
    for layer in model.layers:
        module = nn.LSTM(layer.weight_input.shape[1], layer.n_neuron)
        values = (layer.weight_input, layer.weight_recurrent, layer.bias, torch.zeros_like(layer.bias))
        for parameter, value in zip(module.parameters(), values, strict=True):
            parameter.data = value
        modules.append(module)
    return modules


@torch.inference_mode()
def read_with_torch(model: LanguageModel, modules: list[nn.LSTM], ids: Tensor, hidden: np.ndarray) -> None:
    """Read streams of one length, ids (step, stream), in chunks; keep h of both layers."""
    states: list[tuple[Tensor, Tensor] | None] = [None] * len(modules)
    for at in range(0, len(ids), NAIVE_CHUNK):
        x = model.embedding[ids[at : at + NAIVE_CHUNK]]
        for i, module in enumerate(modules):
            x, states[i] = module(x, states[i])
            hidden[at : at + NAIVE_CHUNK, :, i] = x.numpy()


def gemm_rows() -> Iterator[Row]:
    """Yield the peaks: a large square matrix product in numpy, in torch and by the product that our reader uses."""
    a = np.random.default_rng(0).standard_normal((GEMM_SIZE, GEMM_SIZE), np.float32)
    out, t = np.empty_like(a), torch.from_numpy(a)
    yield Row("sgemm numpy", lambda: np.matmul(a, a, out=out), 1, 2 * GEMM_SIZE**3, [])
    yield Row("sgemm torch", lambda: torch.mm(t, t), 1, 2 * GEMM_SIZE**3, [])
    product, zero = Product(t), torch.zeros(GEMM_SIZE)
    yield Row("sgemm oneDNN", lambda: product.plus(zero, t), 1, 2 * GEMM_SIZE**3, [])


def model_rows(n_neuron: int, n_vocabulary: int, n_stream: int, n_step: int) -> Iterator[Row]:
    """Yield the ways to read, the naive one first."""
    model = random_model(n_neuron, n_vocabulary)
    modules, reader = torch_layers(model), StreamReader(model)
    ids = np.random.default_rng(1).integers(0, n_vocabulary, (n_step, n_stream)).astype(np.int32)
    n_token, product = n_step * n_stream, 8.0 * n_neuron**2
    alone = torch.as_tensor(ids[:, :2].T.reshape(-1, 1).astype(np.int64))
    batch = torch.as_tensor(ids.astype(np.int64))
    naive_hidden = np.empty((len(alone), 1, 2, n_neuron), np.float32)
    batch_hidden = np.empty((n_step, n_stream, 2, n_neuron), np.float32)
    yield Row(
        "nn.LSTM x 2, batch 1 (naive)",
        lambda: read_with_torch(model, modules, alone, naive_hidden),
        len(alone),
        4 * product * len(alone),
        [],
    )
    yield Row(
        f"nn.LSTM x 2, batch {n_stream}",
        lambda: read_with_torch(model, modules, batch, batch_hidden),
        n_token,
        4 * product * n_token,
        [],
    )
    streams = [Stream(np.ascontiguousarray(ids[:, b]), row=b * n_step) for b in range(n_stream)]
    hidden, cell = (np.empty((n_token, 2, n_neuron), np.float32) for _ in range(2))
    bits = np.empty(n_token, np.float32)
    decoder = 2.0 * n_neuron * n_vocabulary
    yield Row("StreamReader, h", lambda: reader.read(streams, {"hidden": hidden}), n_token, 3 * product * n_token, [])
    yield Row(
        "StreamReader, h and c",
        lambda: reader.read(streams, {"hidden": hidden, "cell": cell}),
        n_token,
        3 * product * n_token,
        [],
    )
    yield Row(
        "StreamReader, h, c, surprisal",
        lambda: reader.read(streams, {"hidden": hidden, "cell": cell}, bits),
        n_token,
        (3 * product + decoder) * n_token,
        [],
    )


def measure(rows: list[Row], n_round: int) -> None:
    """Time all rows, round by round; the first round warms up and is forgotten."""
    for round_ in range(n_round + 1):
        for row in rows:
            row.time()
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
    parser.add_argument("--streams", type=int, default=128, help="streams side by side (default %(default)s)")
    parser.add_argument("--steps", type=int, default=64, help="tokens of a stream (default %(default)s)")
    parser.add_argument("--vocabulary", type=int, default=10_000, help="rows of the vocabulary (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="timed rounds (default %(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    threadpool_limits(1)
    for name in options.model or SIZES:
        gemm = list(gemm_rows())
        rows = list(model_rows(SIZES[name], options.vocabulary, options.streams, options.steps))
        measure([*gemm, *rows], options.rounds)
        peak = max(row.flop / row.median for row in gemm)
        shown = ", ".join(f"{row.name} {row.flop / row.median / 1e9:.0f} GF/s" for row in gemm)
        print(f"{name}, vocabulary {options.vocabulary:,}, {options.streams} streams, one thread; {shown}")
        report(rows, naive=rows[0], peak=peak)


if __name__ == "__main__":
    main()
