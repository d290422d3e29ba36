"""Compiled kernels: numba's just-in-time compiler with the machine code kept on disk."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(kernel: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a function of plain arrays to machine code at its first call, and keep its type for the checker.

    One thread a kernel: Dask runs as many tasks side by side as there are cores. Arithmetic stays IEEE, because
    reassociated sums would depend on the machine.
    """
    function: Callable[_P, _R] = numba.njit(cache=True, nogil=True)(kernel)
    return function
