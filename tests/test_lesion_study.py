"""Lesions of whole studies: stored states or not, one worker or many, of any cell, refused where there is nothing."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
import yaml
from command import THREADS, call, expect_paragraph
from random_model import random_layer
from reference_lesion import clamped_losses
from tiny import digests, load_tiny_model, random_tensors, write_study, write_texts

import lstm_analysis as la
from lstm_analysis import study as study_module
from lstm_analysis.config import load_study
from lstm_analysis.errors import UsageError
from lstm_analysis.inference.checkpoints import save_model
from lstm_analysis.inference.checkpoints.safetensors_file import save_weights
from lstm_analysis.inputs import check_model, validate
from lstm_analysis.run import Run, open_run
from lstm_analysis.schema import LESION
from lstm_analysis.stages import lesion as lesion_stage
from lstm_analysis.stages import lesion_plan
from lstm_analysis.study import run_study
from lstm_analysis.vocabulary import Vocabulary

pytestmark = pytest.mark.slow
LESIONS = [(1, 3), (0, 2), [(0, 1), (1, 5)]]
SMALL = {"n_token": 30, "n_before": 8, "n_random": 6}


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "write_report", lambda run: (run.path / "report.html").touch())
        patch.setattr(lesion_plan, "N_EVERYWHERE", 60)
        patch.setattr(lesion_stage, "BLOCK_TOKENS", 300)
        yield


def make(folder: Path, *settings: str, **changes: object) -> Run:
    file = write_study(folder, **changes)
    return run_study(load_study(file, settings), folder / "run", in_process=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make(tmp_path_factory.mktemp("lesion"))


@pytest.fixture(scope="module")
def found(run: Run) -> xr.Dataset:
    return la.lesion(run, LESIONS, **SMALL)


def test_the_store_is_that_of_the_vocabulary(run: Run, found: xr.Dataset) -> None:
    kept = run.lesion
    assert set(kept.data_vars) == set(LESION)
    for name, variable in LESION.items():
        np.testing.assert_array_equal(kept[name].values, found[name].values, err_msg=name)
        assert kept[name].dims == variable.dims, name
        assert variable.dtype == "str" or kept[name].dtype == variable.dtype, name
        assert kept[name].attrs["long_name"] == variable.meaning
    assert kept["lesion"].values.tolist() == ["1:3", "0:2", "0:1,1:5"]
    assert not (run.path / "blocks").exists()


def test_losses_are_those_of_the_slow_reading_of_whole_documents(run: Run) -> None:
    """Passages longer than any document: the lesion acts from its first token on, as in a model without the neuron."""
    found = la.lesion(run, LESIONS, n_token=30, n_before=10_000, n_random=0, output=run.path.parent / "whole.zarr")
    model, ids = load_tiny_model(run.path), run.corpus["token_id"].values
    starts = np.append(run.corpus["document_start"].values, len(ids))
    plan = lesion_plan.plan_lesions(run, {}, 30, 10_000, 0)
    mean, _ = lesion_plan.moments(run, model)
    for i, lesion in enumerate(LESIONS):
        members = lesion if isinstance(lesion, list) else [lesion]
        delta = np.full(len(ids), np.nan)
        for start, stop in pairwise(starts):

            def replaced(layer, t, members=members):
                return {j: mean[of][j] for of, j in members if of == layer}

            for sign, clamp in ((1, replaced), (-1, lambda layer, t: {})):
                slow = sign * clamped_losses(model, ids[start:stop], clamp)
                delta[start + 1 : stop] = np.nan_to_num(delta[start + 1 : stop]) + slow
        for k in range(len(plan.concepts)):
            for prediction in (0, 1):
                sides = [side[k][side[k] >= 0] + prediction for side in (plan.tokens.target, plan.tokens.control)]
                inside = [side[(side < len(ids)) & ~np.isin(side, starts)] for side in sides]
                if prediction == 0:
                    inside = [side[~np.isnan(delta[side])] for side in sides]
                means = [delta[side].mean() if len(side) else np.nan for side in inside]
                at = found["delta_loss"].values[i, k, prediction]
                assert at == pytest.approx(means[0] - means[1], abs=2e-6, nan_ok=True)


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ("store=none", 2e-6),
        ("store=float16", 1e-3),  # means are those of the rounded states
        ("inference.states=[hidden]", 2e-6),
    ],
)
def test_without_stored_states_they_are_read_up_to(
    run: Run, found: xr.Dataset, tmp_path: Path, setting: str, error: float
) -> None:
    other = la.lesion(make(tmp_path, setting), LESIONS, **SMALL)
    for name in ("delta_loss", "delta_loss_overall", "intact_loss", "random_delta_loss"):
        np.testing.assert_allclose(other[name], found[name], atol=error, err_msg=name)
    assert other["random_neuron"].identical(found["random_neuron"])


@pytest.mark.parametrize("carry", ["sentence", "continuous", "streams"])
def test_any_carry(tmp_path: Path, carry: str) -> None:
    extra = {"streams": 3} if carry == "streams" else {}
    one = make(tmp_path, inference={"carry": carry, "shard_tokens": 128, **extra})
    found = la.lesion(one, LESIONS[:2], **SMALL)
    assert found["delta_loss_overall"].notnull().all()
    bits = one.activations["surprisal"].values
    tokens = lesion_plan.plan_lesions(one, {}, 30, 8, 0).tokens.everywhere + 1
    expected = np.nanmean(bits[tokens[tokens < len(bits)]]) * np.log(2)
    assert float(found["intact_loss_overall"]) == pytest.approx(expected, abs=1e-5)


def test_workers_and_interrupted_work_give_the_same_bytes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "threads.yaml").write_text(yaml.safe_dump(THREADS))
    la.lesion(run, LESIONS, **SMALL, output=tmp_path / "one" / "lesion.zarr")

    def once(*_: object):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lesion_stage, "_sum", once)
        with pytest.raises(KeyboardInterrupt):
            la.lesion(run, LESIONS, **SMALL, output=tmp_path / "x.zarr")
    with monkeypatch.context() as patch:
        patch.setattr(lesion_stage.tasks, "lesion_block", lambda *_: pytest.fail("done already"))
        la.lesion(run, LESIONS, **SMALL, output=tmp_path / "two" / "lesion.zarr")
    options = ("--neuron", "1:3", "--neuron", "0:2", "--set", "0:1,1:5", "--tokens", 30, "--before", 8, "--random", 6)
    ended = call(
        "lesion",
        run.path,
        *options,
        "--cluster",
        tmp_path / "threads.yaml",
        "--output",
        tmp_path / "three" / "lesion.zarr",
    )
    assert ended.code == 0, ended.err
    names = ("one", "two", "three")
    first, *others = (digests(tmp_path / name, ("lesion.zarr",)) for name in names)
    assert others == [first, first]


def test_resampled_and_zeroed_neurons(run: Run, found: xr.Dataset, tmp_path: Path) -> None:
    kinds = {kind: la.lesion(run, LESIONS, **SMALL, kind=kind, output=tmp_path / kind) for kind in ("zero", "resample")}
    again = la.lesion(run, LESIONS, **SMALL, kind="resample", output=tmp_path / "again")
    assert again.identical(kinds["resample"])
    assert (kinds["zero"]["member_value"].values[:2, 0] == 0).all()
    assert np.isnan(kinds["resample"]["member_value"]).all()
    for other in kinds.values():
        assert not np.allclose(other["delta_loss_overall"], found["delta_loss_overall"], atol=1e-4)
    other_seed = la.lesion(run, LESIONS, **SMALL, kind="resample", seed=4, output=tmp_path / "seed")
    assert not np.allclose(other_seed["delta_loss_overall"], again["delta_loss_overall"])


def test_a_study_lesions_what_it_has_found_after_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = partial(lesion_stage.LesionOptions, **SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(lesion_stage, "LesionOptions", few)
        one = make(tmp_path, analyses=["lesion", "sentence_position"], selectivity={"draws": 0, "twin": "initial"})
    assert one.lesion.sizes["lesion"] > 0
    assert all(one.lesion["chosen_for"].values)
    assert one.lesion["selective"].any("concept").all()
    assert not (one.path / "twin" / "lesion.zarr").exists()
    assert one.twin is not None
    assert one.twin.record["study"]["analyses"] == ["sentence_position"]
    refusal = call("lesion", one.path, "--neuron", "0:1", "--force")
    expect_paragraph(refusal, 2, "belongs to the run's study")
    (one.path / "lesion.zarr" / "zarr.json").write_text("{}")
    with monkeypatch.context() as patch:
        patch.setattr(lesion_stage, "LesionOptions", few)
        again = run_study(load_study(tmp_path / "tiny.yaml"), one.path, in_process=True)
    assert again.lesion.identical(one.lesion)


def test_a_command_prints_writes_and_does_not_overwrite(run: Run, here: Path) -> None:
    command = (
        "lesion",
        run.path,
        "--concept",
        "low",
        "--top",
        2,
        "--tokens",
        20,
        "--random",
        5,
        "--output",
        here / "a.zarr",
    )
    ended = call(*command, "--json")
    assert ended.code == 0, ended.err
    content = json.loads(ended.out)
    assert [one["chosen_for"] for one in content["lesions"]] == ["low", "low"]
    assert len(content["lesions"][0]["concepts"]) == 2 * run.selectivity.sizes["concept"]
    assert "took" in ended.err
    expect_paragraph(call(*command), 2, "is there already. Give --force")
    text = call(*command, "--force")
    assert text.code == 0, text.err
    assert "random neurons of the layer that cost as much" in text.out
    assert content["lesions"][0]["lesion"] in text.out


MISTAKES = [
    ([], "No neuron is named"),
    (["--neuron", "0:99"], "There is no neuron 0:99 in .*: it has 0:0 to 0:9, 1:0 to 1:9"),
    (["--set", "0:1,0:1"], "names a neuron twice"),
    (["--neuron", "0:1", "--top", "3"], "--top goes with --concept"),
    (["--concept", "lo"], "has no concept 'lo'; did you mean 'low'"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES)
def test_mistakes_are_explained(run: Run, here: Path, options: list[str], message: str) -> None:
    ended = call("lesion", run.path, *options, "--output", here / "x.zarr")
    assert ended.code in (1, 2)
    expect_paragraph(ended, ended.code, message)
    assert not (here / "x.zarr").exists()


def test_what_cannot_be_done_is_refused_before_anything_is_started(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lesion begins from stored states"):
        validate(
            load_study(write_study(tmp_path / "a", store="none", analyses=["lesion"]), ["inference.carry=continuous"])
        )
    bare = write_study(tmp_path / "b", analyses=["lesion"])
    save_model(replace(load_tiny_model(bare.parent), decoder=None), bare.parent / "model.safetensors")
    with pytest.raises(UsageError, match="has no decoder"):
        check_model(load_study(bare, ["inference.surprisal=false"]))
    with pytest.raises(UsageError, match="is 'means'"):
        la.lesion(run, [(0, 1)], kind="means", output=tmp_path / "x")
    with pytest.raises(UsageError, match="No neuron is named"):
        la.lesion(run, [], output=tmp_path / "x")
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    (copy / "model.safetensors").unlink()
    ended = call("lesion", copy, "--neuron", "0:1", "--force")
    expect_paragraph(ended, 1, "has no model to take neurons out of")


@pytest.mark.parametrize("readout", ["last", "mean"])
def test_a_word_costs_what_its_pieces_cost(tmp_path: Path, readout: str) -> None:
    file = write_study(tmp_path, inference={"readout": readout, "shard_tokens": 1000})
    characters = Vocabulary((" ", "\n", "w", *"0123456789"))
    save_weights(tmp_path / "model.safetensors", random_tensors(n_token=13), characters, {}, torch.float32)
    shutil.rmtree(tmp_path / "text")
    write_texts(tmp_path / "text", (60, 5, 40))
    one = run_study(load_study(file), tmp_path / "run", in_process=True)
    found = la.lesion(one, LESIONS[:2], **SMALL)
    tokens = lesion_plan.plan_lesions(one, {}, 30, 8, 0).tokens.everywhere + 1
    starts = one.corpus["document_start"].values
    inside = tokens[(tokens < one.corpus.sizes["time"]) & ~np.isin(tokens, starts)]
    expected = one.activations["surprisal"].values[inside].mean() * np.log(2)
    assert float(found["intact_loss_overall"]) == pytest.approx(expected, rel=1e-5)
    assert (np.abs(found["delta_loss_overall"]) > 1e-4).any()


def test_a_gru(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    model = load_tiny_model(tmp_path)
    layers = tuple(random_layer("gru", 10, 10, torch.float32, seed) for seed in range(2))
    save_model(replace(model, layers=layers), tmp_path / "model.safetensors")
    one = run_study(load_study(file), tmp_path / "run", in_process=True)
    found = la.lesion(open_run(one.path), LESIONS, **SMALL)
    assert found["delta_loss_overall"].notnull().all()
    assert (np.abs(found["delta_loss_overall"]) > 1e-4).any()
