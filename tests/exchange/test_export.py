"""Runs for other programs: projects that come back equal, activations as NeuroX reads them, tables row by row."""

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
import yaml
from command import call, expect_paragraph
from fake_run import CONSTANT, NASTY, TYPES, write_run
from lstmvis_files import N_TIME, SIZES, WORDS, Arrays, write_project

import lstm_analysis as la
from lstm_analysis.exchange import EXPORTS, TABLES, selection
from lstm_analysis.exchange.selection import select
from lstm_analysis.run import Run

SPAN = (10, 37)


def same_columns(found: xr.Dataset, expected: xr.Dataset) -> None:
    """Check that two corpora say the same of each token, whatever their order of types."""
    assert found.sizes["time"] == expected.sizes["time"]
    for table in ("type", "pos"):
        rows = [corpus[table].values[corpus[f"{table}_id"].values].tolist() for corpus in (found, expected)]
        assert rows[0] == rows[1]
    for name in ("document", "sentence", "sentence_position", "sentence_length", "mood", "length"):
        np.testing.assert_array_equal(found[name], expected[name])
    assert found["document_name"].values.tolist() == expected["document_name"].values.tolist()


def test_there_and_back_is_the_same_to_the_bit(tmp_path: Path, run: Run, small_blocks: None) -> None:
    ended = call("export", run.path, tmp_path / "project", "--format", "lstmvis")
    assert (ended.code, ended.out) == (
        0,
        f"{tmp_path}/project: 50 tokens, states1, states2, output1, output2, 5 tracks\n",
    )
    again = la.import_lstmvis(tmp_path / "project", tmp_path / "again")
    for name in ("hidden_state", "cell_state"):
        pair = [np.ascontiguousarray(r.activations[name].values).view(np.int32) for r in (run, again)]
        np.testing.assert_array_equal(*pair)
    assert again.activations.attrs["layer_sizes"] == run.activations.attrs["layer_sizes"]
    xr.testing.assert_equal(again.corpus.load().reset_coords(drop=True), run.corpus.load().reset_coords(drop=True))
    same_columns(again.corpus, run.corpus)


def test_a_span_of_one_layer_in_float16(tmp_path: Path, run: Run) -> None:
    options = ("--span", "10:37", "--layers", "1", "--dtype", "float16", "--state", "cell")
    assert call("export", run.path, tmp_path / "project", "--format", "lstmvis", *options).code == 0
    again = la.import_lstmvis(tmp_path / "project", tmp_path / "again")
    cell = run.activations.cell_state.isel(time=slice(*SPAN), layer=1).values.astype(np.float16)
    assert list(again.activations) == ["cell_state"]
    assert again.activations.cell_state.dtype == np.float16
    np.testing.assert_array_equal(again.activations.cell_state.isel(layer=1, neuron=slice(0, 3)), cell[:, :3])
    assert bool(again.activations.cell_state.isel(layer=0).isnull().all())
    words = [corpus["type"].values[corpus.type_id.values] for corpus in (run.corpus, again.corpus)]
    assert words[1].tolist() == words[0][slice(*SPAN)].tolist()


def test_the_project_is_what_lstmvis_reads(tmp_path: Path, run: Run) -> None:
    call("export", run.path, tmp_path / "project", "--format", "lstmvis")
    config = yaml.safe_load((tmp_path / "project" / "lstm.yml").read_text())
    assert all(name.endswith((".hdf5", ".dict")) for name in config["files"].values())
    assert config["states"]["types"] == [
        {"type": "state", "layer": 1, "path": "states1"},
        {"type": "state", "layer": 2, "path": "states2"},
        {"type": "output", "layer": 1, "path": "output1", "transform": "none"},
        {"type": "output", "layer": 2, "path": "output2", "transform": "none"},
    ]
    assert config["meta"]["pos"]["vis"] == {"type": "discrete", "range": "dict"}
    lines = (tmp_path / "project" / "words.dict").read_text().splitlines()
    names = dict(line.split() for line in lines)
    assert names == {word: str(id_) for id_, word in enumerate(WORDS, 1)}
    with h5py.File(tmp_path / "project" / "states.hdf5") as file:
        assert {name: data.shape for name, data in file.items()} == {
            f"{stem}{layer}": (N_TIME, size) for stem in ("states", "output") for layer, size in enumerate(SIZES, 1)
        }
        assert {(str(data.dtype), data.chunks) for data in file.values()} == {("float32", None)}
    with h5py.File(tmp_path / "project" / "words.hdf5") as file:
        assert (file["word_ids"][:] - 1).tolist() == run.corpus.type_id.values.tolist()


