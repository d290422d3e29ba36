"""What may run the recurrence: a kernel reads a layer through a block of steps."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Protocol

from torch import Tensor

from ..errors import UsageError
from .flashrnn_kernel import FlashRnnLayer
from .fused import FusedLayer
from .input_table import open_input_table
from .model import LanguageModel
from .product import Precision
from .step import StepLayer

Kernel = Literal["auto", "step", "fused", "flashrnn"]


class LayerKernel(Protocol):
    """What runs a layer through a block of steps."""

    def read(
        self,
        ids: Tensor,
        below: Tensor | None,
        active: Sequence[int],
        out: Mapping[str, Tensor],
        wanted: Collection[str],
    ) -> None:
        """Fill a block of states, as `Cell.run` says; of what is not wanted only rows at which streams end count.

        ``ids`` are vocabulary indices (step, stream); ``below`` is h of the layer below (step, stream, neuron),
        ``None`` for the first layer.
        """
        ...


def choose_kernel(kernel: Kernel, model: LanguageModel, precision: Precision) -> Kernel:
    """Return the kernel that runs a model.

    Parameters
    ----------
    kernel
        ``step`` shows every state of every cell; ``fused`` leaves the recurrence to torch's own layers (cuDNN on CUDA)
        and works out the rest from h; ``flashrnn`` is the package of that name; ``auto`` takes ``fused`` on CUDA where
        it can, else ``step``.
    model
        Its cell and its device count.
    precision
        Of the products.

    Raises
    ------
    UsageError
        If the kernel cannot do what is asked.
    """
    on_cuda = model.embedding.device.type == "cuda"
    if kernel == "auto":
        return "fused" if on_cuda and precision != "bfloat16" and model.cell in FusedLayer.CELLS else "step"
    if kernel != "step" and precision == "bfloat16":
        raise UsageError(
            f"inference.kernel {kernel} would keep c in bfloat16, too, where it fades; use kernel: step with "
            "precision: bfloat16."
        )
    if kernel == "fused" and model.cell not in FusedLayer.CELLS:
        raise UsageError(f"inference.kernel is fused, but torch has no layer for the cell {model.cell}; use step.")
    if kernel == "flashrnn" and model.cell != "lstm":
        raise UsageError(f"inference.kernel is flashrnn, which runs an lstm here, not a {model.cell}; use step.")
    return kernel


def open_layers(
    model: LanguageModel, kernel: Kernel, precision: Precision, table: Tensor | None
) -> Sequence[LayerKernel]:
    """Return what reads each layer; ``table`` is what `open_input_table` gave, made anew if it is ``None``."""
    if kernel == "fused":
        return [FusedLayer(layer, None if i else model.embedding) for i, layer in enumerate(model.layers)]
    first = (open_input_table(model) if table is None else table).to(model.embedding.device)
    if kernel == "flashrnn":
        return [FlashRnnLayer(layer, None if i else first) for i, layer in enumerate(model.layers)]
    return [StepLayer(layer, None if i else first, precision) for i, layer in enumerate(model.layers)]
