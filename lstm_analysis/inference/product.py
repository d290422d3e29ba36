"""The matrix product of every step, by the library that is quickest where it runs."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import linear, pad

from ..errors import UsageError

Precision = Literal["float32", "tf32", "bfloat16"]
PACKED_MIN_WORK = 400_000
"""Multiplications from which a call of oneDNN's product, about 11 us, is worth it."""
SMALL = (1, 2, 3, 4, 6, 8)


class Product:
    """Rows times a fixed weight, ``x @ weight.T + bias``.

    On a CPU the weight is kept packed for oneDNN, which torch itself uses for ``nn.LSTM``. It is the fixed choice, and
    not the winner of a trial at the start: every worker of a run must give the same bytes, and a trial on a busy
    machine may end either way. oneDNN builds its kernels for the processor it finds, so the choice holds up: for 128
    rows by 650 x 2600 on a Zen 5 it did 220 GF/s, where OpenBLAS 0.3.31 did 109 (197 when told that it may use AVX-512)
    and MKL, behind ``torch.mm``, 97; kept to AVX2 it did 118. Another device, another type, a small product or a torch
    without oneDNN goes through ``torch.nn.functional.linear``.

    Parameters
    ----------
    weight
        Shape (output, input).
    bias
        Shape (output); ``None`` for zeros.
    precision
        ``bfloat16`` rounds weight, ``x`` and result to it, and adds up in float32.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None, precision: Precision = "float32") -> None:
        self._rounded = precision == "bfloat16"
        self._weight = weight.bfloat16() if self._rounded else _aligned(weight)
        self._bias = bias.bfloat16() if self._rounded and bias is not None else bias
        self._packed = _pack(self._weight)

    def __call__(self, x: Tensor) -> Tensor:
        """Return the products in new memory, shape (row, output), in the type of ``x``."""
        rows = x.bfloat16() if self._rounded else x
        if self._packed is None or len(x) * self._weight.numel() < PACKED_MIN_WORK:
            return linear(rows, self._weight, self._bias).to(x.dtype)
        n_more = round_up(len(x)) - len(x)
        rows = pad(rows, (0, 0, 0, n_more)) if n_more else rows
        out: Tensor = torch.ops.mkldnn._linear_pointwise(rows, self._packed, self._bias, "none", [], "")
        return out[: len(x)].to(x.dtype)


def require_precision(precision: Precision, device: torch.device) -> None:
    """Refuse a precision that the device does not have, and tell CUDA whether it may use TF32.

    Raises
    ------
    UsageError
        Naming what is missing and what to use instead.
    """
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
    elif precision == "tf32":
        raise UsageError("inference.precision is tf32, which only CUDA devices have. Use float32 or bfloat16.")
    elif precision == "bfloat16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        raise UsageError(
            "inference.precision is bfloat16, but this processor has no instructions for it (avx512_bf16, amx or their "
            "like), so it would be slower than float32. Use float32."
        )


def round_up(n_row: int) -> int:
    """Return the number of rows that are multiplied in place of ``n_row``.

    oneDNN compiles a kernel for every number of rows it meets, in some ms, and it and torch keep the last thousand of
    them, half a megabyte each. Documents end anywhere, so a worker would meet most numbers there are. It meets eight
    sizes an octave, multiples of 16; and below that a few small ones, since the time of a product grows with its rows
    from four rows on.

    >>> [round_up(n) for n in (1, 5, 9, 40, 128, 129, 1000)]
    [1, 6, 16, 48, 128, 144, 1024]
    """
    if n_row <= SMALL[-1]:
        return next(size for size in SMALL if size >= n_row)
    step = max(16, 1 << (n_row - 1).bit_length() >> 4)
    return -(-n_row // step) * step


def _aligned(weight: Tensor) -> Tensor:
    """Return a weight that is used as it is in memory of torch's own, which begins at a multiple of 64 bytes.

    MKL adds up one to three rows in an order that depends on it, and a file that is mapped into memory may have the
    weight anywhere: the same model in two files would give other bytes. Larger weights are packed for every product.
    """
    return weight.clone() if weight.numel() < PACKED_MIN_WORK else weight


def _pack(weight: Tensor) -> Tensor | None:
    if weight.device.type != "cpu" or weight.dtype not in (torch.float32, torch.bfloat16):
        return None
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not available or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return None
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous())
    return packed
