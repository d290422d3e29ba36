"""One file a dataset: what is read is what was written, and a damaged file is told."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lstm_analysis import packed
from lstm_analysis.errors import UserError
from lstm_analysis.packed import read_packed, write_packed


@pytest.fixture
def dataset() -> xr.Dataset:
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.1, (3, 2, 50, 16)).astype(np.int32)
    return xr.Dataset(
        {
            "histogram": (("concept", "group", "neuron", "bin"), counts),
            "value_min": (("neuron",), np.where(np.arange(50) % 7, rng.normal(size=50), np.nan).astype(np.float32)),
            "value_sum": (("neuron",), rng.integers(-(2**62), 2**62, 50)),
            "nothing": (("time", "neuron"), np.zeros((0, 50), np.int8)),
            "one": ((), np.int64(7)),
            "flag": (("neuron",), np.arange(50) % 2 == 0),
        },
        {"group": ["baseline", "target"], "neuron": np.arange(50)},
    )


@pytest.mark.parametrize("piece", [packed.PIECE_BYTES, 64])
def test_what_is_read_is_what_was_written(
    dataset: xr.Dataset, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "PIECE_BYTES", piece)
    size = write_packed(tmp_path / "packed", dataset)
    found = read_packed(tmp_path / "packed")
    xr.testing.assert_identical(found, dataset)
    assert {name: v.dtype for name, v in found.variables.items()} == {n: v.dtype for n, v in dataset.variables.items()}
    assert size == (tmp_path / "packed").stat().st_size
    assert [file.name for file in tmp_path.iterdir()] == ["packed"]


def test_counts_shrink(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).poisson(0.1, (100, 100, 256)).astype(np.int32)
    assert write_packed(tmp_path / "packed", xr.Dataset({"n": (("a", "b", "c"), counts)})) < counts.nbytes / 8


def test_a_file_can_be_written_again_while_it_is_there(dataset: xr.Dataset, tmp_path: Path) -> None:
    write_packed(tmp_path / "packed", dataset)
    write_packed(tmp_path / "packed", dataset.assign(one=8))
    assert int(read_packed(tmp_path / "packed")["one"]) == 8


@pytest.mark.parametrize("damage", ["cut", "flipped", "header", "empty", "other"])
def test_a_damaged_file_is_told(dataset: xr.Dataset, damage: str, tmp_path: Path) -> None:
    path = tmp_path / "packed"
    write_packed(path, dataset)
    raw = bytearray(path.read_bytes())
    if damage == "flipped":
        raw[-5] ^= 1
    raw = {
        "cut": raw[:-9], "flipped": raw, "header": raw[: len(packed.MAGIC) + 30], "empty": b"", "other": b"PK" + raw
    }[damage]  # fmt: skip
    path.write_bytes(bytes(raw))
    with pytest.raises(UserError, match=r"packed is damaged\. Remove it and run the same command again"):
        read_packed(path)


def test_a_write_that_fails_leaves_nothing(
    dataset: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_packed(tmp_path / "packed", dataset)
    assert not list(tmp_path.iterdir())
