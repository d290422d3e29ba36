"""How long one waits in the explorer: opening a run, a view somewhere else, the view beside it.

A run of random states is written, with scores of a hundred concepts; pages are made and asked as the server does it,
without a browser. Printed: seconds, the median and the worst, and the memory of the blocks that are kept. The targets
are 3 s to open a run of 1 M tokens x 1,300 neurons, and 150 ms a view. The card of a neuron is made with what analyses
found and without; the ratio of the two is printed, too.

    python tests/benchmarks/explorer.py [--tokens 1000000] [--neurons 650] [--views 40] [--keep FOLDER]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
import zarr

sys.path.insert(0, str(Path(__file__).parents[1]))

from fake_analyses import fake_graded, fake_periodicity
from fake_matching import fake_matching

from lstm_analysis import schema
from lstm_analysis.record import FORMAT
from lstm_analysis.state_store import create_activations
from lstm_analysis.store import write_dataset

N_LAYER, N_CONCEPT, N_TYPE, SENTENCE, DOCUMENT, SHARD = 2, 100, 20_000, 25, 8_000, 65_536
ANALYSES = ("tuning", "periodicity", "neuron_matching")
STAGES = {"corpus": "c", "labels": "l", "activations": "a", "selectivity": "s", "analyses": "n"}


def write_run(folder: Path, n_time: int, n_neuron: int) -> None:
    """Write a run: random states, words with Zipf's frequencies, scores."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    at = np.arange(n_time)
    weight = 1 / np.arange(2, N_TYPE + 2)
    columns = {
        "type_id": rng.choice(N_TYPE, n_time, p=weight / weight.sum()).astype(np.int32),
        "document": at // DOCUMENT, "sentence": at // SENTENCE, "sentence_position": (at % SENTENCE).astype(np.int32),
        "sentence_length": np.full(n_time, SENTENCE, np.int32),
    }  # fmt: skip
    n_document = int(columns["document"][-1]) + 1
    tables = {
        "type": np.array([f"w{i:x}" for i in range(N_TYPE)], object),
        "document_name": np.array([f"document {i}" for i in range(n_document)], object),
    }
    corpus = xr.Dataset({name: ("time", values) for name, values in columns.items()}).chunk(time=SHARD)
    corpus = corpus.assign_coords(tables)
    corpus["document_start"] = ("document_name", np.arange(n_document) * DOCUMENT)
    write_dataset(folder / "corpus.zarr", corpus, "c")
    concept = {"concept": np.array([f"concept {i}" for i in range(N_CONCEPT)], object)}
    source = {"source": ("concept", np.array([f"source {i // 25}" for i in range(N_CONCEPT)], object))}
    label = (rng.random((n_time, N_CONCEPT), np.float32) < 0.02).astype(np.int8)
    labels = xr.Dataset({"label": (("time", "concept"), label)}).chunk(time=SHARD)
    write_dataset(folder / "labels.zarr", labels.assign_coords(concept | source), "l")
    write_states(folder, n_time, n_neuron)
    write_scores(folder, n_neuron, concept | source)
    stages = {name: {"state": "done", "fingerprint": mark, "products": []} for name, mark in STAGES.items()}
    study = {
        "inference": {"shard_tokens": SHARD}, "store": {"activations": "float32"},
        "analyses": ["sentence_position", *ANALYSES],
        "selectivity": {"alpha": 0.05, "draws": 0}, "model": {},
    }  # fmt: skip
    facts = {"model": {"layer_sizes": [n_neuron] * N_LAYER}, "corpus": {"n_token": n_time}}
    record = {"format": FORMAT, "name": "bench", "study": study, "versions": {}, "facts": facts, "stages": stages}
    (folder / "run.json").write_text(json.dumps(record))


def write_states(folder: Path, n_time: int, n_neuron: int) -> None:
    """Write the states as a run does, the same values in every shard."""
    path = folder / "activations.zarr"
    create_activations(path, n_time, N_LAYER, n_neuron, {"hidden_state": "float32"}, SHARD, "a", ())
    values = np.tanh(np.random.default_rng(1).normal(size=(SHARD, N_LAYER, n_neuron)).astype(np.float32))
    array = zarr.open_group(path, mode="r+")["hidden_state"]
    for start in range(0, n_time, SHARD):
        stop = min(n_time, start + SHARD)
        array[start:stop] = values[: stop - start]


