"""A small fake run, written with plain xarray: words and names that would break a careless page, and known states."""

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from fake_analyses import (
    add_boundaries,
    add_tests,
    fake_categories,
    fake_graded,
    fake_idioms,
    fake_lesion,
    fake_matches,
    fake_pca,
    fake_periodicity,
    fake_probes,
)
from fake_matching import fake_matching
from numpy.typing import NDArray

from lstm_analysis import schema
from lstm_analysis.record import FORMAT
from lstm_analysis.reductions.context import find_contexts
from lstm_analysis.run import Run, open_run

N_DOCUMENT, N_SENTENCE, LENGTH = 12, 5, 10
N_TIME = N_DOCUMENT * N_SENTENCE * LENGTH
N_LAYER, N_NEURON = 2, 7  # of the ordinary run
CONSTANT = (1, 4)
NASTY = "</script><script>alert('x')</script>"
TYPES = ["the", "</s>", NASTY, "a & b", '"quoted"', "naïve", "<!--", "{{ 7 * 7 }}"]

ANALYSES = ("sentence_position", "categories", "idioms", "matches", "tuning", "periodicity", "pca", "probes", "lesion")
STAGE = {"contexts": "selectivity", **dict.fromkeys((*ANALYSES, "neuron_matching"), "analyses")}
"""Stage of a store that does not have the name of its stage."""

MakeRun = Callable[..., Run]
"""A function that writes a run with the options of `write_anew`."""

WRITTEN: dict[str, Path] = {}
"""Runs of this process by their options, which no test touches."""


def write_run(folder: Path, **options: Any) -> Run:
    """Write a run with the options of `write_anew`; the next one with the same options is a copy."""
    key = repr(sorted(options.items()))
    if key not in WRITTEN:
        parent = Path(tempfile.mkdtemp(prefix="fake-run-"))
        atexit.register(shutil.rmtree, parent, ignore_errors=True)
        write_anew(parent / "run", **options)
        WRITTEN[key] = parent / "run"
    shutil.copytree(WRITTEN[key], folder)
    return open_run(folder)


def write_anew(
    folder: Path,
    n_idiom: int = 3,
    stored: bool = True,
    exact: bool = True,
    measures: tuple[str, ...] = ("auroc", "d_prime", "mean_difference", "average_precision", "mutual_information"),
    layer_sizes: tuple[int, ...] = (N_NEURON,) * N_LAYER,
    n_document: int = N_DOCUMENT,
    draws: int = 0,
    analyses: tuple[str, ...] = ("sentence_position",),
    twin: str | None = None,
    random: str | None = None,
    graded: tuple[str, ...] = ("brace_depth", "<b>nasty</b>", "never"),
    corpus_study: Mapping[str, str] | None = None,
) -> None:
    """Write a run; concepts are the pooled idiom, ``n_idiom`` idioms, a nasty name, an empty one and the position.

    With ``draws`` it has p and intervals; with ``twin`` a random twin of that kind in its folder, which is a run with
    ``random`` and another seed.
    """
    rng = np.random.default_rng(0 if random is None else 1)
    hidden = np.tanh(rng.normal(size=(N_TIME, len(layer_sizes), max(layer_sizes)))).astype(np.float32)
    hidden[:, CONSTANT[0], CONSTANT[1]] = 0.25
    for layer, size in enumerate(layer_sizes):
        hidden[:, layer, size:] = np.nan
    corpus = fake_corpus(rng, n_document)
    labels = fake_labels(corpus, n_idiom, rng)
    scores = fake_scores(labels, hidden, measures, exact, rng)
    found = find_contexts(hidden, corpus["document" if n_document > 1 else "sentence"].values)
    found = found.assign_coords(extreme=np.array(schema.EXTREMES, object))
    tuning = fake_tuning(hidden)
    if draws:
        scores, tuning = add_tests(scores, rng), add_boundaries(tuning, hidden, rng) if stored else tuning
    stores = {"corpus": corpus, "labels": labels, "selectivity": scores, "contexts": found}
    idioms = [f"idiom {i} {NASTY}" for i in range(n_idiom)]
    made = {
        "sentence_position": lambda: tuning,
        "categories": lambda: fake_categories(scores, TYPES, rng),
        "idioms": lambda: fake_idioms(idioms, hidden.shape[1:], rng, n_idiom >= 3),
        "matches": lambda: fake_matches(N_TIME, rng),
        "tuning": lambda: fake_graded(tuning["eta2"], rng, graded, draws > 0),
        "periodicity": lambda: fake_periodicity(hidden.shape[1:], rng),
        "lesion": lambda: fake_lesion(scores, rng),
        "pca": lambda: fake_pca(scores, TYPES, idioms, rng),
        "probes": lambda: fake_probes(scores, rng),
        "neuron_matching": lambda: fake_matching(hidden, layer_sizes, random is not None),
    }
    stores |= {name: made[name]() for name in analyses}
    if stored:
        stores["activations"] = xr.Dataset({"hidden_state": (schema.VARIABLES["hidden_state"].dims, hidden)})
    folder.mkdir()
    for name, dataset in stores.items():
        write_store(folder / f"{name}.zarr", dataset, STAGE.get(name, name))
    stages = sorted({STAGE.get(name, name) for name in stores} | ({"twin"} if twin else set()))
    record = fake_record(stored, exact, stages, layer_sizes, n_document)
    record["study"] |= {"graded": list(graded)} if "tuning" in analyses else {}
    record["study"] |= {"analyses": list(analyses), "selectivity": {"draws": draws, "alpha": 0.05, "twin": twin}}
    record["study"]["model"]["twin"] = random
    record["study"]["corpus"] |= corpus_study or {}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    if twin:
        options = {"n_idiom": n_idiom, "measures": measures, "layer_sizes": layer_sizes, "n_document": n_document}
        options |= {"graded": graded, "corpus_study": corpus_study}
        without = tuple(name for name in analyses if name != "lesion")
        write_anew(folder / "twin", stored=stored, draws=draws, analyses=without, random=twin, **options)


