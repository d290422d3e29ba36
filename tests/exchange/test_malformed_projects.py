"""Projects that cannot be imported: one paragraph names the file, the key and the shape at fault; nothing stays."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from command import call, expect_paragraph
from lstmvis_files import N_TIME, Arrays, Change, write_project

Config = dict[str, Any]
STATES = "states.hdf5/states1"


def config(change: Callable[[Config], object]) -> Change:
    """Return a change of the configuration alone."""
    return lambda content, arrays, folder: change(content) and None


def array(name: str, values: object) -> Change:
    """Return a change of one array: other values, or a function of those that are there."""

    def change(content: Config, arrays: Arrays, folder: Path) -> None:
        arrays[name] = np.asarray(values(arrays[name]) if callable(values) else values)

    return change


def text(name: str, content: str | bytes) -> Change:
    """Return a change that writes a file."""

    def change(config: Config, arrays: Arrays, folder: Path) -> None:
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(raw)

    return change


def entry(i: int, **values: Any) -> Change:
    """Return a change of the entry of a source of states; ``None`` removes a key."""
    return config(lambda c: c["states"]["types"].__setitem__(i, with_values(c["states"]["types"][i], values)))


def with_values(old: Config, values: Config) -> Config:
    """Return a mapping with other values."""
    return {key: value for key, value in (old | values).items() if value is not None}


def track(**values: Any) -> Change:
    """Return a change of the track pos."""
    return config(lambda c: c["meta"].__setitem__("pos", with_values(c["meta"]["pos"], values)))


def renamed(key: str, value: str) -> Change:
    """Return a change of a file's name."""
    return config(lambda c: c["files"].__setitem__(key, value))


def without(key: str) -> Change:
    """Return a change that removes a key."""
    return config(lambda c: c.pop(key))


def linked(make: Callable[[Path], object]) -> Change:
    """Return a change after which states1 lies elsewhere."""

    def change(content: Config, arrays: Arrays, folder: Path) -> None:
        other = folder / "elsewhere.hdf5"
        with h5py.File(other, "w") as file:
            file["x"] = arrays[STATES]
        with h5py.File(folder / "states.hdf5", "w") as file:
            made = make(other)
            if isinstance(made, h5py.VirtualLayout):
                file.create_virtual_dataset("states1", made)
            elif isinstance(made, list):
                file.create_dataset("states1", arrays[STATES].shape, "f4", external=made)
            else:
                file["states1"] = made
        del arrays[STATES]

    return change


def virtual(other: Path) -> h5py.VirtualLayout:
    """Return a dataset that is made of another file's."""
    layout = h5py.VirtualLayout((N_TIME, 4), "f4")
    layout[:] = h5py.VirtualSource(other, "x", (N_TIME, 4))
    return layout


def symbolic_link(content: Config, arrays: Arrays, folder: Path) -> None:
    """Make the dictionary a link to a file outside the project."""
    (folder.parent / "secret.dict").write_text("the 1\n")
    (folder / "words.dict").unlink()
    (folder / "words.dict").symlink_to("../secret.dict")