def write_scores(folder: Path, n_neuron: int, coords: dict[str, object]) -> None:
    """Write what the views lead with: scores with intervals and p, and the place in the sentence."""
    rng = np.random.default_rng(2)
    dims, shape = ("concept", "layer", "neuron"), (N_CONCEPT, N_LAYER, n_neuron)
    names = ("auroc", "auroc_low", "auroc_high", "d_prime", "mean_difference", "p_value", "p_fwer", "q_value")
    scores = xr.Dataset({name: (dims, rng.random(shape)) for name in names}, coords)
    scores["value_min"] = (dims[1:], np.full(shape[1:], -1.0))
    scores["value_max"] = (dims[1:], np.full(shape[1:], 1.0))
    write_dataset(folder / "selectivity.zarr", scores, "s")
    position = xr.Dataset({"cliff_mean": (dims[1:], rng.random(shape[1:]))})
    write_dataset(folder / "sentence_position.zarr", position, "n")
    write_analyses(folder, n_neuron)


def write_analyses(folder: Path, n_neuron: int) -> None:
    """Write what analyses have found."""
    rng = np.random.default_rng(3)
    eta2 = xr.DataArray(rng.random((N_LAYER, n_neuron)), dims=("layer", "neuron"))
    states = rng.normal(size=(500, N_LAYER, n_neuron)).astype(np.float32)
    found = {
        "tuning": fake_graded(eta2, rng, ("brace_depth", "column"), True),
        "periodicity": fake_periodicity((N_LAYER, n_neuron), rng),
        "neuron_matching": fake_matching(states, (n_neuron,) * N_LAYER, False),
    }
    for name in ANALYSES:
        write_dataset(folder / f"{name}.zarr", schema.attach_attrs(found[name]), "n")


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def show(what: str, times: list[float]) -> None:
    """Print the median and the worst of some times."""
    print(f"{what:<52}{1000 * statistics.median(times):9.1f} ms{1000 * max(times):9.1f} ms", flush=True)


def measure(folder: Path, n_time: int, n_neuron: int, n_view: int) -> None:
    """Open the run and look at it."""
    code = f"""
import time; began = time.perf_counter()
from bokeh.document import Document
from lstm_analysis.explorer.text_view import text_view
from lstm_analysis.explorer.holdings import Holdings
from lstm_analysis.run import open_run
loaded = time.perf_counter(); text_view(Holdings(open_run({str(folder)!r})), Document())
print(loaded - began, time.perf_counter() - loaded)"""
    opened = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)
    ]
    loading, opening = zip(*([float(x) for x in one.stdout.split()] for one in opened), strict=True)
    print(f"{n_time:,} tokens x {N_LAYER} x {n_neuron} neurons{'median':>32}{'worst':>12}")
    show("loading the program", list(loading))
    show("opening the run and its first text view", list(opening))

    from bokeh.document import Document

    from lstm_analysis.explorer.address import Query
    from lstm_analysis.explorer.holdings import Holdings
    from lstm_analysis.explorer.text_view import TextPage
    from lstm_analysis.run import open_run

    holdings = Holdings(open_run(folder))
    rng = np.random.default_rng(3)
    every = ",".join(f"{i % N_LAYER}:{(131 * i) % n_neuron}" for i in range(5))
    page = TextPage(holdings, Document(), Query({"neurons": [every.encode()], "width": [b"200"]}))
    far, near = [], []
    for at in rng.integers(0, n_time - 1000, n_view).tolist():
        far.append(seconds(lambda at=at: page.ask({"at": [str(at)]})))
        near += [seconds(lambda at=at, i=i: page.ask({"at": [str(at + 100 * i)]})) for i in range(1, 4)]
    show("200 tokens x 5 neurons somewhere else", far)
    show("the view beside it", near)
    show_cards(folder)
    print(f"blocks kept: {holdings.cache.n_bytes / 2**20:.0f} MB, {holdings.cache.n_read:,} read")


def show_cards(folder: Path) -> None:
    """Print how long cards of neurons take, with what analyses found and without, once the first was made."""
    from bokeh.document import Document

    from lstm_analysis.explorer.address import Query
    from lstm_analysis.explorer.holdings import Holdings
    from lstm_analysis.explorer.neuron_view import NeuronPage
    from lstm_analysis.run import open_run

    took = {}
    for said, names in (("the card of a neuron", ()), ("the same with three analyses", ANALYSES)):
        holdings = Holdings(open_run(folder))
        holdings.study["analyses"] = list(names)
        times = [
            seconds(lambda h=holdings, i=i: NeuronPage(h, Document(), Query({"neuron": [f"1:{i}".encode()]})))
            for i in range(9)
        ]
        took[said] = statistics.median(times[1:])
        show(said, times[1:])
    print(f"ratio of the two {took['the same with three analyses'] / took['the card of a neuron']:.1f}")


def main() -> None:
    """Write a run and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--neurons", type=int, default=650)
    parser.add_argument("--views", type=int, default=40)
    parser.add_argument("--keep", type=Path, help="folder of the run, which is not written again if it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch) / "run"
        if not (folder / "run.json").exists():
            write_run(folder, options.tokens, options.neurons)
        measure(folder, options.tokens, options.neurons, options.views)


if __name__ == "__main__":
    main()
