"""The sub-tokens of identifiers against a walk over their characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_analysis.subtokens import split_identifier


def cut_before(name, place):
    """Whether a sub-token ends before a character, said case by case."""
    before, here, after = name[place - 1], name[place], name[place + 1 : place + 2]
    if before in "_$" or here in "_$" or before.isdecimal() != here.isdecimal():
        return True
    if not here.isupper():
        return False
    follows_lower = not before.isupper()
    lower_follows = bool(after) and not after.isupper() and not after.isdecimal() and after not in "_$"
    return follows_lower or lower_follows


def sub_tokens_one_by_one(name):
    if not name.strip("_$"):
        return [name] if name else []
    parts = [""]
    for place, character in enumerate(name):
        if place and cut_before(name, place):
            parts.append("")
        parts[-1] += character
    return [part for part in parts if part.strip("_$")]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("x", "x"),
        ("camelCase", "camel Case"),
        ("parseHTTPServer", "parse HTTP Server"),
        ("MAX_VALUE", "MAX VALUE"),
        ("__proto__", "proto"),
        ("access$001", "access 001"),
        ("utf8Decoder", "utf 8 Decoder"),
        ("Base64", "Base 64"),
        ("SHA256withRSA", "SHA 256 with RSA"),
        ("aB", "a B"),
        ("ABc", "A Bc"),
        ("größeÄndern", "größe Ändern"),
        ("变量Name", "变量 Name"),
        ("_", "_"),
        ("$__", "$__"),
    ],
)
def test_known_names(name, parts):
    assert [name[start:stop] for start, stop in split_identifier(name)] == parts.split()


def test_an_empty_name_has_none():
    assert split_identifier("") == []


@given(st.text(st.sampled_from("abAB12_$éÉǅ变٣"), max_size=12))
def test_every_name_is_cut_as_one_by_one(name):
    assert [name[start:stop] for start, stop in split_identifier(name)] == sub_tokens_one_by_one(name)


@given(st.text(max_size=12))
def test_only_separators_are_left_out_of_a_name(name):
    spans = split_identifier(name)
    covered = "".join(name[start:stop] for start, stop in spans)
    assert covered == (name.translate({ord("_"): None, ord("$"): None}) or name)
    assert all(start < stop for start, stop in spans)
