"""Matching in a run: its index, texts, and what single neurons do, each against a slow loop."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import reference_match as reference
import xarray as xr
from distributed import Client
from fake_run import N_TIME, NASTY, TYPES, write_run
from small_slabs import cut_small

import lstm_analysis as la
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.integrity import sealed
from lstm_analysis.match import bit_index, phrase
from lstm_analysis.match.of_run import (
    bits_of,
    find_text,
    match_span,
    neuron_contexts,
    neurons_alike,
    neurons_at,
    selected_at,
)
from lstm_analysis.match.of_states import stored_states
from lstm_analysis.run import Run, open_run

SPAN = (100, 101)


def states_of(run: Run) -> np.ndarray:
    values: np.ndarray = run.activations["hidden_state"].values
    return values


@pytest.mark.parametrize("sides", ["up", "both", "absolute"])
@pytest.mark.parametrize("source", ["hidden", "tanh_hidden"])
def test_a_run_is_matched_as_its_states_are(run: Run, monkeypatch: pytest.MonkeyPatch, sides: str, source: str) -> None:
    """Also where the index is cut into many slabs, and when it is used again."""
    states = run.activations["hidden_state"].assign_coords(document=run.corpus["document"].variable).load()
    transform = "none" if source == "hidden" else "tanh"
    expected = la.find_matches(states, span=SPAN, sides=sides, transform=transform, draws=9, n_results=8)
    cut_small(monkeypatch, 7)
    for _ in range(2):
        found = match_span(run, *SPAN, sides=sides, source=source, draws=9, n=8)
        names = [str(name) for name in expected.data_vars if name != "document"]
        assert found[names].identical(expected[names])
    assert found["document"].values.tolist() == expected["document"].values.tolist()


def test_lstmvis_mode_is_that_of_the_states(run: Run) -> None:
    states = run.activations["hidden_state"].load()
    expected = la.find_matches(states, span=SPAN, mode="lstmvis", layer=1, constrain_left=True, query="precise")
    found = match_span(run, *SPAN, mode="lstmvis", source="tanh_hidden", query="precise")
    assert found[list(expected.data_vars)].identical(expected)


def test_a_layer_is_searched_alone(run: Run) -> None:
    states = run.activations["hidden_state"].assign_coords(document=run.corpus["document"].variable)
    expected = la.find_matches(states, span=SPAN, layer=1, draws=0)
    found = match_span(run, *SPAN, layer=1, draws=0)
    assert set(found["selected_layer"].values.tolist()) == {1}
    for name in ("start", "length", "n_shared", "n_union", "selected_neuron"):
        assert found[name].values.tolist() == expected[name].values.tolist()


def test_the_index_is_made_once_and_again_when_the_states_are_others(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    write = bit_index.write_slab
    monkeypatch.setattr(bit_index, "write_slab", lambda *task: (made.append(task[0]), write(*task))[1])
    match_span(run, *SPAN, draws=0)
    match_span(run, 5, 6, draws=0)
    match_span(run, *SPAN, draws=0, sides="up")
    assert made == [0]
    (folder,) = (run.path / "matches").iterdir()
    (folder / "index.json").unlink()  # interrupted before it was whole
    match_span(run, *SPAN, draws=0)
    assert made == [0, 0]
    spoil_states(run, fingerprint="other")
    store = run.path / "activations.zarr"
    turned = xr.open_zarr(store, consolidated=False, chunks=None).load().isel(time=slice(None, None, -1))
    turned = turned.drop_encoding().assign_attrs(turned.attrs | {"fingerprint": "other"})
    turned.chunk(time=64).to_zarr(store, mode="w", consolidated=False, zarr_format=3)
    found = match_span(open_run(run.path), N_TIME - 101, N_TIME - 100, draws=0, left=0)
    assert made == [0, 0, 0]
    (other,) = (run.path / "matches").iterdir()
    assert other != folder
    assert found["jaccard"].values[0] == 1


def test_workers_make_the_same_index(run: Run, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_small(monkeypatch, 7)
    bits_of(stored_states(run), 0.3, "both", client)
    (folder,) = (run.path / "matches").iterdir()
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert len(files) == 2 * 5 + 1
    shutil.rmtree(folder)
    bits_of(stored_states(run), 0.3)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == files


def test_missing_states_are_found_before_they_look_like_silence(run: Run) -> None:
    shutil.rmtree(run.path / "activations.zarr" / "hidden_state" / "c" / "3")
    with pytest.raises(UserError, match=r"missing from token 192 on .*Run the study again"):
        match_span(run, *SPAN)
    assert not list((run.path / "matches").rglob("index.json"))


def test_a_span_selects_by_the_rule(run: Run) -> None:
    for layer in (None, 1):
        found = selected_at(run, 100, 102, layer, 0.2, left=2, right=1, sides="both")
        expected = reference.select(states_of(run), 100, 102, 0.2, 2, 1, "both")
        places = {(int(found.layer[i]), int(j), int(found.values[i, j])) for i, j in np.argwhere(found.values)}
        assert places == {one for one in expected if layer in (None, one[0])}


def test_a_phrase_is_found_in_any_case_inside_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phrase, "SLAB", 37)
    forms = [TYPES[i].lower() for i in run.corpus["type_id"].values]
    sentence = run.corpus["sentence"].values
    found = find_text(run, "NAÏVE  the")
    expected = [t for t in range(N_TIME - 1) if forms[t : t + 2] == ["naïve", "the"] and sentence[t] == sentence[t + 1]]
    assert found["start"].values.tolist() == expected
    assert (found["stop"] - found["start"]).values.tolist() == [2] * len(expected)
    assert set(found["text"].values.tolist()) == {"naïve the"}
    first = find_text(run, "naïve the", n=3)
    assert first["start"].values.tolist() == expected[:3]
    assert int(first["n_occurrence"]) == int(found["n_occurrence"]) == len(expected)


def test_a_phrase_that_is_nowhere_names_the_nearest(run: Run) -> None:
    with pytest.raises(
        UserError, match=r"'naïvve the' does not stand.*'naïvve' \(near are naïve\).*'naïve the' \(\d+\)"
    ):
        find_text(run, "naïvve the")
    with pytest.raises(UserError, match=r"'zzzz'\. Check its spelling"):
        find_text(run, "zzzz")
    with pytest.raises(UsageError, match="The phrase is empty"):
        find_text(run, "  ")


def test_matches_are_aligned_with_text_and_concepts(run: Run) -> None:
    found = match_span(run, *SPAN, draws=0)
    codes, document = run.corpus["type_id"].values, run.corpus["document"].values
    label, names = run.labels["label"].values, run.labels["concept"].values
    for row in range(found.sizes["match"]):
        start = int(found["start"][row])
        stop = start + int(found["length"][row])
        before = [t for t in range(max(0, start - 8), start) if document[t] == document[start]]
        after = [t for t in range(stop, min(N_TIME, stop + 8)) if document[t] == document[start]]
        for name, times in (("before", before), ("text", range(start, stop)), ("after", after)):
            assert found[name].values[row] == " ".join(TYPES[codes[t]] for t in times)
        assert found["concepts"].values[row] == "; ".join(names[(label[start:stop] == 1).any(axis=0)])
        assert found["document_name"].values[row] == run.corpus["document_name"].values[document[start]]


def test_parts_of_speech_stand_beside_where_the_corpus_has_them(run: Run) -> None:
    tags = np.array(["N", "V", NASTY], object)
    code = np.arange(N_TIME) % 3
    added = xr.Dataset({"pos_id": ("time", code.astype(np.int32))}, {"pos": tags}, run.corpus.attrs)
    added.to_zarr(run.path / "corpus.zarr", mode="a", consolidated=False, zarr_format=3)
    found = match_span(open_run(run.path), *SPAN, draws=0)
    spans = zip(found["start"].values.tolist(), found["length"].values.tolist(), strict=True)
    assert found["part_of_speech"].values.tolist() == [" ".join(tags[code[a : a + n]]) for a, n in spans]


def spoil_states(run: Run, **entry: object) -> Run:
    record = json.loads((run.path / "run.json").read_text())
    record["stages"]["activations"].update(entry)
    (run.path / "run.json").write_text(json.dumps(record))
    return open_run(run.path)


def test_states_that_are_being_written_are_refused_with_what_is_done(run: Run) -> None:
    (run.path / "commits").mkdir()
    for index, span in enumerate([(0, 64), (128, 192)]):
        commit = json.dumps(sealed({"spans": [list(span)]}))
        (run.path / "commits" / f"{index:08d}.json").write_text(commit)
    going = spoil_states(run, state="running")
    with pytest.raises(UserError, match=r"not complete: 128 of 600 tokens are written \(stage activations: running\)"):
        match_span(going, *SPAN)


def test_a_run_without_states_says_what_works(tmp_path: Path) -> None:
    bare = write_run(tmp_path / "bare", stored=False)
    for ask in (
        lambda: match_span(bare, *SPAN),
        lambda: neurons_at(bare, [SPAN]),
        lambda: neurons_alike(bare, 0, 1),
        lambda: neuron_contexts(bare, 0, 1),
        lambda: selected_at(bare, *SPAN),
    ):
        with pytest.raises(UserError, match=r"keeps no states .*`neurons --concept` work without them"):
            ask()
    assert find_text(bare, "the").sizes["occurrence"] > 0


def test_what_a_run_does_not_have_is_refused(run: Run) -> None:
    with pytest.raises(UserError, match="keeps hidden_state and no cell_state, which the source tanh_cell needs"):
        match_span(run, *SPAN, source="tanh_cell")
    with pytest.raises(UsageError, match="source is 'tanh'; "):
        match_span(run, *SPAN, source="tanh")
    with pytest.raises(UsageError, match="There is no layer 2"):
        match_span(run, *SPAN, layer=2)
    with pytest.raises(UsageError, match="600:601 is not inside the corpus, whose 600 tokens"):
        match_span(run, 600, 601)
    with pytest.raises(UsageError, match=r"There is no neuron 1:5 in .*: it has 0:0 to 0:6, 1:0 to 1:4"):
        neurons_alike(run, 1, 5)
    with pytest.raises(UsageError, match="500:601 is not inside"):
        neurons_at(run, [(500, 601)])
    with pytest.raises(UsageError, match="Give one span or more"):
        neurons_at(run, [])
    with pytest.raises(UserError, match=r"No neuron is on .* threshold 0\.99999"):
        match_span(run, *SPAN, threshold=0.99999)
