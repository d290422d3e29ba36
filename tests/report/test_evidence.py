"""Passages and random occurrences say what the stores hold."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from fake_run import LENGTH, N_SENTENCE, N_TIME, TYPES, MakeRun
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.report.evidence import ConceptEvidence, gather_evidence, shown_in_full
from lstm_analysis.report.headline import headline
from lstm_analysis.report.material import Material, gather
from lstm_analysis.report.occurrences import N_OCCURRENCE, random_occurrences
from lstm_analysis.report.passages import Passage
from lstm_analysis.report.scale import leading_scale

DOCUMENT = N_SENTENCE * LENGTH


def collect(material: Material) -> list[ConceptEvidence]:
    """Return all the evidence of a run."""
    return gather_evidence(material, shown_in_full(headline(material.scores, leading_scale(material.scores))))


def check(passage: Passage, material: Material, concept: int, states: np.ndarray) -> None:
    """Compare a passage with the stores, token by token."""
    corpus, label = material.corpus.load(), material.labels["label"].load()
    start, stop = passage.time - len(passage.before), passage.time + len(passage.after) + 1
    first = passage.time // DOCUMENT * DOCUMENT
    assert start == max(first, passage.time - 12)
    assert stop == min(first + DOCUMENT, passage.time + 9)
    tokens = [*passage.before, passage.centre, *passage.after]
    assert [t.word for t in tokens] == [TYPES[i] for i in corpus["type_id"].values[start:stop]]
    assert [t.target for t in tokens] == (label.values[start:stop, concept] == 1).tolist()
    np.testing.assert_array_equal([t.value for t in tokens], states[start:stop])
    assert passage.document.startswith(f"{passage.time // DOCUMENT} ")


def test_passages_equal_the_stores(make_run: MakeRun) -> None:
    material = gather(make_run())
    assert material.states is not None
    hidden = material.states.values
    evidence = collect(material)
    assert evidence
    for concept in evidence:
        for item in concept.neurons:
            states = hidden[:, item.neuron.layer, item.neuron.neuron].astype(float)
            assert len(item.extreme) == 8
            assert len(item.random) == min(N_OCCURRENCE, concept.row.counts["n_token_target"])
            for passage in (*item.extreme, *item.random):
                check(passage, material, concept.row.index, states)
            assert all(passage.centre.target for passage in item.random)
            best = min(states) if item.neuron.sign < 0 else max(states)
            assert item.extreme[0].centre.value == best


def test_values_past_a_shard_are_left_uncoloured(make_run: MakeRun) -> None:
    material = gather(make_run())
    material.contexts["context_value"].loc[{"offset": slice(1, None)}] = np.nan
    passage = next(p for p in collect(material)[0].neurons[0].extreme if p.after)
    assert {(t.style, t.title) for t in passage.after} == {("", "")}
    assert passage.centre.style


chunkings = st.lists(st.integers(1, 60), min_size=1, max_size=20)


@given(chunkings, st.integers(0, 5))
def test_random_occurrences_do_not_depend_on_chunks(chunks: list[int], seed: int) -> None:
    rng = np.random.default_rng(1)
    label = xr.DataArray((rng.random((sum(chunks), 3)) < [0.5, 0.05, 0]).astype(np.int8), dims=("time", "concept"))
    whole = random_occurrences(label, range(3), seed)
    parts = random_occurrences(label.chunk(time=tuple(chunks)), range(3), seed)
    for concept in range(3):
        np.testing.assert_array_equal(parts[concept], whole[concept])
        targets = np.flatnonzero(label.values[:, concept])
        assert set(whole[concept]) <= set(targets)
        assert len(whole[concept]) == min(N_OCCURRENCE, len(targets))
        assert (np.diff(whole[concept]) > 0).all()


def test_every_target_is_as_likely_as_another() -> None:
    label = xr.DataArray(np.ones((20, 1), np.int8), dims=("time", "concept"))
    taken = np.bincount(np.concatenate([random_occurrences(label, [0], seed)[0] for seed in range(800)]), minlength=20)
    expected = 800 * N_OCCURRENCE / 20
    assert ((taken - expected) ** 2 / expected).sum() < 44  # 99.9 % point of chi2 with 19 degrees is 43.8


@pytest.mark.parametrize("edge", [0, N_TIME - 1])
def test_occurrence_at_the_edge_of_the_corpus(make_run: MakeRun, edge: int) -> None:
    run = make_run()
    label = xr.zeros_like(run.labels["label"].load())
    label[edge] = 1
    run.__dict__["labels"] = run.labels.assign(label=label)
    material = gather(run)
    assert material.states is not None
    hidden = material.states.values
    for item in collect(material)[0].neurons:
        (passage,) = item.random
        assert passage.time == edge
        check(passage, material, 0, hidden[:, item.neuron.layer, item.neuron.neuron].astype(float))


def test_pieces_of_words_are_shown_by_the_model_s_names_for_them(make_run: MakeRun) -> None:
    material = gather(make_run())
    corpus = material.corpus.assign(
        word=("time", np.arange(N_TIME) // 3), token_id=("time", np.arange(N_TIME, dtype=np.int32) % 4)
    )
    names = np.array(["a", " ", "\n", "<b>"], dtype=object)
    material = replace(material, corpus=corpus.assign_coords(token_name=("token_name", names)))
    passages = [p for concept in collect(material) for item in concept.neurons for p in item.extreme]
    assert passages
    for passage in passages:
        assert passage.centre.word == ["a", "␣", "↵", "<b>"][passage.time % 4]