PROJECTS: dict[str, tuple[Change, str]] = {
    "no mapping": (text("lstm.yml", "- a\n- b\n"), r"lstm\.yml must be a mapping of keys, found list"),
    "empty": (text("lstm.yml", ""), r"lstm\.yml must be a mapping of keys, found nothing"),
    "no yaml": (text("lstm.yml", "a: [1"), r"lstm\.yml is not valid YAML: .*line 1"),
    "python": (text("lstm.yml", "!!python/object/apply:os.system [ls]"), r"lstm\.yml is not valid YAML"),
    "no text": (text("lstm.yml", b"\xff\xfe"), r"lstm\.yml is not valid YAML: .*codec"),
    "key twice": (text("lstm.yml", "a: 1\na: 2\n"), r"lstm\.yml is not valid YAML: line 2 has the key 'a' again"),
    "no files": (without("files"), r"lstm\.yml: files is missing"),
    "files a list": (config(lambda c: c.update(files=["a"])), r"yml: files must be a mapping of keys, found list"),
    "no words": (without("word_sequence"), r"lstm\.yml: word_sequence is missing"),
    "no states": (without("states"), r"lstm\.yml: states is missing"),
    "no types": (config(lambda c: c["states"].pop("types")), r"lstm\.yml: states\.types is missing"),
    "types a mapping": (
        config(lambda c: c["states"].update(types={"a": 1})), r"states\.types must be a list of mappings, found dict",
    ),
    "type a text": (config(lambda c: c["states"]["types"].append("x")), r"states\.types\[4\] must be a mapping"),
    "no path": (entry(1, path=None), r"lstm\.yml: states\.types\[1\]\.path is missing"),
    "unknown type": (entry(2, type="outptu"), r"types\[2\]\.type is 'outptu'; did you mean 'output'\?.*--source"),
    "no layer": (entry(0, layer="one"), r"states\.types\[0\]\.layer must be a whole number from 0 to 999, found 'one'"),
    "layer true": (entry(0, layer=True), r"states\.types\[0\]\.layer must be a whole number.* found True"),
    "layer twice": (
        entry(1, layer=1), r"types\[1\]\.layer: states::states2 and states::states1 are both cell_state of layer 1",
    ),
    "not raw": (entry(0, transform="none"), r"types\[0\]\.transform says .*--source states::states1=hid"),
    "file unnamed": (entry(0, file="stats"), r"types\[0\]\.file is 'stats', which is not among files; did"),
    "default unnamed": (
        config(lambda c: c["states"].update(file="nn")), r"states\.types\[0\]\.file is 'nn', which is not among files",
    ),
    "file missing": (renamed("states", "gone.hdf5"), r"files\.states is 'gone\.hdf5', but .*gone\.hdf5 is not there"),
    "dict missing": (renamed("words", "gone.dict"), r"files\.words is 'gone\.dict', but .*gone\.dict is not there"),
    "file a number": (config(lambda c: c["files"].update(states=5)), r"files\.states must be a text, found int '5'"),
    "outside": (renamed("states", "../states.hdf5"), r"files\.states is '\.\./states\.hdf5', which lies outside"),
    "absolute": (renamed("words", "/etc/passwd"), r"files\.words is '/etc/passwd', which lies outside"),
    "link outside": (symbolic_link, r"files\.words is 'words\.dict', which lies outside"),
    "no path at all": (renamed("words", "a\0b"), r"files\.words is 'a\\x00b', which is no path"),
    "a folder": (renamed("words", "."), r"files\.words is '\.', but .* is not there"),
    "dataset missing": (entry(0, path="states9"), r"types\[0\]\.path: .*states\.hdf5 has no dataset 'states9'; did"),
    "dataset deep": (entry(0, path="states2/x"), r"types\[0\]\.path: .*states\.hdf5 has no dataset 'states2/x'"),
    "one dim": (array(STATES, np.zeros(N_TIME)), r"\[0\]\.path: 'states1' .*\(time, neuron\), found shape \(50,\)"),
    "no rows": (array(STATES, np.zeros((0, 4))), r"types\[0\]\.path: 'states1' .* found shape \(0, 4\)"),
    "texts": (array(STATES, np.full((N_TIME, 4), b"x")), r"types\[0\]\.path: 'states1' .*must hold numbers.* of \|S1"),
    "longer": (
        array(STATES, lambda x: np.vstack([x, x])), r"states1 has shape \(100, 4\), but the words are 50 tokens",
    ),
    "other neurons": (
        array(STATES, lambda x: x[:, :3]), r"output1 has 4 neurons, but states::states1 of the same layer has 3",
    ),
    "nan": (
        array(STATES, lambda x: np.where(np.arange(50)[:, None] == 7, np.nan, x)),
        r"states::states1 has a value that is no number: nan at token 7, neuron 0",
    ),
    "infinite": (array(STATES, lambda x: np.full_like(x, np.inf)), r"states::states1 has a value that is no number"),
    "h beyond 1": (
        array("states.hdf5/output2", lambda x: 2 * np.ones_like(x)),
        r"states::output2 has a value beyond 1, .*: 2\.0 at token 0, neuron 0\..*--source states::output2=cell",
    ),
    "words of two dims": (array("words.hdf5/word_ids", [[1, 2]]), r"word_sequence\.path: .*found shape \(1, 2\)"),
    "id outside": (
        array("words.hdf5/word_ids", lambda x: np.where(np.arange(50) == 30, 99, x)),
        r"word_sequence\.path: the id 99 of token 30 of 'word_ids' in .* is not in .*words\.dict \(5 ids from 1 to 5\)",
    ),
    "id of no word": (
        array("words.hdf5/word_ids", lambda x: np.where(np.arange(50) == 3, 2.5, x)), r"the id 2\.5 of token 3",
    ),
    "dict of one column": (text("words.dict", "the\nstorm\n"), r"dict, line 1: expected a word, a tab and its id"),
    "dict without ids": (text("words.dict", "the x\n"), r"words\.dict, line 1: 'x' is no id from 0 on, in 'the x'"),
    "dict ids negative": (text("words.dict", "the -1\n"), r"words\.dict, line 1: '-1' is no id from 0 on"),
    "dict id twice": (text("words.dict", "the 1\na 1\n"), r"dict, line 2: the id 1 is 'the' already, and here 'a'"),
    "dict empty": (text("words.dict", "\n \n"), r"words\.dict names no word"),
    "dict latin1": (text("words.dict", "caf\xe9 1".encode("latin1")), r"words\.dict is not UTF-8 text: byte 0xe9 at 3"),
    "meta a list": (config(lambda c: c.update(meta=["pos"])), r"lstm\.yml: meta must be a mapping of keys, found list"),
    "track a text": (config(lambda c: c["meta"].update(pos="tags")), r"meta\.pos must be a mapping of keys, found str"),
    "track without file": (track(file=None), r"meta\.pos\.file is missing"),
    "track dataset": (track(path="poss"), r"meta\.pos\.path: .*tracks\.h5 has no dataset 'poss'; did you mean 'pos'"),
    "track dict": (track(dict="tgas"), r"meta\.pos\.dict is 'tgas', which is not among files; did you mean 'tags'"),
    "track length": (
        array("tracks.h5/pos", lambda x: x[:9]), r"meta\.pos\.path: .* has 9 rows, but the words are 50 tokens",
    ),
    "track value": (
        array("tracks.h5/pos", lambda x: x + 2), r"meta\.pos\.path: the id \d of token \d+ .* is not in .*tags\.dict",
    ),
    "track by word": (
        array("tracks.h5/length", lambda x: x[:3]), r"meta\.length\.path: 'length' .* has 3 rows, one for each word id",
    ),
    "external link": (
        linked(lambda other: h5py.ExternalLink(str(other), "x")),
        r"types\[0\]\.path: 'states1' in .*states\.hdf5 is a link to .*elsewhere\.hdf5::/?x, which is not followed",
    ),
    "soft link": (linked(lambda other: h5py.SoftLink("/states2")), r"'states1' in .* is a link to ::/states2"),
    "external storage": (
        linked(lambda other: [(os.fsencode(other), 0, 800)]), r"'states1' in .* is kept in another file",
    ),
    "virtual": (linked(virtual), r"'states1' in .* is kept in another file, which is not followed"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROJECTS)
def test_a_malformed_project_is_explained(tmp_path: Path, name: str) -> None:
    change, pattern = PROJECTS[name]
    write_project(tmp_path / "project", change)
    ended = call("import", tmp_path / "project", "--output", tmp_path / "run")
    expect_paragraph(ended, 2, pattern)
    assert not [path for path in (tmp_path / "run").rglob("*") if path.suffix == ".zarr"]


def test_after_a_refusal_the_mended_project_needs_no_force(tmp_path: Path) -> None:
    write_project(tmp_path / "project", PROJECTS["nan"][0])
    command = ("import", tmp_path / "project", "--output", tmp_path / "run")
    expect_paragraph(call(*command), 2, "no number: nan at token 7")
    ended = call(*command, "--source", "states::states1=skip")
    assert ended.code == 0, ended.err


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    expect_paragraph(call("import", tmp_path, "--output", tmp_path / "run"), 2, "is no LSTMVis project: it has no lstm")


@pytest.mark.parametrize("content", [b"plain text", b""])
def test_a_file_that_is_no_hdf5(tmp_path: Path, content: bytes) -> None:
    write_project(tmp_path / "project")
    (tmp_path / "project" / "states.hdf5").write_bytes(content)
    ended = call("import", tmp_path / "project", "--output", tmp_path / "run")
    expect_paragraph(ended, 2, r"states\.hdf5 is not a whole HDF5 file \(")


def test_a_group_where_a_dataset_should_be(tmp_path: Path) -> None:
    write_project(tmp_path / "project")
    with h5py.File(tmp_path / "project" / "states.hdf5", "a") as file:
        del file["states1"]
        file["states1/inner"] = np.zeros((N_TIME, 4))
    ended = call("import", tmp_path / "project", "--output", tmp_path / "run")
    expect_paragraph(ended, 2, r"states\.types\[0\]\.path: 'states1' in .* is a group of \['inner'\]")


OPTIONS = {
    ("--source", "states::states1=raw"): r"--source states::states1=raw: it must be one of hidden, cell, skip",
    ("--source", "states::state1=skip"): r"--source states::state1: .* no such source; did you mean 'states::states1'",
    ("--source", "states1=skip"): r"'states1=skip' is no FILE::PATH=KIND",
    ("--document", "poss"): r"--document poss: the project has no such track; did you mean 'pos'",
    ("--limit-tokens", "0"): r"--limit-tokens is 0; it must be at least 1",
    ("--limit-tokens", "51"): r"--limit-tokens is 51, but 'word_ids' has only 50 tokens",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_wrong_options_are_explained(tmp_path: Path, option: tuple[str, str]) -> None:
    write_project(tmp_path / "project")
    ended = call("import", tmp_path / "project", "--output", tmp_path / "run", *option)
    assert ended.code == 2
    assert re.search(OPTIONS[option], ended.err.splitlines()[-1]), ended.err
    assert not (tmp_path / "run" / "corpus.zarr").exists()


def test_all_sources_skipped(tmp_path: Path) -> None:
    write_project(tmp_path / "project", config(lambda c: c["states"].update(types=c["states"]["types"][:1])))
    chosen = ("--source", "states::states1=skip")
    ended = call("import", tmp_path / "project", "--output", tmp_path / "run", *chosen)
    expect_paragraph(ended, 2, r"states\.types leaves nothing to import")


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(tmp_path / "project")
    monkeypatch.setitem(sys.modules, "h5py", None)
    ended = call("import", tmp_path / "project", "--output", tmp_path / "run")
    expect_paragraph(ended, 2, r"need the package h5py, .*: pip install 'lstm-analysis\[exchange\]'")