def write_store(path: Path, dataset: xr.Dataset, stage: str) -> None:
    """Write a store with the fingerprint of its stage; what runs along ``time`` in short chunks."""
    whole = schema.attach_attrs(dataset).assign_attrs(fingerprint=stage)
    sizes = {**whole.sizes, "time": 64}
    long = {v: {"chunks": [sizes[dim] for dim in whole[v].dims]} for v in whole.variables if "time" in whole[v].dims}
    whole.to_zarr(path, consolidated=False, zarr_format=3, encoding=long)


def fake_corpus(rng: np.random.Generator, n_document: int) -> xr.Dataset:
    time = np.arange(N_TIME)
    type_id = rng.integers(0, len(TYPES), N_TIME)
    type_id[time % LENGTH == LENGTH - 1] = 1
    columns = {
        "type_id": type_id, "document": time // (N_TIME // n_document), "sentence": time // LENGTH,
        "sentence_position": time % LENGTH, "sentence_length": np.full(N_TIME, LENGTH),
    }  # fmt: skip
    names = [f"{i} <img src=x onerror=alert(1)>" for i in range(n_document)]
    tables = {"type": np.array(TYPES, object), "document_name": np.array(names, object)}
    start = np.arange(n_document) * (N_TIME // n_document)
    columns_of_time = {name: ("time", values) for name, values in columns.items()}
    return xr.Dataset(columns_of_time | {"document_start": ("document_name", start)}, tables)


def fake_labels(corpus: xr.Dataset, n_idiom: int, rng: np.random.Generator) -> xr.Dataset:
    """Idiom ``i`` has ``i + 1`` target tokens, the position concept the first three of each sentence."""
    idiom = np.zeros((N_TIME, n_idiom), np.int8)
    for i in range(n_idiom):
        idiom[rng.choice(N_TIME, min(i + 1, 40), replace=False), i] = 1
    opening = (corpus["sentence_position"].values < 3).astype(np.int8)
    columns = [idiom.any(axis=1), *idiom.T, rng.random(N_TIME) < 0.2, np.zeros(N_TIME), opening]
    label = np.array(columns, np.int8).T
    concepts = ["idiom", *(f"idiom {i}" for i in range(n_idiom)), NASTY, "empty", "first 3 tokens"]
    sources = ["idiom"] * (n_idiom + 1) + ["categories"] * 2 + ["first 3 tokens"]
    n_token = np.array([(label == 0).sum(0), (label == 1).sum(0)]).T
    dims = ("concept", "group")
    counts = {
        name: (dims, np.minimum(n_token, most))
        for name, most in (("n_token", N_TIME), ("n_type", 8), ("n_document", 12))
    }
    coords = {"concept": np.array(concepts, object), "source": ("concept", np.array(sources, object))}
    return xr.Dataset(
        {"label": (("time", "concept"), label), **counts}, {**coords, "group": np.array(schema.GROUPS, object)}
    )


def fake_scores(
    labels: xr.Dataset, hidden: NDArray[np.float32], measures: tuple[str, ...], exact: bool, rng: np.random.Generator
) -> xr.Dataset:
    dims = ("concept", "layer", "neuron")
    shape = (labels.sizes["concept"], *hidden.shape[1:])
    values = {
        "auroc": rng.random(shape), "d_prime": rng.normal(size=shape), "mean_difference": rng.normal(size=shape) / 3,
        "average_precision": rng.random(shape), "mutual_information": rng.random(shape) / 10,
        "auroc_error_bound": np.full(shape, 0.0 if exact else 0.0021), "mutual_information_bias": np.full(shape, 1e-6),
    }  # fmt: skip
    defined = (labels["n_token"] > 0).all("group")
    companions = {"auroc": ["auroc_error_bound"], "mutual_information": ["mutual_information_bias"]}
    names = [name for measure in measures for name in (measure, *companions.get(measure, []))]
    scores = xr.Dataset({name: (dims, values[name]) for name in names}).where(defined)
    for name in names:
        scores[name].values[:, (hidden == hidden[0]).all(0) | np.isnan(hidden[0])] = np.nan
    if "average_precision" in measures:
        scores["prevalence"] = (labels["n_token"].sel(group="target", drop=True) / N_TIME).where(defined)
    counts = labels[["n_token", "n_type", "n_document"]]
    ends = {"value_min": (dims[1:], hidden.min(0)), "value_max": (dims[1:], hidden.max(0))}
    return scores.assign(counts).assign(ends).assign_coords(labels.drop_vars("label").coords)


def fake_tuning(hidden: NDArray[np.float32]) -> xr.Dataset:
    position = np.arange(schema.LAST_POSITION + 1)
    n_token = np.where(position < LENGTH, N_TIME // LENGTH, 0)
    absent, shape = np.isnan(hidden[0]), hidden.shape[1:]
    mean = np.where(n_token[:, None, None] > 0, np.cos(position)[:, None, None] * np.ones((1, *shape)), np.nan)
    mean[:, absent] = np.nan
    eta2 = np.linspace(-0.01, 0.9, hidden[0].size).reshape(shape)
    eta2[CONSTANT] = np.nan
    eta2[absent] = np.nan
    dims = ("sentence_position", "layer", "neuron")
    return xr.Dataset(
        {"tuning_mean": (dims, mean), "tuning_sd": (dims, np.abs(mean)), "n_token": ("sentence_position", n_token),
         "eta2": (("layer", "neuron"), eta2)},
        {"sentence_position": position},
    )  # fmt: skip


def fake_record(
    stored: bool, exact: bool, stages: list[str], layer_sizes: tuple[int, ...], n_document: int
) -> dict[str, Any]:
    perplexity = {"n_predicted": 588, "bits_per_token": 6.5, "perplexity": 2**6.5}
    corpus = {
        "n_token": N_TIME, "n_sentence": N_DOCUMENT * N_SENTENCE, "n_document": n_document, "n_type": len(TYPES),
        "limited": True, "unknown_share": 0.0123, "digest": "c" * 64,
    }  # fmt: skip
    model = {
        "n_layer": len(layer_sizes), "n_neuron": max(layer_sizes), "layer_sizes": layer_sizes,
        "n_vocabulary": 99, "n_parameter": 12345,
        "digest": "d" * 64, "vocabulary_digest": "e" * 64, "checkpoint": "models/x.safetensors",
    }  # fmt: skip
    return {
        "format": FORMAT, "name": "fake <run>",
        "study": {
            "name": "fake <run>", "seed": 3, "model": {"twin": None}, "corpus": {"format": "text"},
            "inference": {"carry": "document", "shard_tokens": 64},
            "store": {"activations": "float32" if stored else "none"},
        },
        "versions": {"python": "3.11"},
        "facts": {
            "corpus": corpus, "model": model, "activations" if stored else "summary": perplexity,
            "selectivity": {"exact": exact}, "report": {},
        },
        "stages": {
            **{name: {"state": "done", "fingerprint": name, "products": [], "seconds": 1.5} for name in stages},
            "report": {"state": "running", "fingerprint": "r", "products": ["report.html"]},
        },
    }  # fmt: skip