def test_labels_become_tracks_and_hard_names_come_back(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    concepts = ["idiom", NASTY]
    ended = call(
        "export", run.path, tmp_path / "p", "--format", "lstmvis", "--concept", concepts[0], "--concept", NASTY
    )
    assert ended.code == 0, ended.err
    config = yaml.safe_load((tmp_path / "p" / "lstm.yml").read_text())
    tracks = [name for name in config["meta"] if name.startswith("concept_")]
    again = la.import_lstmvis(tmp_path / "p", tmp_path / "again")
    value = {"target": 1, "baseline": 0, "left_out": -1}
    for concept, track in zip(concepts, tracks, strict=True):
        codes = again.corpus[f"{track}_id"].values
        found = [value[again.corpus[track].values[code]] for code in codes]
        assert found == run.labels.label.sel(concept=concept).values.tolist()
    assert again.corpus["document_name"].values.tolist() == run.corpus["document_name"].values.tolist()
    assert again.corpus["type"].values.tolist() == TYPES
    assert again.corpus.type_id.values.tolist() == run.corpus.type_id.values.tolist()
    np.testing.assert_array_equal(again.activations.hidden_state, run.activations.hidden_state)


MISTAKES = {
    ("lstmvis", "--span", "40:51"): r"--span 40:51 is no part of the corpus, which has the tokens 0:50",
    ("lstmvis", "--span", "7:7"): r"--span 7:7 is no part of the corpus",
    ("lstmvis", "--layers", "0,2"): r"--layers 0,2: the run has the layers 0 to 1",
    ("lstmvis", "--state", "hiden"): r"--state hiden: .* did you mean 'hidden'\? It is one of hidden, cell",
    ("lstmvis", "--table", "states"): r"--table is for parquet and csv; lstmvis always holds states",
    ("neurox", "--concept", "x"): r"neurox has none\. Leave --concept away",
    ("neurox", "--layers", "0"): r"must end in \.hdf5, by which NeuroX knows the format",
    ("csv",): r"has no scores \(neurons\.parquet\)",
    ("parquet", "--span", "0:9"): r"--span chooses states, and the table is that of neurons\. Give --table states",
}


@pytest.mark.parametrize("options", MISTAKES, ids=" ".join)
def test_mistakes_are_explained_and_leave_nothing(tmp_path: Path, run: Run, options: tuple[str, ...]) -> None:
    ended = call("export", run.path, tmp_path / "out", "--format", *options)
    expect_paragraph(ended, 2, MISTAKES[options])
    assert not [path.name for path in tmp_path.iterdir() if "out" in path.name]


@pytest.mark.parametrize("options", [("--span", "5"), ("--span", "a:b"), ("--layers", "x"), ("--layers", "-1")])
def test_options_that_mean_nothing(tmp_path: Path, options: tuple[str, str]) -> None:
    assert call("export", tmp_path, tmp_path / "out", "--format", "csv", *options).code == 2


def test_values_beyond_float16_are_refused(tmp_path: Path) -> None:
    def change(config: dict[str, Any], arrays: Arrays, folder: Path) -> None:
        arrays["states.hdf5/states1"][20, 2] = 70_000

    write_project(tmp_path / "first", change)
    run = la.import_lstmvis(tmp_path / "first", tmp_path / "run")
    ended = call("export", run.path, tmp_path / "out", "--format", "lstmvis", "--dtype", "float16")
    expect_paragraph(ended, 2, "cell_state has values beyond float16 in tokens 0 to 50. Use --dtype float32")
    assert not [path.name for path in tmp_path.iterdir() if "out" in path.name]


def test_nothing_is_replaced_without_force_and_a_strange_folder_never(tmp_path: Path, run: Run) -> None:
    command = ("export", run.path, tmp_path / "out", "--format", "lstmvis")
    assert call(*command).code == 0
    expect_paragraph(call(*command), 2, "is a project already. Give --force")
    assert call(*command, "--span", "0:9", "--force").code == 0
    assert la.import_lstmvis(tmp_path / "out", tmp_path / "again").corpus.sizes["time"] == 9
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "a.tex").write_text("mine")
    strange = ("export", run.path, tmp_path / "thesis", "--format")
    expect_paragraph(call(*strange, "lstmvis", "--force"), 2, "is there and no LSTMVis project, so it is not replaced")
    expect_paragraph(call(*strange, "csv", "--force"), 2, "is a folder; give the name of a file in it")
    table = ("export", run.path, tmp_path / "t.csv", "--format", "csv", "--table", "states")
    assert call(*table).code == 0
    expect_paragraph(call(*table), 2, r"t\.csv is there already\. Give --force")
    assert call(*table, "--force").code == 0


def test_a_run_without_states_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", stored=False)
    ended = call("export", run.path, tmp_path / "out", "--format", "lstmvis")
    expect_paragraph(ended, 1, "keeps no states: its study says store: none")


def test_a_smaller_layer_is_written_without_its_padding(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", layer_sizes=(7, 5))
    chosen = select(run, states=["hidden"])
    assert chosen.layer_sizes("hidden_state") == {0: 7, 1: 5}
    assert CONSTANT == (1, 4)
    la.export_run(run, tmp_path / "p", "lstmvis")
    with h5py.File(tmp_path / "p" / "states.hdf5") as file:
        assert file["output2"].shape == (600, 5)
        assert not np.isnan(file["output2"][:]).any()


def test_the_command_knows_all_formats() -> None:
    shown = call("export", "--help").out
    assert f"--format {{{','.join(EXPORTS)}}}" in shown
    assert f"--table {{{','.join(TABLES)}}}" in shown


def test_blocks_tile_any_span(run: Run, small_blocks: None) -> None:
    for span in [(0, 50), (0, 1), (7, 9), (8, 16), (3, 50), (49, 50)]:
        found = list(select(run, span=span).blocks("test"))
        assert [found[0][0], found[-1][1]] == list(span)
        assert all(a[1] == b[0] for a, b in pairwise(found))
        assert all(0 < stop - start <= 8 and (start % 8 == 0 or start == span[0]) for start, stop in found)


def test_a_killed_export_leaves_no_table(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(selection.Selection, "values", fail)
    for kind, name in (("lstmvis", "p"), ("neurox", "a.hdf5"), ("csv", "t.csv"), ("parquet", "t.parquet")):
        table = {"table": "states"} if kind in ("csv", "parquet") else {}
        with pytest.raises(KeyboardInterrupt):
            la.export_run(run, tmp_path / name, kind, layers=[0], **table)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "run"]


def test_without_h5py(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    for kind, name in (("lstmvis", "p"), ("neurox", "a.hdf5")):
        ended = call("export", run.path, tmp_path / name, "--format", kind, "--layers", "0")
        expect_paragraph(ended, 2, "need the package h5py, which is not installed")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "run"]
