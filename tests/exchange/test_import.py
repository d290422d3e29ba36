"""LSTMVis projects as runs: every value where the project has it, on which the rest of the package works."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
from command import call, expect_paragraph
from hypothesis import given
from hypothesis import strategies as st
from lstmvis_files import N_TIME, SIZES, TAGS, WORDS, Arrays, write_project

import lstm_analysis as la
from lstm_analysis.exchange import imported_states, lstmvis_layout
from lstm_analysis.exchange.dictionary import escape, read_dictionary, unescape, write_dictionary
from lstm_analysis.exchange.lstmvis_layout import blocks
from lstm_analysis.labels import part_of_speech, position
from lstm_analysis.store import read_commits


def states_of(arrays: Arrays, stem: str) -> np.ndarray:
    """Return the states of a project as the run must have them, dims (time, layer, neuron)."""
    found = np.full((N_TIME, len(SIZES), max(SIZES)), np.nan, np.float32)
    for layer, size in enumerate(SIZES):
        found[:, layer, :size] = arrays[f"states.hdf5/{stem}{layer + 1}"]
    return found


def positions(ids: np.ndarray, end: int) -> list[tuple[int, int, int]]:
    """Return sentence, position and length of each token by a slow loop."""
    rows, sentence, position = [], 0, 0
    for id_ in ids:
        rows.append((sentence, position))
        position += 1
        if id_ == end:
            sentence, position = sentence + 1, 0
    return [(s, p, sum(other == s for other, _ in rows)) for s, p in rows]


@pytest.mark.parametrize("first_id", [0, 1])
def test_a_project_is_a_run_with_its_values(tmp_path: Path, first_id: int) -> None:
    arrays = write_project(tmp_path / "project", first_id=first_id)
    run = la.import_lstmvis(tmp_path / "project", tmp_path / "run")
    np.testing.assert_array_equal(run.activations.cell_state, states_of(arrays, "states"))
    np.testing.assert_array_equal(run.activations.hidden_state, states_of(arrays, "output"))
    assert run.activations.attrs["layer_sizes"] == list(SIZES)
    assert run.activations.hidden_state.dims == ("time", "layer", "neuron")
    corpus, ids = run.corpus, arrays["words.hdf5/word_ids"]
    assert corpus["type"].values[corpus.type_id.values].tolist() == [WORDS[id_ - first_id] for id_ in ids]
    assert corpus.token_id.values.tolist() == (ids - first_id).tolist()
    names = ("sentence", "sentence_position", "sentence_length")
    assert list(zip(*(corpus[name].values.tolist() for name in names), strict=True)) == positions(ids, first_id + 1)
    assert set(corpus.document.values.tolist()) == {0}
    assert corpus["document_start"].values.tolist() == [0]
    assert corpus["pos"].values[corpus.pos_id.values].tolist() == [TAGS[code] for code in arrays["tracks.h5/pos"]]
    np.testing.assert_array_equal(corpus.mood, arrays["tracks.h5/mood"])
    assert corpus.length.values.tolist() == [id_ + 10 for id_ in ids]
    for name in ("token_id", "document", "sentence", "sentence_position"):
        assert run.activations.coords[name].values.tolist() == corpus[name].values.tolist()


def test_labels_and_summaries_are_made_of_it(tmp_path: Path) -> None:
    arrays = write_project(tmp_path / "project")
    run = la.import_lstmvis(tmp_path / "project", tmp_path / "run")
    labels = la.label_corpus(run.corpus, {"opening": position(first=2), "pos": part_of_speech()})
    scores = la.measure(la.summarize(run.activations.hidden_state, labels), ["mean_difference"])
    noun = arrays["tracks.h5/pos"] == TAGS.index("NN")
    others = arrays["tracks.h5/pos"] == TAGS.index("DT")
    h = arrays["states.hdf5/output1"].astype(np.float64)
    expected = h[noun].mean(0) - h[others].mean(0)
    found = scores.mean_difference.sel(concept="NN").isel(layer=0)
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_what_is_imported_and_not_known_is_recorded_and_shown(tmp_path: Path) -> None:
    def change(config: dict[str, Any], arrays: Arrays, folder: Path) -> None:
        config["meta"]["top"] = {"file": "tracks", "path": "top", "type": "wordvec", "vis": {}}
        config["states"]["types"].append({"type": "state", "layer": 2, "path": "states2u", "unsigned": True})

    write_project(tmp_path / "project", change)
    ended = call("import", tmp_path / "project", "--output", tmp_path / "run")
    assert ended.code == 0, ended.err
    assert "left out: track top: of type wordvec" in ended.err
    assert "left out: states::states2u: unsigned halves of states" in ended.err
    imported = la.open_run(tmp_path / "run").facts["imported"]
    assert imported["not_known"] == ["model", "vocabulary", "carry", "surprisal"]
    assert imported["sources"]["states::output2"] == "hidden_state of layer 2"
    shown = call("inspect", tmp_path / "run")
    assert shown.out == ended.out
    assert "imported    from lstmvis, 'storms': 4 sources of 4 + 3 neurons; not known: model" in shown.out
    assert "50 tokens, 8 sentences, 1 documents, 5 types, 2.00 % unknown" in shown.out


def test_what_only_a_study_makes_is_said_to_be_missing(tmp_path: Path) -> None:
    write_project(tmp_path / "project")
    la.import_lstmvis(tmp_path / "project", tmp_path / "run")
    pattern = r"has no labels\.zarr: it was imported, with words and states only\. Label it"
    expect_paragraph(call("report", tmp_path / "run"), 1, pattern)


def test_every_shard_is_committed_with_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imported_states, "LEAST_SHARD", 1)
    monkeypatch.setattr(imported_states, "SHARD_BYTES", 16 * 4 * 2 * 4)
    arrays = write_project(tmp_path / "project")
    run = la.import_lstmvis(tmp_path / "project", tmp_path / "run")
    spans = [commit["spans"] for commit in read_commits(tmp_path / "run").values()]
    assert spans == [[[0, 16]], [[16, 32]], [[32, 48]], [[48, 50]]]
    np.testing.assert_array_equal(run.activations.cell_state, states_of(arrays, "states"))
    assert run.record["study"]["inference"]["shard_tokens"] == 16


def test_any_block_of_the_scan_finds_the_same_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(tmp_path / "project")
    options = {"document": "pos", "sentence": "mood"}
    whole = la.import_lstmvis(tmp_path / "project", tmp_path / "whole", **options).corpus.load()
    monkeypatch.setattr(lstmvis_layout, "blocks", lambda n: blocks(n, 3))
    cut = la.import_lstmvis(tmp_path / "project", tmp_path / "cut", **options).corpus.load()
    xr.testing.assert_identical(whole, cut)
    assert whole.sizes["document_name"] > 5


@pytest.mark.parametrize("given_track", [True, False])
def test_a_track_says_where_documents_begin(tmp_path: Path, given_track: bool) -> None:
    def change(config: dict[str, Any], arrays: Arrays, folder: Path) -> None:
        values = np.repeat([2, 1, 2], [20, 10, 20])
        arrays["tracks.h5/book"] = values
        name = "book" if given_track else "document"
        (folder / "books.dict").write_text("ours 1\ntheirs 2\n")
        config["files"]["books"] = "books.dict"
        config["meta"][name] = {"file": "tracks", "path": "book", "dict": "books", "vis": {}}

    write_project(tmp_path / "project", change)
    run = la.import_lstmvis(tmp_path / "project", tmp_path / "run", document="book" if given_track else None)
    assert run.corpus["document_name"].values.tolist() == ["theirs", "ours", "theirs"]
    assert run.corpus.document.values.tolist() == [0] * 20 + [1] * 10 + [2] * 20
    assert run.corpus["document_start"].values.tolist() == [0, 20, 30]
    assert run.corpus.sentence_position.values[[0, 20, 30]].tolist() == [0, 0, 0]
    assert "book" not in run.corpus


def test_the_end_symbol_can_be_another_word_or_none(tmp_path: Path) -> None:
    arrays = write_project(tmp_path / "project", words=("<unk>", "stop", "the", "storm", "weather"))
    project = tmp_path / "project"
    ids = arrays["words.hdf5/word_ids"]
    one = la.import_lstmvis(project, tmp_path / "one").corpus
    assert set(one.sentence.values.tolist()) == {0}
    assert set(one.sentence_length.values.tolist()) == {N_TIME}
    many = la.import_lstmvis(project, tmp_path / "many", end_of_sentence="stop").corpus
    assert many.sentence.values.tolist() == [row[0] for row in positions(ids, 2)]
    ended = call("import", project, "--output", tmp_path / "no", "--end-of-sentence", "stopp")
    expect_paragraph(ended, 2, "--end-of-sentence 'stopp' is not in .*words.dict; did you mean 'stop'")


def test_one_kind_of_states_alone_and_a_layer_that_is_missing(tmp_path: Path) -> None:
    def outputs_of_layer_2(config: dict[str, Any], arrays: Arrays, folder: Path) -> None:
        config["states"]["types"] = config["states"]["types"][3:]

    arrays = write_project(tmp_path / "project", outputs_of_layer_2)
    run = la.import_lstmvis(tmp_path / "project", tmp_path / "run")
    assert "cell_state" not in run.activations
    assert run.activations.attrs["layer_sizes"] == [0, SIZES[1]]
    hidden = run.activations.hidden_state
    assert bool(hidden.isel(layer=0).isnull().all())
    np.testing.assert_array_equal(hidden.isel(layer=1), arrays["states.hdf5/output2"])


def test_layers_from_zero_on_stay_what_they_are(tmp_path: Path) -> None:
    def change(config: dict[str, Any], arrays: Arrays, folder: Path) -> None:
        for entry in config["states"]["types"]:
            entry["layer"] -= 1

    arrays = write_project(tmp_path / "project", change)
    run = la.import_lstmvis(tmp_path / "project", tmp_path / "run")
    np.testing.assert_array_equal(run.activations.cell_state, states_of(arrays, "states"))


@pytest.mark.parametrize(("stored", "kept"), [("<f2", "float16"), (">f4", "float32"), ("<f8", "float32")])
def test_stored_types(tmp_path: Path, stored: str, kept: str) -> None:
    def change(config: dict[str, Any], arrays: Arrays, folder: Path) -> None:
        for name in [name for name in arrays if name.startswith("states")]:
            arrays[name] = arrays[name].astype(stored)

    arrays = write_project(tmp_path / "project", change)
    run = la.import_lstmvis(tmp_path / "project", tmp_path / "run")
    assert run.activations.cell_state.dtype == kept
    np.testing.assert_array_equal(run.activations.cell_state, states_of(arrays, "states").astype(kept))


def test_the_users_word_on_a_source_counts(tmp_path: Path) -> None:
    def hidden_states_called_states(config: dict[str, Any], arrays: Arrays, folder: Path) -> None:
        config["states"]["types"] = config["states"]["types"][:2]
        for layer in (1, 2):
            arrays[f"states.hdf5/states{layer}"] = arrays[f"states.hdf5/output{layer}"]

    arrays = write_project(tmp_path / "project", hidden_states_called_states)
    chosen = ["--source", "states::states1=hidden", "--source", "states::states2=skip"]
    assert call("import", tmp_path / "project", "--output", tmp_path / "run", *chosen).code == 0
    run = la.open_run(tmp_path / "run")
    assert list(run.activations) == ["hidden_state"]
    np.testing.assert_array_equal(run.activations.hidden_state.isel(layer=0), arrays["states.hdf5/output1"])


def test_the_first_tokens_of_states_that_are_shorter_than_the_words(tmp_path: Path) -> None:
    def change(config: dict[str, Any], arrays: Arrays, folder: Path) -> None:
        for name in [name for name in arrays if name.startswith("states")]:
            arrays[name] = arrays[name][:-9]

    write_project(tmp_path / "project", change)
    refused = call("import", tmp_path / "project", "--output", tmp_path / "run")
    expect_paragraph(refused, 2, r"states::states1 has shape \(41, 4\), but the words are 50 tokens.* 41: --limit-tok")
    assert not (tmp_path / "run").exists()
    run = la.import_lstmvis(tmp_path / "project", tmp_path / "run", limit_tokens=41)
    assert run.activations.sizes["time"] == run.corpus.sizes["time"] == 41
    assert run.facts["corpus"]["limited"] is True


def test_a_second_import_of_the_same_changes_nothing_and_of_another_is_refused(tmp_path: Path) -> None:
    write_project(tmp_path / "project")
    command = ("import", tmp_path / "project", "--output", tmp_path / "run")
    first = call(*command)
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "run").rglob("*") if file.name != "run.lock"}
    assert call(*command).out == first.out
    assert {file: file.stat().st_mtime_ns for file in before} == before
    expect_paragraph(call(*command, "--limit-tokens", 20), 1, "holds another study.*--force")
    assert call(*command, "--limit-tokens", 20, "--force").code == 0
    assert la.open_run(tmp_path / "run").corpus.sizes["time"] == 20


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    write_project(tmp_path / "project")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("mine")
    ended = call("import", tmp_path / "project", "--output", tmp_path / "run")
    expect_paragraph(ended, 1, r"not empty and not a run \(it holds thesis.tex\)")


def test_states_in_a_compressed_and_chunked_file(tmp_path: Path) -> None:
    arrays = write_project(tmp_path / "project")
    with h5py.File(tmp_path / "project" / "states.hdf5", "a") as file:
        del file["states1"]
        group = file.create_group("deep/er")
        group.create_dataset("c", data=arrays["states.hdf5/states1"], chunks=(7, 2), compression="gzip")
    text = (tmp_path / "project" / "lstm.yml").read_text().replace("path: states1", "path: /deep/er/c")
    (tmp_path / "project" / "lstm.yml").write_text(text)
    run = la.import_lstmvis(tmp_path / "project", tmp_path / "run")
    np.testing.assert_array_equal(run.activations.cell_state, states_of(arrays, "states"))


def test_dictionaries_are_read_as_lstmvis_wrote_them(tmp_path: Path) -> None:
    file = tmp_path / "words.dict"
    file.write_text("the 1\nstorm\t2\r\n \t3\n  4\nNew York\t5\n\n\u00e9\u2028t\u00e9 6\n", encoding="utf-8")
    assert read_dictionary(file) == {1: "the", 2: "storm", 3: " ", 4: " ", 5: "New York", 6: "\u00e9\u2028t\u00e9"}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_names_come_back_from_dictionaries_that_lstmvis_can_read(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        safe = escape(name)
        assert unescape(safe) == name
        assert safe == " " or safe.split() == [safe]
    write_dictionary(tmp_path / "x.dict", dict(enumerate(names)))
    assert read_dictionary(tmp_path / "x.dict", escaped=True) == dict(enumerate(names))
