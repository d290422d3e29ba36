"""What a worker's torch sees: threads, device, a model file."""

import os
from pathlib import Path
from typing import Any

import torch

from .checkpoints import load_model


def describe_device() -> dict[str, Any]:
    """Return the device of this process and the threads that its matrix products may use.

    Returns
    -------
    ``device`` (name), ``cuda`` (whether it is a GPU), ``device_bytes`` (its memory, 0 for a CPU), ``torch_threads`` and
    ``omp_threads`` (as the environment says, empty if it does not).
    """
    cuda = torch.cuda.is_available()
    properties = torch.cuda.get_device_properties(0) if cuda else None
    return {
        "device": properties.name if properties else f"CPU ({torch.backends.cpu.get_cpu_capability()})",
        "cuda": cuda,
        "device_bytes": properties.total_memory if properties else 0,
        "torch_threads": torch.get_num_threads(),
        "omp_threads": os.environ.get("OMP_NUM_THREADS", ""),
    }


def model_digest(path: Path) -> str:
    """Return the digest of a model file, read by the loader that a run's tasks use."""
    return load_model(path).digest
