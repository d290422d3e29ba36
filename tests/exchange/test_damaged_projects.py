"""Damaged files and senseless configurations: whatever the libraries raise, the user reads one paragraph."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from command import call, expect_paragraph
from lstmvis_files import N_TIME, make_config, write_project

from lstm_analysis.errors import Interrupted, UserError
from lstm_analysis.exchange import imported_states
from lstm_analysis.exchange.lstmvis_project import read_project


def test_a_file_that_lost_its_end(tmp_path: Path) -> None:
    write_project(tmp_path / "project")
    states = tmp_path / "project" / "states.hdf5"
    with h5py.File(states, "a") as file:
        values = np.random.default_rng(0).random((N_TIME, 4))
        del file["states1"]
        chunks = file.create_dataset("states1", data=values, chunks=(50, 4), compression="gzip").id
        place = chunks.get_chunk_info(0)
    raw = bytearray(states.read_bytes())
    raw[place.byte_offset + 8 : place.byte_offset + 60] = b"\xff" * 52
    states.write_bytes(raw)
    ended = call("import", tmp_path / "project", "--output", tmp_path / "run")
    expect_paragraph(ended, 1, r"Rows 0 to 50 of '/states1' in .*states\.hdf5 cannot be read")
    assert not (tmp_path / "run" / "activations.zarr").exists()


def test_a_stop_while_rows_are_read_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(tmp_path / "project")
    command = ("import", tmp_path / "project", "--output", tmp_path / "run")

    def stop(*_: object) -> None:
        raise Interrupted("Stopped by SIGTERM.")

    with monkeypatch.context() as patch:
        patch.setattr(h5py.Dataset, "__getitem__", stop)
        expect_paragraph(call(*command), 75, "^lstm-analysis: Stopped by SIGTERM")
    with monkeypatch.context() as patch:
        patch.setattr(imported_states, "write_rows", stop)
        expect_paragraph(call(*command), 75, "^lstm-analysis: Stopped by SIGTERM")
    pattern = r"has no activations\.zarr: its import was interrupted\. Import it again to finish it"
    expect_paragraph(call("export", tmp_path / "run", tmp_path / "p", "--format", "lstmvis"), 1, pattern)
    assert call(*command).code == 0
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "activations.zarr", "commits", "corpus.zarr", "run.json",
    ]  # fmt: skip


def test_whatever_a_damaged_file_makes_the_library_do_is_explained(tmp_path: Path) -> None:
    write_project(tmp_path / "project")
    states, rng = tmp_path / "project" / "states.hdf5", np.random.default_rng(0)
    whole, codes = np.frombuffer(states.read_bytes(), np.uint8), []
    for _ in range(40):
        damaged = whole.copy()
        damaged[rng.integers(0, len(whole), 40)] = rng.integers(0, 256, 40)
        states.write_bytes(damaged[: rng.integers(len(whole) // 2, 2 * len(whole))].tobytes())
        ended = call("import", tmp_path / "project", "--output", tmp_path / "run", "--force")
        codes.append(ended.code)
        if ended.code:
            expect_paragraph(ended, ended.code, r"states\.hdf5|states::")
    assert 1 < codes.count(2) <= len(codes)


def test_no_value_of_the_configuration_makes_it_fall_over(tmp_path: Path) -> None:
    write_project(tmp_path / "project")
    n_refused = 0
    for path in paths(make_config()):
        for junk in (None, 5, 1.5, [], {}, "x", "", True, [[]], "states"):
            content = make_config() | {"lstm_analysis": {"escaped": False}}
            inner: Any = content
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = junk
            (tmp_path / "project" / "lstm.yml").write_text(json.dumps(content))
            refusal = refused(tmp_path / "project")
            n_refused += refusal is not None
            assert refusal is None or "lstm.yml: " in refusal
    assert n_refused > 300


def refused(project: Path) -> str | None:
    """Return why a project is refused, ``None`` if it is not."""
    try:
        read_project(project)
    except UserError as error:
        return str(error)
    return None


def paths(content: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the keys that lead to every entry of a configuration."""
    entries = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in entries:
        yield (key,)
        yield from ((key, *rest) for rest in paths(value))
