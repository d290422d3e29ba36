"""Sigmoid and tanh in float32, written so that the compiler turns a loop over them into vector instructions.

Every rounding is written down: a product and a sum that are rounded once, as in every BLAS, are a `fma`. Were it left
to the compiler which of them to join, one function compiled into two others would give two results.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba
import numpy as np
from numba.extending import intrinsic

_P = ParamSpec("_P")
_R = TypeVar("_R")
_f = np.float32

_LOG2_E = _f(1.4426950408889634)
_LN2_HIGH = _f(0.693359375)
_LN2_LOW = _f(-2.12194440e-4)
# Coefficients of (exp(r) - 1 - r) / r**2 on |r| <= ln(2) / 2, of the Cephes library (expf), highest power first.
_P0, _P1, _P2 = _f(1.9875691500e-4), _f(1.3981999507e-3), _f(8.3334519073e-3)
_P3, _P4, _P5 = _f(4.1665795894e-2), _f(1.6666665459e-1), _f(5.0000001201e-1)
_LARGEST = _f(88.0)
_TANH_IS_ONE = _f(9.5)
_ONE, _TWO, _HALF, _ZERO = _f(1), _f(2), _f(0.5), _f(0)
_EXPONENT_BIAS, _MANTISSA_BITS = np.int32(127), np.int32(23)


# numba's own check for a division by zero would keep every loop with one from being vectorised, so division is IEEE's.
_OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy"}


def vectorised(kernel: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a kernel like `lstm_analysis.compiled.compiled`, but so that loops over activations are vectorised."""
    function: Callable[_P, _R] = numba.njit(**_OPTIONS)(kernel)
    return function


def _inlined(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a function of one element into the loops that call it, however long it is."""
    made: Callable[_P, _R] = numba.njit(**_OPTIONS, forceinline=True)(function)
    return made


def _multiply_add(typing: Any, a: Any, b: Any, c: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, a, a), generate


fma: Callable[[np.float32, np.float32, np.float32], np.float32] = intrinsic(_multiply_add)
"""a b + c, rounded once; for compiled code."""


@_inlined
def _exp_parts(x: np.float32) -> tuple[np.float32, np.float32]:
    """Return ``e`` and a power of two ``s`` such that exp(x) = s (1 + e); x from -88 to 88, NaN stays."""
    x = -_LARGEST if x < -_LARGEST else x
    x = _LARGEST if x > _LARGEST else x
    n = np.floor(fma(x, _LOG2_E, _HALF))
    r = fma(n, -_LN2_LOW, fma(n, -_LN2_HIGH, x))
    p = fma(fma(fma(fma(fma(_P0, r, _P1), r, _P2), r, _P3), r, _P4), r, _P5)
    scale = np.int32((np.int32(n) + _EXPONENT_BIAS) << _MANTISSA_BITS).view(np.float32)
    return fma(p, r * r, r), scale


@_inlined
def exp(x: np.float32) -> np.float32:
    """Return exp(x), relative error below 2e-7; 0 below -87.6, where float32 has no more normal numbers."""
    e, s = _exp_parts(x)
    return fma(e, s, s)


@_inlined
def sigmoid(x: np.float32) -> np.float32:
    """Return 1 / (1 + exp(-x)), relative error below 2e-7, so that a closed gate stays as closed as it is."""
    e, s = _exp_parts(-x)
    return _ONE / (_ONE + fma(e, s, s))


@_inlined
def tanh(x: np.float32) -> np.float32:
    """Return tanh(x) = (exp(2x) - 1) / (exp(2x) + 1), relative error below 2e-7, also near zero."""
    a = -x if x < _ZERO else x
    a = _TANH_IS_ONE if a > _TANH_IS_ONE else a
    e, s = _exp_parts(a + a)
    less_one = fma(e, s, s - _ONE)
    t = less_one / (less_one + _TWO)
    return -t if x < _ZERO else t
