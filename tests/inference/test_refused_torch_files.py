"""Torch files that are no state dict: no code inside them ever runs, and the user is told how to save their weights."""

import argparse
import os
import pickle
import random
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from lstm_analysis.errors import UserError
from lstm_analysis.inference.checkpoints import load_model

TOKENS = [f"w{i}" for i in range(11)]


class Harmful:
    """Makes a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("how", [torch.save, lambda thing, path: path.write_bytes(pickle.dumps(thing))])
@pytest.mark.parametrize("wrap", [lambda bad: bad, lambda bad: {"state_dict": bad, "vocab": TOKENS}])
def test_a_pickled_object_is_refused_and_its_code_never_runs(tmp_path, how, wrap):
    target, path = tmp_path / "harm", tmp_path / "m.pt"
    how(wrap(Harmful(target)), path)
    with pytest.raises(UserError, match=r"is a (pickled object|dict that holds).* refused\. Where you trust it"):
        load_model(path)
    assert not target.exists()
    pickle.loads(pickle.dumps(Harmful(target)))  # noqa: S301 (the proof that it would have done harm)
    assert target.exists()


def saved_by(message, path):
    """Do what a refusal says, and return the model of the weights that it saves."""
    paragraph, *lines = message.split("\n")
    assert len(lines) == 3
    assert str(path) in paragraph
    assert "weights_only" not in paragraph
    exec("\n".join(line.strip() for line in lines), {"torch": torch, "pickle": pickle})
    return load_model(path.parent / f"{path.stem}-weights.pt", path.parent / "v.txt")


STORED = {
    "module": (lambda net: net, r"a pickled object \((\w+\.)*Network\)"),
    "AWD-LSTM": (lambda net: [net, nn.CrossEntropyLoss(), None], r"a list of objects, among them (\w+\.)*Network,"),
    "tuple": (lambda net: (net, 3), r"a list of objects, among them (\w+\.)*Network,"),
    "options": (
        lambda net: {"state_dict": net.state_dict(), "vocab": TOKENS, "args": argparse.Namespace(lr=1)},
        r"a dict that holds argparse\.Namespace beside its weights",
    ),
    "numpy": (
        lambda net: {"model_state_dict": net.state_dict(), "loss": np.float64(3)},
        r"a dict that holds numpy\._?core\.multiarray\.(scalar|_reconstruct) beside",
    ),
    "module in a dict": (lambda net: {"model": net, "epoch": 3}, "a dict that holds .*Network beside its weights"),
}


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("how", ["zip", "legacy", "pickle"])
def test_what_is_refused_is_named_and_the_three_lines_save_it(network, tmp_path, monkeypatch, write, stored, how):
    net, path = network(), tmp_path / "old.pt"
    make, hint = STORED[stored]
    write("v.txt", "\n".join(TOKENS))
    monkeypatch.chdir(tmp_path)
    if how == "pickle":
        path.write_bytes(pickle.dumps(make(net)))
    else:
        torch.save(make(net), path, _use_new_zipfile_serialization=how == "zip")
    with pytest.raises(UserError, match=f"old.pt is {hint}.* not a state dict; .* refused") as refused:
        load_model(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # a line of pickle's leaves its file open
        assert torch.equal(saved_by(str(refused.value), path).embedding, net.encoder.weight)


def test_a_torchscript_archive_has_a_sentence_of_its_own(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.Linear(2, 2)).save(tmp_path / "ts.pt")
    with pytest.raises(
        UserError, match=r"is a TorchScript archive, .* torch\.save\(torch\.jit\.load\(.*, 'ts-weights\.pt'\)"
    ):
        load_model(tmp_path / "ts.pt")


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"", r"\(it is empty\)"),
        (b"hello", r"\(its bytes are not those of torch\.save; it begins with b'hello'\)"),
        (b"PK\x03\x04abc", r"\(its archive is cut off or damaged, 7 bytes\)"),
        (b"\x80\x02abc", r"\(its pickle is cut off or damaged, 5 bytes\)"),
    ],
)
def test_odd_files_say_what_they_are(write, content, hint):
    with pytest.raises(UserError, match=f"m.pt is not a whole torch file {hint}. Copy or save it again"):
        load_model(write("m.pt", content))


def test_an_empty_dict_holds_nothing(tmp_path):
    torch.save({}, tmp_path / "m.pt")
    with pytest.raises(UserError, match=r"none of its 0 tensors is named like weight_ih_l0\. Found: nothing\."):
        load_model(tmp_path / "m.pt", "bytes")


@pytest.mark.parametrize("old", [False, True], ids=["zip", "legacy"])
def test_a_torch_file_cut_anywhere_is_an_error_never_a_crash(network, tmp_path, old):
    path = tmp_path / "m.pt"
    torch.save({"state_dict": network().state_dict(), "vocab": TOKENS}, path, _use_new_zipfile_serialization=not old)
    raw = path.read_bytes()
    for n in range(0, len(raw), 97):
        path.write_bytes(raw[:n])
        with pytest.raises(UserError, match=r"m.pt is not a whole torch file \(.+\)\. Copy or save it again"):
            load_model(path)


def test_other_bytes_are_an_error_never_a_crash(tmp_path):
    path, source = tmp_path / "m.pt", random.Random(0)
    for _ in range(200):
        path.write_bytes(source.randbytes(80))
        with pytest.raises(UserError):
            load_model(path)
    path.write_text("<html>not found</html>")
    with pytest.raises(UserError, match="is not a whole torch file"):
        load_model(path)


@pytest.mark.parametrize("found", [3, [1], {"state_dict": 3}])
def test_a_torch_file_without_a_state_dict_is_an_error(tmp_path, found):
    torch.save(found, tmp_path / "m.pt")
    with pytest.raises(UserError, match=r"m.pt holds a (int|list)"):
        load_model(tmp_path / "m.pt")


def test_keys_that_are_no_names_are_an_error(tmp_path):
    torch.save({0: torch.zeros(3)}, tmp_path / "m.pt")
    with pytest.raises(UserError, match="holds a mapping with the key 0, not a state dict"):
        load_model(tmp_path / "m.pt")
