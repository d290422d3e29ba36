"""Every kernel gives what the step kernel gives; a precision that is not there is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from random_model import random_model, read, texts_of

from lstm_analysis.errors import UsageError
from lstm_analysis.inference import flashrnn_kernel, reader
from lstm_analysis.inference.fused import runs
from lstm_analysis.inference.kernels import choose_kernel
from lstm_analysis.inference.reader import StreamReader
from lstm_analysis.inference.trial import measure_error
from lstm_analysis.schema import CELL_STATES

TOLERANCE = {torch.float32: 3e-6, torch.float64: 1e-13}


def assert_equals_step_kernel(monkeypatch, kernel, cell, dtype, n_row, names):
    monkeypatch.setattr(reader, "BLOCK_ROWS", {"cpu": n_row})
    model, texts = random_model(cell, (7, 9), dtype), texts_of(12, 30, 1, 12, 31)
    expected, expected_ends = read(model, texts, CELL_STATES[cell], kernel="step")
    found, ends = read(model, texts, names, kernel=kernel)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(ends, expected_ends, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n_row", [1, 17, 1024])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_fused_kernel(monkeypatch, cell, n_row, dtype):
    assert_equals_step_kernel(monkeypatch, "fused", cell, dtype, n_row, CELL_STATES[cell])


@pytest.mark.parametrize("names", [[], ["hidden"], ["cell"], ["forget_gate"]], ids=str)
def test_the_fused_kernel_shows_what_is_asked(monkeypatch, names):
    assert_equals_step_kernel(monkeypatch, "fused", "lstm", torch.float64, 20, names)


@pytest.mark.parametrize("names", [["hidden"], CELL_STATES["lstm"]], ids=["hidden", "all"])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_flashrnn_kernel(monkeypatch, dtype, names):
    pytest.importorskip("flashrnn", reason="the optional package flashrnn is not installed")
    assert_equals_step_kernel(monkeypatch, "flashrnn", "lstm", dtype, 20, names)


def test_a_missing_package_is_named(monkeypatch):
    def refuse(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(flashrnn_kernel, "import_module", refuse)
    with pytest.raises(UsageError, match=r"No module named 'flashrnn'.*pip install flashrnn"):
        StreamReader(random_model("lstm"), kernel="flashrnn")


def test_runs_of_one_number_of_streams():
    assert list(runs([2, 2, 1])) == [(0, 2, 2), (2, 3, 1)]
    assert list(runs([4])) == [(0, 1, 4)]


@pytest.mark.parametrize(
    ("kernel", "cell", "precision", "hint"),
    [
        ("fused", "mlstm", "float32", "torch has no layer for the cell mlstm"),
        ("flashrnn", "gru", "float32", "runs an lstm here, not a gru"),
        ("fused", "lstm", "bfloat16", "keep c in bfloat16"),
        ("auto", "lstm", "tf32", "tf32, which only CUDA devices have"),
    ],
)
def test_what_does_not_go_together_is_refused(kernel, cell, precision, hint):
    with pytest.raises(UsageError, match=hint):
        StreamReader(random_model(cell), kernel=kernel, precision=precision)


@pytest.mark.parametrize(
    ("device", "cell", "precision", "chosen"),
    [
        ("cpu", "lstm", "float32", "step"),
        ("cuda", "lstm", "float32", "fused"),
        ("cuda", "gru", "tf32", "fused"),
        ("cuda", "mlstm", "float32", "step"),
        ("cuda", "lstm", "bfloat16", "step"),
    ],
)
def test_the_kernel_of_choice(device, cell, precision, chosen):
    model = SimpleNamespace(embedding=SimpleNamespace(device=torch.device(device)), cell=cell)
    assert choose_kernel("auto", model, precision) == chosen
    assert choose_kernel("step", model, precision) == "step"


def test_bfloat16_is_refused_without_the_instructions(monkeypatch):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    with pytest.raises(UsageError, match="this processor has no instructions for it"):
        StreamReader(random_model("lstm"), precision="bfloat16")


@pytest.mark.parametrize("cell", CELL_STATES)
def test_the_error_of_bfloat16_is_measured(cell):
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("this processor has no instructions for bfloat16")
    error = measure_error(random_model(cell, (9, 40)), texts_of(30, 20, 25), "bfloat16")
    assert list(error) == (["hidden"] if cell == "gru" else ["hidden", "cell"])
    for layers in error.values():
        assert layers.shape == (2,)
        assert (layers > 1e-4).all()
    assert (error["hidden"] < 0.5).all()


def test_float32_has_no_error_against_itself():
    error = measure_error(random_model("lstm"), texts_of(30, 20), "float32")
    assert all((layers == 0).all() for layers in error.values())
    fused = measure_error(random_model("lstm"), texts_of(30, 20), "float32", "fused")
    assert 0 < fused["hidden"].max() < 3e-6
