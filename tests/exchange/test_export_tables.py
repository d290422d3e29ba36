"""Activations as NeuroX reads them, and tables as Parquet and CSV."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from command import call, expect_paragraph
from hypothesis import given
from hypothesis import strategies as st
from lstmvis_files import N_TIME, SIZES

import lstm_analysis as la
from lstm_analysis.exchange.neurox_export import numbered
from lstm_analysis.run import Run

SPAN = (10, 37)


def test_neurox_finds_each_sentence(tmp_path: Path, run: Run, small_blocks: None) -> None:
    file = tmp_path / "acts.hdf5"
    ended = call("export", run.path, file, "--format", "neurox", "--layers", "1", "--span", "3:50", "--state", "cell")
    assert ended.code == 0, ended.err
    corpus, cell = run.corpus, run.activations.cell_state
    with h5py.File(file) as opened:
        index = json.loads(opened["sentence_to_index"][0])
        at, seen = 3, []
        for number, (text, key) in enumerate(index.items()):
            assert key == str(number)
            data = opened[key][:]
            stop = at + data.shape[1]
            words = corpus["type"].values[corpus.type_id.values[at:stop]].tolist()
            expected = " ".join(words)
            assert text in (expected, f"{expected} (Occurrence {seen.count(expected) + 1})")
            seen.append(expected)
            assert len(set(corpus.sentence.values[at:stop].tolist())) == 1
            np.testing.assert_array_equal(
                data, cell.isel(time=slice(at, stop), layer=[1]).values.swapaxes(0, 1)[:, :, :3]
            )
            at = stop
        assert at == N_TIME
        assert len(index) == len(set(corpus.sentence.values[3:].tolist()))


def test_neurox_and_layers_of_another_size(tmp_path: Path, run: Run) -> None:
    ended = call("export", run.path, tmp_path / "a.hdf5", "--format", "neurox")
    expect_paragraph(
        ended, 2, r"layers of as many neurons each, found layer 0: 4, layer 1: 3\. Choose some with --layers"
    )
    assert not (tmp_path / "a.hdf5").exists()


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_states_as_a_table(tmp_path: Path, run: Run, small_blocks: None, kind: str) -> None:
    file = tmp_path / f"states.{kind}"
    ended = call("export", run.path, file, "--format", kind, "--table", "states", "--span", "10:37")
    assert (ended.code, ended.out) == (0, f"{file}: 27 tokens\n"), ended.err
    table = pd.read_parquet(file) if kind == "parquet" else pd.read_csv(file)
    corpus = run.corpus.isel(time=slice(*SPAN))
    assert table["time"].tolist() == list(range(*SPAN))
    assert table["word"].tolist() == corpus["type"].values[corpus.type_id.values].tolist()
    assert table["pos"].tolist() == corpus["pos"].values[corpus.pos_id.values].tolist()
    for name in ("document", "sentence", "sentence_position", "mood", "length"):
        np.testing.assert_array_equal(table[name].to_numpy(corpus[name].dtype), corpus[name])
    states = [name for name in table if " " in name]
    assert len(states) == 2 * sum(SIZES)
    for column in states:
        name, layer, neuron = column.replace(":", " ").split()
        values = run.activations[name].isel(time=slice(*SPAN), layer=int(layer), neuron=int(neuron)).values
        np.testing.assert_array_equal(table[column].to_numpy(np.float32), values)
    if kind == "parquet":
        half = ("--table", "states", "--dtype", "float16", "--layers", "1,0", "--state", "hidden", "--force")
        assert call("export", run.path, file, "--format", kind, *half).code == 0
        column = pd.read_parquet(file)["hidden_state 1:2"]
        hidden = run.activations.hidden_state.isel(layer=1, neuron=2).values
        np.testing.assert_array_equal(column.to_numpy(), hidden.astype(np.float16))


def test_a_block_is_a_row_group(tmp_path: Path, run: Run, small_blocks: None) -> None:
    la.export_run(run, tmp_path / "t.parquet", "parquet", table="states", span=SPAN)
    assert pq.ParquetFile(tmp_path / "t.parquet").num_row_groups == 4


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_scores_as_a_table(tmp_path: Path, run: Run, kind: str) -> None:
    scores = pd.DataFrame({"concept": ["a, b", "c"], "layer": [0, 1], "neuron": [3, 2], "auroc": [0.9, np.nan]})
    scores.to_parquet(run.path / "neurons.parquet", index=False)
    ended = call("export", run.path, tmp_path / "t", "--format", kind)
    assert (ended.code, ended.out) == (0, f"{tmp_path}/t: 2 rows\n")
    found = pd.read_parquet(tmp_path / "t") if kind == "parquet" else pd.read_csv(tmp_path / "t")
    pd.testing.assert_frame_equal(found, scores, check_dtype=False)


@given(st.lists(st.sampled_from(["a", "b", "a (Occurrence 2)", "a (Occurrence 3)"])))
def test_occurrences_are_counted_as_neurox_does(texts: list[str]) -> None:
    index: dict[str, int] = {}
    for number, text in enumerate(texts):
        name, count = text, 1
        while name in index:
            count += 1
            name = f"{text} (Occurrence {count})"
        index[name] = number
    assert list(numbered(texts)) == list(index)
