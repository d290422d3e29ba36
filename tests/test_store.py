"""What lies on disk: whole shards only, verified, stores in one step."""

import errno
import json
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given
from hypothesis import strategies as st
from zarr.core.buffer import Buffer
from zarr.storage import LocalStore

from lstm_analysis import state_store, store

SHARD = 6


@pytest.fixture
def activations(tmp_path: Path) -> Path:
    path = tmp_path / "activations.zarr"
    state_store.create_activations(path, 20, 2, 5, {"hidden_state": "float32", "surprisal": "float32"}, SHARD, "abc")
    return path


def test_activations_open_with_plain_xarray(activations: Path) -> None:
    found = xr.open_zarr(activations, consolidated=False)
    assert found.hidden_state.dims == ("time", "layer", "neuron")
    assert set(found.coords) == {"token_id", "document", "sentence", "sentence_position"}
    assert found.hidden_state.attrs["units"] == "1"
    assert bool(found.hidden_state.isnull().all())


def test_rows_are_written_whole_and_checked(activations: Path) -> None:
    values = np.random.default_rng(0).random((20, 2, 5), np.float32)
    for start in range(0, 20, SHARD):
        part = values[start : start + SHARD]
        sums = store.write_rows(activations, [(start, start + len(part))], SHARD, {"hidden_state": part})
        assert sums == {"hidden_state": zlib.crc32(part.tobytes())}
    np.testing.assert_array_equal(xr.open_zarr(activations, consolidated=False).hidden_state, values)


def test_spans_are_written_one_after_the_other(activations: Path) -> None:
    values = np.random.default_rng(0).random((14, 2, 5), np.float32)
    spans = [(6, 18), (18, 20)]
    sums = store.write_rows(activations, spans, SHARD, {"hidden_state": values})
    assert sums == {"hidden_state": zlib.crc32(values.tobytes())}
    found = xr.open_zarr(activations, consolidated=False).hidden_state
    np.testing.assert_array_equal(found[6:], values)
    assert bool(found[:6].isnull().all())
    with pytest.raises(ValueError, match="14 rows of hidden_state were given for spans of 8"):
        store.write_rows(activations, [(0, 6), (18, 20)], SHARD, {"hidden_state": values})


@pytest.mark.parametrize(("start", "rows"), [(1, 6), (0, 5), (6, 7), (18, 1)])
def test_anything_but_a_whole_shard_is_refused(activations: Path, start: int, rows: int) -> None:
    with pytest.raises(ValueError, match="not whole shards"):
        store.write_rows(
            activations, [(start, start + rows)], SHARD, {"hidden_state": np.zeros((rows, 2, 5), np.float32)}
        )


def test_what_reads_back_differently_is_an_error(activations: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = LocalStore.set

    async def damages(self: LocalStore, key: str, value: Buffer) -> None:
        whole = value.as_numpy_array().copy()
        whole[len(whole) // 2] ^= 1
        await write(self, key, value.from_array_like(whole) if "/c/" in key else value)

    monkeypatch.setattr(LocalStore, "set", damages)
    values = np.random.default_rng(0).standard_normal((SHARD, 2, 5)).astype(np.float32)
    with pytest.raises(OSError, match=r"hidden_state/c/0/0/0 reads back differently from what was written"):
        store.write_rows(activations, [(0, SHARD)], SHARD, {"hidden_state": values})


def test_checksums_are_those_of_what_is_on_disk(activations: Path) -> None:
    values = np.random.default_rng(0).standard_normal((8, 2, 5)).astype(np.float32)
    spans = [(0, 6), (18, 20)]
    sums = store.write_rows(activations, spans, SHARD, {"hidden_state": values})
    assert sums == {"hidden_state": store.checksum(zarr.open_group(activations, mode="r"), "hidden_state", spans)}


def test_a_store_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"

    def fail_half_way() -> None:
        with store.new_store(path) as folder:
            folder.mkdir()
            (folder / "half").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert not list(tmp_path.iterdir())
    store.write_dataset(path, xr.Dataset({"n_token": ("concept", [1])}))
    store.write_dataset(path, xr.Dataset({"n_token": ("concept", [2])}), "print")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zarr"]
    found = store.open_dataset(path)
    assert found.n_token.values.tolist() == [2]
    assert found.attrs[store.FINGERPRINT] == "print"


@given(st.integers(1, 4000))
def test_neuron_chunks_cover_the_neurons(n: int) -> None:
    size = state_store.neuron_chunk(n)
    assert 1 <= size <= min(n, state_store.NEURON_CHUNK)


def test_commits_are_listed_by_shard(tmp_path: Path) -> None:
    assert store.read_commits(tmp_path) == {}
    (tmp_path / "commits").mkdir()
    store.write_json(store.commit_path(tmp_path, 3), {"start": 1})
    assert store.read_commits(tmp_path) == {3: {"start": 1}}


@pytest.mark.parametrize("content", ["", '{"start": 1, "st', "[]", "\0\0\0\0"], ids=["empty", "cut", "list", "zeros"])
def test_a_commit_that_a_power_cut_left_counts_for_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "commits").mkdir()
    store.write_json(store.commit_path(tmp_path, 0), {"start": 0})
    store.commit_path(tmp_path, 1).write_text(content)
    assert store.read_commits(tmp_path) == {0: {"start": 0}}


def test_a_json_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write_json(tmp_path / "run.json", {"a": 1})
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        store.write_json(tmp_path / "run.json", {"a": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert json.loads((tmp_path / "run.json").read_text()) == {"a": 1}


def test_fill_values_show_what_was_never_written(activations: Path) -> None:
    group = zarr.open_group(activations, mode="r")
    assert np.isnan(np.asarray(group["surprisal"])).all()
    assert (np.asarray(group["token_id"]) == -1).all()
