"""The matrix product of every step, by the library that is quickest where it runs."""

import torch
from torch import Tensor

PACKED_MIN_SIZE = 4096


class Product:
    """Rows times a fixed weight, ``x @ weight.T``.

    In float32 on a CPU the weight is also kept packed for oneDNN, which torch itself uses for ``nn.LSTM`` and which on
    processors that MKL does not favour is up to twice as fast as ``torch.addmm``. A product of fewer than
    `PACKED_MIN_SIZE` inputs, another device, another type or a torch without oneDNN goes through ``torch.addmm``.

    Parameters
    ----------
    weight
        Shape (output, input).
    """

    def __init__(self, weight: Tensor) -> None:
        self._plain = weight.T
        self._packed = _pack(weight)

    def plus(self, addend: Tensor, x: Tensor) -> Tensor:
        """Return ``addend + x @ weight.T`` in new memory, shape (row, output); ``addend`` is a row or all rows."""
        if self._packed is None or x.numel() < PACKED_MIN_SIZE:
            return torch.addmm(addend, x, self._plain)
        bias = addend if addend.ndim == 1 else None
        out: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, bias, "none", [], "")
        return out if bias is not None else out.add_(addend)


def _pack(weight: Tensor) -> Tensor | None:
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        return None
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not available or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return None
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous())
    return packed
