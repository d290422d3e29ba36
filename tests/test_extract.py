"""Extraction from Python: the states are those of one pass, however the corpus is cut and carried."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from tiny import N_NEURON, WORDS, digests, write_model, write_texts

import lstm_analysis as la
from lstm_analysis import tasks
from lstm_analysis.errors import UserError
from lstm_analysis.extract import recount
from lstm_analysis.inference.extraction import Text, pilot_shares, read_pilot, read_shard
from lstm_analysis.inference.model import LanguageModel
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.inference.shards import Segment, Shard
from lstm_analysis.run import Run
from lstm_analysis.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("extract")
    write_model(path / "model.safetensors")
    write_texts(path / "text", (100, 20, 260, 3, 60))
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return la.load_model(folder / "model.safetensors")


@pytest.fixture(scope="module")
def corpus(folder: Path) -> xr.Dataset:
    return la.read_corpus(str(folder / "text" / "*.txt"))


def naive_states(model: LanguageModel, run: Run, carry: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return h, c and surprisal by ``torch.lstm_cell``, one token at a time."""
    ids, stream = run.corpus.token_id.values, run.corpus[carry].values
    h = torch.zeros(len(ids), model.n_layer, N_NEURON)
    c, bits = torch.zeros_like(h), np.full(len(ids), np.nan)
    for t, token in enumerate(ids):
        x = model.embedding[token : token + 1]
        fresh = t == 0 or stream[t] != stream[t - 1]
        if not fresh:
            logits = model.decoder.weight @ h[t - 1, -1] + model.decoder.bias
            bits[t] = -torch.log_softmax(logits, 0)[token] / np.log(2)
        for i, layer in enumerate(model.layers):
            before = (torch.zeros(1, N_NEURON),) * 2 if fresh else (h[t - 1, i : i + 1], c[t - 1, i : i + 1])
            x, cell = torch.lstm_cell(x, before, layer.weight_input, layer.weight_recurrent, layer.bias, layer.bias * 0)
            h[t, i], c[t, i] = x[0], cell[0]
    return h.numpy(), c.numpy(), bits


def check_states(model: LanguageModel, run: Run, carry: str) -> None:
    h, c, bits = naive_states(model, run, carry)
    np.testing.assert_allclose(run.activations.hidden_state, h, atol=1e-5)
    np.testing.assert_allclose(run.activations.cell_state, c, atol=1e-5)
    np.testing.assert_allclose(run.activations.surprisal, bits, atol=1e-4)
    facts = run.facts["activations"]
    assert facts["perplexity"] == pytest.approx(2 ** np.nanmean(bits), rel=1e-5)
    assert facts["n_predicted"] == int(np.isfinite(bits).sum())


@pytest.mark.parametrize("carry", ["document", "sentence"])
@pytest.mark.parametrize("shard_tokens", [37, 100, 5000])
def test_states_are_those_of_one_pass_whatever_the_shards(
    corpus: xr.Dataset, model: LanguageModel, tmp_path: Path, carry: str, shard_tokens: int
) -> None:
    run = la.extract_activations(corpus, model, tmp_path / "run", carry=carry, shard_tokens=shard_tokens)
    check_states(model, run, carry)


