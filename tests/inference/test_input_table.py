"""The table of input products: right, shared, and made again when it is not whole or of another model."""

import numpy as np
import pytest
import torch
from random_model import random_model, read, texts_of

from lstm_analysis.inference import input_table
from lstm_analysis.inference.input_table import open_input_table
from lstm_analysis.inference.reader import StreamReader


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [1, 4, 100])
def test_the_table_holds_the_input_products(monkeypatch, rows, dtype):
    monkeypatch.setattr(input_table, "ROWS", rows)
    model = random_model("lstm", dtype=dtype)
    layer = model.layers[0]
    expected = model.embedding @ layer.weight_input.T + layer.bias
    torch.testing.assert_close(open_input_table(model), expected)


def test_a_file_is_made_once_and_used(tmp_path, monkeypatch):
    model, path, text = random_model("mlstm"), tmp_path / "run" / "input-table.safetensors", texts_of(20)
    made = open_input_table(model, path)
    assert torch.equal(made, open_input_table(model))
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    monkeypatch.setattr(input_table, "_multiply", lambda model: pytest.fail("the file is whole"))
    again = open_input_table(model, path)
    assert torch.equal(made, again)
    found, _ = read(model, text, ["hidden"], table=again)
    monkeypatch.undo()
    assert found["hidden"].tobytes() == read(model, text, ["hidden"])[0]["hidden"].tobytes()


@pytest.mark.parametrize("damage", ["cut", "empty", "other model", "other type"])
def test_a_file_that_does_not_fit_is_made_again(tmp_path, damage):
    model, path = random_model("lstm"), tmp_path / "table"
    expected = open_input_table(model, path).clone()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-5])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        open_input_table(random_model("gru") if damage == "other model" else model.to("cpu", torch.float64), path)
    assert torch.equal(open_input_table(model, path), expected)


def test_what_is_mapped_outlives_a_new_file(tmp_path):
    model, path = random_model("lstm"), tmp_path / "table"
    table = open_input_table(model, path)
    copy = table.clone()
    open_input_table(random_model("gru"), path)
    assert torch.equal(table, copy)


def test_an_unfinished_file_is_not_left_behind(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(input_table, "save_file", fail)
    with pytest.raises(OSError, match="No space"):
        open_input_table(random_model("lstm"), tmp_path / "table")
    assert list(tmp_path.iterdir()) == []


def test_a_table_given_is_the_one_used():
    model, text = random_model("lstm"), texts_of(5)
    found, _ = read(model, text, ["hidden"], table=torch.zeros_like(open_input_table(model)))
    assert not np.array_equal(found["hidden"], read(model, text, ["hidden"])[0]["hidden"])
    assert StreamReader(model, table=open_input_table(model)).kernel == "step"
