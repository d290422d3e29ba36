"""Slabs of a few words, so that short texts have many."""

import pytest

from lstm_analysis.match import agreement, bit_index, bits, counting


def cut_small(monkeypatch: pytest.MonkeyPatch, exponent: int) -> None:
    """Make slabs of ``2 ** exponent`` tokens."""
    for module in (bits, counting, agreement, bit_index):
        monkeypatch.setattr(module, "SLAB", 1 << exponent)
    monkeypatch.setattr(agreement, "SLAB_BITS", exponent)
    monkeypatch.setattr(bits, "SLAB_BITS", exponent)
