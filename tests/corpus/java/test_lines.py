"""Places in lines against the lines themselves."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.corpus.java.lines import line_columns, line_number

TEXTS = st.text(st.sampled_from("ab \t\f\r\n\u2028é"), max_size=40)


@given(TEXTS)
def test_every_place_is_that_in_its_line(text):
    expected, at, numbers = [], 0, []
    for number, part in enumerate(re.findall(r"[^\r\n]*(?:\r\n|\r|\n|\Z)", text), 1):
        line = part.rstrip("\r\n")
        indentation = len(line) - len(line.lstrip(" \t\f\v"))
        expected += [(column, len(line), indentation) for column in range(len(line))]
        numbers += [(at + column, number) for column in range(len(line))]
        at += len(part)
    found = line_columns(text, np.array([at for at, _ in numbers], np.int32))
    assert list(found) == ["column", "line_length", "indentation"]
    assert list(zip(*(column.tolist() for column in found.values()), strict=True)) == expected
    assert [line_number(text, at) for at, _ in numbers] == [number for _, number in numbers]
    assert {column.dtype for column in found.values()} == {np.dtype(np.int32)}
