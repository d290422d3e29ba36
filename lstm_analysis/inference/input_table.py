"""The input products of the first layer for every token of the vocabulary, shared by the processes of a machine."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..disk import new_file
from ..store import crc32
from .cells import CELLS
from .model import LanguageModel
from .product import Product

ROWS = 4096


def open_input_table(model: LanguageModel, path: Path | None = None) -> Tensor:
    """Return the input products of the first layer, shape (vocabulary, gate neuron), in the model's float type.

    A file is mapped into memory, so that the processes of a machine share one copy. A file that is missing, damaged
    or of another model is made again, under a name of its own first: processes that do so at once do not disturb each
    other.

    Parameters
    ----------
    model
        Whose products.
    path
        The file; ``None`` to keep the table in the process's own memory.
    """
    if path is None:
        return _multiply(model)
    found = _map(path, model)
    if found is None:
        _write(path, model)
        found = _map(path, model)
    assert found is not None, f"{path} was changed while it was read"
    return found


def table_bytes(model: LanguageModel) -> int:
    """Return the size of the table in float32."""
    first = model.layers[0]
    return 4 * len(model.embedding) * len(CELLS[first.cell].input_weights(first)[1])


@torch.inference_mode()
def _multiply(model: LanguageModel) -> Tensor:
    first = model.layers[0]
    weight, bias = CELLS[first.cell].input_weights(first)
    product, table = Product(weight, bias), model.embedding.new_empty(len(model.embedding), len(weight))
    for rows, part in zip(torch.split(table, ROWS), torch.split(model.embedding, ROWS), strict=True):
        rows.copy_(product(part))
    return table


def _map(path: Path, model: LanguageModel) -> Tensor | None:
    try:
        with safe_open(path, "pt") as file:
            facts = file.metadata() or {}
            table: Tensor | None = file.get_tensor("table") if facts.get("model") == _owner(model) else None
    except (FileNotFoundError, SafetensorError):
        return None
    return table if table is not None and facts.get("crc32") == _checksum(table) else None


def _write(path: Path, model: LanguageModel) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = _multiply(model).cpu()
    with new_file(path) as temporary:
        save_file({"table": table}, temporary, {"model": _owner(model), "crc32": _checksum(table)})


def _checksum(table: Tensor) -> str:
    return str(crc32(table.view(torch.uint8).numpy()))


def _owner(model: LanguageModel) -> str:
    return f"{model.digest} {str(model.embedding.dtype).removeprefix('torch.')}"
