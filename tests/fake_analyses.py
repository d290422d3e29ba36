"""Results of tests and analyses for the fake run: random values of the vocabulary's dims, types and limits."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from lstm_analysis import schema

CONTRASTS = ("literal", "tail", "head", "matched")
READOUTS = ("final", "next", "mean", "max")
BY_WORDS, BY_SHIFT = "word types exchanged within strata", "labels shifted within documents"
UNDECIDED = "The concept is not decided by its words: no word is a target in most of its labelled tokens."
TESTED = (
    "p_shift", "p_shift_rank", "p_value", "p_fwer", "q_value", "type_smd", "type_auroc", "breadth", "type_smd_odd",
    "type_smd_even", "selectivity_over_control", "p_type", "p_fwer_type", "q_type", "auroc_low", "auroc_high",
    "d_prime_low", "d_prime_high", "mean_difference_low", "mean_difference_high", "duplicate_of",
)  # fmt: skip
CATEGORIES = (
    "called", "sign", "set_size", "overlap_n", "overlap_n_same_sign", "overlap_jaccard", "overlap_lift",
    "held_out_layer", "held_out_neuron", "held_out_chosen_smd", "held_out_smd", "member_effect", "member_n_token",
)  # fmt: skip
BOUNDARY_COUNTS = ("n_boundary", "n_boundary_found", "n_boundary_current", "n_boundary_previous", "n_boundary_short")
N_SHOWN, N_MEMBER = 3, 6


def random_store(
    names: Iterable[str], variables: Mapping[str, schema.Variable], sizes: Mapping[str, int], rng: np.random.Generator
) -> xr.Dataset:
    """Return variables of the vocabulary with random values: no bounds means -2 to 2, or 0 to 9 for whole numbers."""
    found = {}
    for name in names:
        variable = variables[name]
        shape = [sizes[dim] for dim in variable.dims]
        low, high = variable.limits
        if np.issubdtype(np.dtype(variable.dtype), np.floating):
            values = rng.uniform(-2 if low is None else low, 2 if high is None else high, shape)
        else:
            values = rng.integers(0 if low is None else int(low), 9 if high is None else int(high) + 1, shape)
        found[name] = (variable.dims, values.astype(variable.dtype))
    return xr.Dataset(found)


def add_tests(scores: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """Return the scores with p, intervals and what is known by words; the concepts of ``categories`` are so decided."""
    found = random_store(TESTED, schema.VARIABLES, scores.sizes, rng)
    found["duplicate_of"] = found["duplicate_of"].copy(
        data=np.arange(found["duplicate_of"].size).reshape(found["duplicate_of"].shape)
    )
    found["duplicate_of"][0, 1] = 0
    undefined = scores["auroc" if "auroc" in scores else "d_prime"].isnull()
    found = found.assign({n: found[n].where(~undefined) for n in TESTED if "concept" in found[n].dims})
    for name in ("auroc", "d_prime", "mean_difference"):
        if name in scores:
            found[f"{name}_low"], found[f"{name}_high"] = scores[name] - 0.01, scores[name] + 0.01
    decided = scores["source"].values == "categories"
    decided &= (scores["n_token"] > 0).all("group").values
    words = [name for name in TESTED if name.startswith(("type_", "breadth", "selectivity_", "p_type"))]
    found = found.assign({name: found[name].where(xr.DataArray(decided, dims="concept")) for name in words})
    texts = {
        "p_null": np.where(decided, BY_WORDS, BY_SHIFT), "type_null": np.where(decided, "", UNDECIDED),
        "type_strata": np.full(len(decided), "log-frequency decile"),
    }  # fmt: skip
    counts = {"n_type_member": 8, "n_type_matched": 50, "n_type_unmatched": 1, "few_types": 1}
    found = found.assign({name: ("concept", values.astype(object)) for name, values in texts.items()})
    return scores.assign(found).assign({name: ("concept", np.where(decided, n, 0)) for name, n in counts.items()})


def fake_categories(scores: xr.Dataset, words: list[str], rng: np.random.Generator) -> xr.Dataset:
    """Return ``categories.zarr``; the first neurons are shown."""
    n_concept = scores.sizes["concept"]
    sizes = {**scores.sizes, "neuron_set": 2, "half": 2, "concept_other": n_concept, "shown": N_SHOWN}
    sizes |= {"member": N_MEMBER}
    found = random_store(CATEGORIES, schema.VARIABLES, sizes, rng)
    undefined = scores["type_smd"].isnull()
    called = found["called"].clip(min=0).where(~undefined, -1).astype(np.int8)
    sign = np.sign(scores["type_smd"].fillna(0)).astype(np.int8)
    shape = (n_concept, N_SHOWN)
    layer, neuron = np.zeros(shape, np.int64), np.broadcast_to(np.arange(N_SHOWN), shape).copy()
    tested = (~undefined).any(["layer", "neuron"]).values
    layer[~tested], neuron[~tested] = -1, -1
    found["held_out_layer"][:], found["held_out_neuron"][:] = np.where(tested, 1, -1), np.where(tested, 2, -1)
    members = np.broadcast_to(np.resize(np.array(words, object), N_MEMBER), (*shape, N_MEMBER))
    beside = ("n_type_member", "n_type_matched", "n_type_unmatched", "few_types", "type_null", "type_strata")
    return found.assign(
        called=called, sign=sign, n_called=(called == 1).sum(["layer", "neuron"]),
        n_tested=(called >= 0).sum(["layer", "neuron"]), shown_layer=(("concept", "shown"), layer),
        shown_neuron=(("concept", "shown"), neuron), member_type=(("concept", "shown", "member"), members.copy()),
        **{name: scores[name] for name in beside},
    ).assign_coords(
        concept=scores["concept"], source=scores["source"], concept_other=scores["concept"].values,
        neuron_set=np.array(["called", "top"], object), half=np.array(["odd", "even"], object),
    )  # fmt: skip


def fake_idioms(names: list[str], shape: tuple[int, int], rng: np.random.Generator, tested: bool = True) -> xr.Dataset:
    """Return ``idioms.zarr``; not tested means too few idioms, so no p."""
    sizes = {
        "contrast": 4, "readout": 4, "idiom": len(names), "idiom_other": len(names), "state": 2, "threshold": 7,
        "flank": 2, "layer": shape[0], "neuron": shape[1],
    }  # fmt: skip
    found = random_store(schema.IDIOM_VARIABLES, schema.IDIOM_VARIABLES, sizes, rng)
    found["phrase_neuron_idiom"] = (
        found["phrase_neuron_idiom"].clip(max=len(names) - 1).where(found["phrase_neuron"], -1)
    )
    found["phrase_neuron_idiom"] = found["phrase_neuron_idiom"].clip(min=0).astype(np.int32)
    found["n_active_p"] = found["n_active_p"].where(found["idiom"] > 0)
    if not tested:
        for name in ("p_value", "p_fwer", "q_value", "breadth_lower_bound", "breadth_direction", "auroc_held_out"):
            found[name] = found[name] * np.nan
        found["idiom_neuron"][:], found["phrase_neuron"][:] = False, False
        found["held_out_layer"][:], found["held_out_neuron"][:] = -1, -1
    texts = {
        "contrast": CONTRASTS, "readout": READOUTS, "idiom": names, "idiom_other": names,
        "state": ("hidden", "tanh_cell"), "flank": ("any", "off"),
    }  # fmt: skip
    coords = {name: np.array(values, object) for name, values in texts.items()}
    found = found.assign_coords(coords | {"threshold": np.round(np.arange(1, 8) / 10, 1)})
    verdict = "No neuron survives as an idiom neuron." if tested else "Not tested: 2 idioms have at least 5."
    return found.assign_attrs(primary_contrast="literal", verdict=f"{verdict} <b>")


def fake_matches(n_time: int, rng: np.random.Generator) -> xr.Dataset:
    """Return matches of a phrase with a nasty name, and of two that have none."""
    phrases = ["in <b>the</b> red", "selects nothing", "stands nowhere"]
    found = random_store(schema.PHRASE_MATCHES, schema.PHRASE_MATCHES, {"phrase": 3, "match": 20}, rng)
    found["start"] = (("phrase", "match"), rng.integers(0, n_time - 9, (3, 20)))
    found["is_query"][:], found["is_phrase"][:] = False, False
    found["is_query"][0, 0], found["is_phrase"][0, :3] = True, True
    found["start"][0, 15:], found["start"][1:] = -1, -1
    found["n_occurrence"][:], found["n_occurrence_selecting"][:], found["n_selected"][:] = (
        [9, 4, 0],
        [7, 0, 0],
        [12, 0, 0],
    )
    found = found.assign_coords(phrase=np.array(phrases, object))
    return found.assign_attrs(threshold=0.3, left=1, right=0, n_draw=99)


def fake_graded(eta2: xr.DataArray, rng: np.random.Generator, names: Sequence[str], tested: bool) -> xr.Dataset:
    """Return ``tuning.zarr``; the variable ``never`` has no value."""
    sizes = {"variable": len(names), "variable_value": len(schema.VALUE_EDGES), **eta2.sizes}
    one_pass = ("tuning_mean", "tuning_sd", "n_token", "n_token_missing", "eta2", "eta2_type_adjusted")
    found = random_store(schema.GRADED_TUNING if tested else one_pass, schema.GRADED_TUNING, sizes, rng)
    found = found.assign_coords(variable=np.array(names, object), variable_value=np.array(schema.VALUE_EDGES))
    found["n_token"] = found["n_token"] * (found["variable_value"] < 70) * 10
    there = eta2.notnull() & (found["variable"] != "never")
    floats = [name for name in found if found[name].dtype.kind == "f"]
    dims = {name: schema.GRADED_TUNING[name].dims for name in floats}
    found = found.assign({name: found[name].where(there).transpose(*dims[name]) for name in floats})
    found["n_token"] = found["n_token"].where(found["variable"] != "never", 0).astype(np.int64)
    if tested:
        called = found["graded_neuron"].clip(min=0).where(there, -1).astype(np.int8)
        found["graded_neuron"] = called.transpose(*schema.GRADED_TUNING["graded_neuron"].dims)
    return found


def fake_periodicity(shape: tuple[int, int], rng: np.random.Generator) -> xr.Dataset:
    """Return ``periodicity.zarr`` of segments of 64 tokens: 0:0 is periodic, 0:1 the same, 0:2 sentence-locked."""
    sizes = {"frequency": 129, "layer": shape[0], "neuron": shape[1]}
    found = random_store(schema.PERIODICITY, schema.PERIODICITY, sizes, rng)
    found = found.assign_coords(frequency=np.arange(129) / 256)
    found["rhythm"][:], found["n_segment"][:] = 0, 40
    found["rhythm"][0, :3], found["rhythm"][1, 4] = [1, 1, 2], -1
    found["line_frequency"] = 1 / found["period"].clip(min=2.5)
    found["period"], found["half_bandwidth"] = 1 / found["line_frequency"], xr.DataArray(1 / 16)
    found["f_stat"] = found["f_stat"].where(found["frequency"] >= 1 / 16)
    for name in ("line_fraction_residual", "line_fraction_shuffled", "sentence_share", "sentence_coherence"):
        found[name] = found[name].where(found["rhythm"] > 0)
    for name in ("period", "line_frequency", "line_fraction", "line_band_share", "p_value", "p_fwer"):
        found[name] = found[name].where(found["rhythm"] >= 0)
    found["segment_variance"][:], found["sentences_matter"] = 0.1, xr.DataArray(True)
    return found.assign_attrs(note="40 segments of 64 tokens with 6.4 sentences each")


def fake_lesion(scores: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """Return lesions of 0:1, of 1:2 and of two neurons together; each of the first two hurts one concept alone."""
    concepts = scores["concept"].values
    sizes = {"lesion": 3, "concept": len(concepts), "prediction": 2, "draw": 25, "member": 2, "group": 2}
    found = random_store((n for n, v in schema.LESION.items() if v.dtype != "str"), schema.LESION, sizes, rng)
    found["member_layer"][:], found["member_neuron"][:] = [[0, -1], [1, -1], [0, 1]], [[1, -1], [2, -1], [3, 4]]
    found["p_value"][:], found["p_fwer"][:] = 0.5, 0.9
    found["delta_loss"][:] = 0.0
    for lesion, concept in ((0, 0), (1, 1)):
        found["p_value"][lesion, concept], found["p_fwer"][lesion, concept] = 0.01, 0.03
        found["delta_loss"][lesion, concept] = 0.2
    found["selective"][:] = False
    found["selective"][2, 1] = True
    found["n_random"][:] = 25
    found["n_token"] = found["n_token"].clip(min=30)
    texts = {"lesion": ["0:1", "1:2", "0:3,1:4"], "prediction": ["token", "next"], "group": ["baseline", "target"]}
    found = found.assign(chosen_for=("lesion", np.array(["<i>law</i>", "", ""], object)))
    coords = {name: np.array(values, object) for name, values in texts.items()} | {"concept": concepts}
    attrs = {"kind": "mean", "n_token": 500, "n_before": 32, "n_random": 25, "seed": 0}
    return found.assign_coords(coords).assign_attrs(attrs)


def add_boundaries(tuning: xr.Dataset, hidden: NDArray[np.float32], rng: np.random.Generator) -> xr.Dataset:
    """Return the tuning curves with fits, cliffs and their tests; the constant neuron has none."""
    sizes = {**tuning.sizes, "sentence_length_bin": 60}
    skipped = {*tuning.data_vars, "bin_edge", "value_min", "value_max", "duplicate_of"}
    dims = {"sentence_position", "sentence_length_bin", "layer", "neuron"}
    names = [n for n, v in _position_table() if n not in skipped and set(v.dims) <= dims]
    found = random_store(names, schema.VARIABLES, sizes, rng)
    defined = tuning["eta2"].notnull()
    floats = [n for n in found if found[n].dtype.kind == "f" and {"layer", "neuron"} <= set(found[n].dims)]
    found = found.assign({name: found[name].where(defined) for name in floats})
    found["cliff_neuron"] = found["cliff_neuron"].clip(min=0).where(defined, -1).astype(np.int8)
    found["fit_reason"][:] = np.where(defined, 0, 2)
    return (
        tuning.assign(found).assign_coords(sentence_length_bin=np.arange(1, 61)).assign_attrs(note="all 48 boundaries")
    )


def _position_table() -> list[tuple[str, schema.Variable]]:
    """Return the variables of ``sentence_position.zarr``, which stand together in the vocabulary."""
    items = list(schema.VARIABLES.items())
    names = [name for name, _ in items]
    return items[names.index("baseline") : names.index("cliff_neuron") + 1]


def fake_pca(scores: xr.Dataset, words: list[str], idioms: list[str], rng: np.random.Generator) -> xr.Dataset:
    """Return ``pca.zarr``: the concepts decided by their words are told apart, and occurrences have scores."""
    n_space = scores.sizes["layer"] + 1
    sizes = {**scores.sizes, "space": n_space, "component": 12, "n_dimension": 4, "pair": 3}
    sizes |= {"point": 16, "occurrence": 30, "idiom": len(idioms)}
    floats = [name for name, variable in schema.PCA_VARIABLES.items() if variable.dtype == "float64"]
    found = random_store(floats, schema.PCA_VARIABLES, sizes, rng)
    decided = (scores["source"] == "categories").values & (scores["n_token"] > 0).all("group").values
    told = xr.DataArray(decided, dims="concept")
    named = ("accuracy", "accuracy_null", "accuracy_null_high", "p_value", "p_fwer")
    found = found.assign({name: found[name].where(told) for name in named})
    found["pair_accuracy"][:] = np.nan
    found["idiom_accuracy"][:] = np.nan
    for space in range(n_space - 1):
        found["loading"][space, :, np.arange(n_space - 1) != space] = np.nan
    spaces = [f"layer {layer}" for layer in range(n_space - 1)] + ["all layers"]
    numbers = {"n_token": ((), 600), "n_idiom_separated": ((), 2), "n_neuron": ("space", [7] * n_space)}
    concept = int(np.flatnonzero(decided)[0])
    points = {
        "point_concept": np.full(16, concept), "point_type": np.resize(np.array(words, object), 16),
        "point_n_token": np.arange(16) + 5, "point_member": np.arange(16) % 2,
    }  # fmt: skip
    places = {"time": np.arange(30), "idiom": np.arange(30) % len(idioms), "value": np.arange(30) % 2}
    return found.assign(
        **_counts(decided), **numbers, pair_first=("pair", [0, 0, 1]), pair_second=("pair", [1, 2, 2]),
        **{name: ("point", values) for name, values in points.items()},
        **{f"occurrence_{name}": ("occurrence", values) for name, values in places.items()},
    ).assign_coords(
        space=np.array(spaces, object), n_dimension=[2, 5, 10, 20], idiom=np.array(idioms, object),
        concept=scores["concept"], source=scores["source"],
    )  # fmt: skip


def fake_probes(scores: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """Return ``probes.zarr``; the probe of one neuron of each concept is 0:0."""
    sizes = {**scores.sizes, "n_neuron": 4, "rank": 8}
    floats = [name for name, variable in schema.PROBE_VARIABLES.items() if variable.dtype == "float64"]
    found = random_store(floats, schema.PROBE_VARIABLES, sizes, rng)
    decided = (scores["source"] == "categories").values & (scores["n_token"] > 0).all("group").values
    found = found.where(xr.DataArray(decided, dims="concept"))
    there = (
        np.broadcast_to(np.arange(8) < np.array([1, 2, 4, 8])[:, None], (len(decided), 4, 8)) & decided[:, None, None]
    )
    dims = ("concept", "n_neuron", "rank")
    places = {"chosen_layer": 0 * there, "chosen_neuron": np.broadcast_to(np.arange(8) % 7, there.shape)}
    chosen = {name: (dims, np.where(there, values, -1)) for name, values in places.items()}
    return found.assign(**_counts(decided), **chosen).assign_coords(
        concept=scores["concept"], source=scores["source"], n_neuron=[1, 2, 4, 8]
    )


def _counts(decided: NDArray[np.bool_]) -> dict[str, tuple[str, NDArray[np.generic]]]:
    untold = np.where(decided, "", UNDECIDED).astype(object)
    return {
        "n_type_member": ("concept", np.where(decided, 12, 0)),
        "n_type_matched": ("concept", np.where(decided, 340, 0)),
        "untold": ("concept", untold),
    }