def test_a_sentence_longer_than_many_shards(model: LanguageModel, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text(" ".join(["w1", "w2", "w3"] * 100) + "\n")
    corpus = la.read_corpus(str(tmp_path / "long.txt"))
    run = la.extract_activations(corpus, model, tmp_path / "run", carry="sentence", shard_tokens=50)
    check_states(model, run, "sentence")


@pytest.mark.parametrize("carry", ["document", "sentence"])
@pytest.mark.parametrize(
    "rows",
    [slice(33, 300), slice(127, None), slice(None, None, 3), np.r_[3:60, 130:300, 310:350]],
    ids=["inside", "end", "every third", "pieces"],
)
def test_a_part_of_a_corpus_is_read_as_if_it_were_all(
    corpus: xr.Dataset, model: LanguageModel, tmp_path: Path, carry: str, rows: slice
) -> None:
    part = corpus.isel(time=rows)
    before = part.copy(deep=True)
    run = la.extract_activations(part, model, tmp_path / "run", carry=carry, shard_tokens=47)
    xr.testing.assert_identical(part, before)
    kept = run.corpus.compute()
    np.testing.assert_array_equal(kept.type_id, part.type_id)
    np.testing.assert_array_equal(np.diff(kept.document) != 0, np.diff(part.document) != 0)
    np.testing.assert_array_equal(np.diff(kept.sentence) != 0, np.diff(part.sentence) != 0)
    np.testing.assert_array_equal(
        kept.document_name[kept.document].values, part.document_name[part.document.values].values
    )
    np.testing.assert_array_equal(kept.document_start, np.r_[0, np.flatnonzero(np.diff(part.document)) + 1])
    first = kept.isel(time=kept.sentence_position.values == 0)
    assert first.sentence.values.tolist() == list(range(first.sizes["time"]))
    np.testing.assert_array_equal(first.sentence_length, np.bincount(kept.sentence))
    assert run.facts["corpus"]["n_document"] == len(np.unique(part.document))
    check_states(model, run, carry)


def test_a_whole_corpus_is_kept_as_it_is(corpus: xr.Dataset) -> None:
    assert recount(corpus) is corpus
    fewer = recount(corpus.isel(time=corpus.document.values < 3))
    assert fewer.document_name.values.tolist() == corpus.document_name.values[:3].tolist()
    with pytest.raises(UserError, match="no tokens"):
        recount(corpus.isel(time=slice(0, 0)))


def test_marks_stay_with_their_tokens_or_are_refused(corpus: xr.Dataset) -> None:
    marked = corpus.assign(mark_time=("mark", [4, 50, 200]), mark_value=("mark", np.ones(3, np.int8)))
    assert recount(marked.isel(time=slice(0, 57))).mark_time.values.tolist() == [4, 50]
    for rows in (slice(1, None), np.r_[0:60, 64:300], np.flatnonzero(corpus.document.values != 1)):
        with pytest.raises(UserError, match="marks cannot be told"):
            recount(marked.isel(time=rows))


def test_broken_weights_are_named(model: LanguageModel) -> None:
    layer = dataclasses.replace(model.layers[1], bias=model.layers[1].bias * np.nan)
    reader = StreamReader(dataclasses.replace(model, layers=(model.layers[0], layer)))
    shard, ids = Shard(4, ((40, 48),), 40), np.ones(8, np.int32)
    with pytest.raises(UserError, match="states become NaN at token 40: the model's weights are broken"):
        read_shard(reader, shard, [Segment(40, 40, 48)], [Text(ids)], None, states=["hidden", "cell"], surprisal=True)


def test_a_plan_that_leaves_rows_empty_is_a_fault(model: LanguageModel) -> None:
    shard, ids = Shard(0, ((0, 10),), 0), np.ones(8, np.int32)
    with pytest.raises(RuntimeError, match="has 10 rows, its segments fill 8"):
        read_shard(
            StreamReader(model), shard, [Segment(0, 0, 8)], [Text(ids)], None, states=["hidden"], surprisal=False
        )


def test_what_was_committed_and_then_damaged_is_extracted_again(
    corpus: xr.Dataset, model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    whole = la.extract_activations(corpus, model, tmp_path / "whole", shard_tokens=50)
    extract = tasks.extract_shard

    def stops(index: int, *rest: object) -> tasks.Receipt:
        if index == 5:
            raise KeyboardInterrupt
        return extract(index, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "extract_shard", stops)
        with pytest.raises(KeyboardInterrupt):
            la.extract_activations(corpus, model, tmp_path / "run", shard_tokens=50)
    (tmp_path / "run" / "activations.zarr" / "cell_state" / "c" / "2" / "0" / "0").unlink()
    run = la.extract_activations(corpus, model, tmp_path / "run", shard_tokens=50)
    assert "stored states of shard 2 are damaged (cell_state differs from what was written)" in caplog.text
    assert caplog.text.count("damaged") == 1
    names = ("corpus.zarr", "activations.zarr")
    assert digests(run.path, names) == digests(whole.path, names)


@pytest.mark.parametrize(
    ("lengths", "n_token"), [([40_000], 16_384), ([5000], 5000), ([100, 90_000, 300], 16_384), ([2000] * 40, 16_384)]
)
def test_a_pilot_has_enough_tokens_however_few_the_streams(lengths: list[int], n_token: int) -> None:
    shares = pilot_shares(lengths)
    assert sum(shares) == n_token
    assert all(share <= length for share, length in zip(shares, lengths, strict=False))
    assert len(lengths) < 16 or max(shares) == 1024


def test_the_pilot_of_a_single_document_reads_on_in_it(model: LanguageModel, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("w1 w2 w3\n" * 1000)
    run = la.extract_activations(la.read_corpus(str(tmp_path / "one.txt")), model, tmp_path / "run", shard_tokens=4096)
    job = tasks.Job(
        run.path, model.digest, "document", ("hidden",), True, "float32", "cpu", "float32", "auto", "last", 5e-6, 4096
    )
    pilot = tasks.pilot_states(0, job, [(0, 4000)])
    np.testing.assert_allclose(pilot, run.activations.hidden_state, atol=1e-6)


def test_a_pilot_holds_the_states_of_its_streams(model: LanguageModel) -> None:
    reader, ids = StreamReader(model), np.random.default_rng(0).integers(2, 60, 300).astype(np.int32)
    pilot = read_pilot(reader, [ids[:50], ids[50:]])
    for part in (slice(0, 50), slice(50, 300)):
        alone = np.empty((part.stop - part.start, 2, N_NEURON), np.float32)
        reader.read([Stream(ids[part])], {"hidden": alone})
        np.testing.assert_allclose(pilot[part], alone, atol=1e-6)


def test_the_same_call_finds_everything_done(corpus: xr.Dataset, model: LanguageModel, tmp_path: Path) -> None:
    first = la.extract_activations(corpus, model, tmp_path / "run", shard_tokens=200)
    before = digests(first.path)
    assert digests(la.extract_activations(corpus, model, tmp_path / "run", shard_tokens=200).path) == before
    with pytest.raises(UserError, match="holds another study"):
        la.extract_activations(corpus, model, tmp_path / "run", shard_tokens=200, carry="sentence")
    with pytest.raises(UserError, match="holds another study"):
        la.extract_activations(corpus.isel(time=slice(0, 50)), model, tmp_path / "run", shard_tokens=200)


def test_from_states_to_scores_in_python(corpus: xr.Dataset, model: LanguageModel, tmp_path: Path) -> None:
    run = la.extract_activations(corpus, model, run=tmp_path / "run", carry="document", shard_tokens=100)
    h = run.activations.hidden_state
    labels = la.label_corpus(run.corpus, {"opening": la.position(first=2)})
    scores = la.measure(la.summarize(h, labels), ["auroc", "d_prime"])
    assert scores.auroc.dims == ("concept", "layer", "neuron")
    best = la.rank_neurons(scores, by="auroc", concept="opening", n=3)
    assert len(best) == 3
    curve = la.tuning_curve(h, by=run.corpus.sentence_position)
    direct = h.groupby(run.corpus.sentence_position.compute()).mean()
    n = min(20, direct.sizes["sentence_position"])
    np.testing.assert_allclose(curve.tuning_mean[:n], direct[:n], atol=1e-6)


def test_a_corpus_without_its_columns_is_refused(corpus: xr.Dataset, model: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lacks sentence_length; make it with read_corpus"):
        la.extract_activations(corpus.drop_vars("sentence_length"), model, tmp_path / "run")


def test_what_has_no_meaning_here_is_refused(corpus: xr.Dataset, model: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="to keep none, run a study with store: none"):
        la.extract_activations(corpus, model, tmp_path / "run", store="none")  # type: ignore[arg-type]
    words = dataclasses.replace(model, vocabulary=Vocabulary((*model.vocabulary.tokens[:1], "end", *WORDS)))
    with pytest.raises(UserError, match="Read it with end_of_sentence=None"):
        la.extract_activations(corpus, words, tmp_path / "run")
    assert not (tmp_path / "run").exists()
