"""Tests of arrays as JSON, for the client and the server."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from savedmodels import json_codec

DTYPES = ("?", "u1", "i1", "u2", "i4", "i8", "u8", "f4", "f8")


@given(
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: st_numpy.arrays(dtype, st_numpy.array_shapes(max_dims=4))
    )
)
def test_arrays_come_back_as_they_were(array):
    body = json_codec.dump({"x": json_codec.encode(array)})
    values = json_codec.parse(body)["x"]
    found = json_codec.decode("x", values, array.dtype)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    # Python's own parser reads the same.
    np.testing.assert_array_equal(np.array(json.loads(body)["x"], array.dtype), array)


@given(st.lists(st.binary(), min_size=1))
def test_bytes_come_back_as_they_were(values):
    array = np.empty(len(values), object)
    array[:] = values
    body = json_codec.dump(json_codec.encode(array))
    found = json_codec.decode("x", json_codec.parse(body), np.dtype(object))
    assert found.tolist() == values


def test_numbers_that_are_not_finite_are_spelled_as_the_interface_spells_them():
    array = np.array([[np.nan, np.inf], [-np.inf, 0.1]], "f4")
    body = json_codec.dump(json_codec.encode(array))
    assert body == b"[[NaN, Infinity], [-Infinity, 0.10000000149011612]]"
    np.testing.assert_array_equal(json_codec.parse(body), array)


def test_views_and_single_numbers():
    array = np.arange(12).reshape(3, 4).T[::2]
    assert json.loads(json_codec.dump(json_codec.encode(array))) == array.tolist()
    row = {"x": json_codec.encode(np.array(np.nan, "f4")), "y": np.array(3).item()}
    assert json_codec.dump(row) == b'{"x":NaN,"y":3}'
    text = json_codec.encode(np.array([b"n\xc3\xa4h", b"\xff"], object), as_text=True)
    assert text == ["näh", "\ufffd"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1,]", b"\xff", b"'a'", b"[nan]", b"[-NaN]", b"1" * 5000, b"1e400"]
    + [b"[" * depth for depth in (1, 900, 10**6)]
    + [b"[NaN, " + body for body in (b"", b"[" * 10**6, b"\xff]", b"1" * 5000 + b"]")],
)
def test_what_is_no_json_is_refused(body):
    with pytest.raises(ValueError):
        json_codec.parse(body)


@given(st.binary(max_size=60), st.sampled_from(DTYPES))
def test_whatever_comes_is_an_array_or_a_value_error(noise, dtype):
    for body in (noise, b"[" + noise, b"[" + noise + b"]", b"[[1, " + noise + b"]]"):
        try:
            values = json_codec.parse(body)
            json_codec.decode("x", values, np.dtype(dtype))
        except ValueError as error:
            assert len(str(error)) < 1000


@pytest.mark.parametrize(
    ("values", "dtype", "words"),
    [
        ([256], "u1", r"integers in \[0, 255\], of type uint8\. Received: 256"),
        ([0, -1], "u8", r"Received: -1"),
        ([1.0], "i4", r"x must hold int32 integers\. Received: 1\.0"),
        ([True], "i4", "Received: true"),
        ([2**63], "i8", "Received: 9223372036854775808"),
        ([None], "f4", "x must hold float32 numbers. Received: null"),
        ([1e39], "f4", r"at most 3\.403e\+38\. Received: 1e\+39"),
        ([1], "f2", "which JSON lacks"),
        ([1], "?", "true or false"),
        ([[1], [1, 2]], "i4", "at depth 1: a list of 1 and a list of 2"),
        ([[1], 2], "i4", "a list of 1 and 2"),
        ([[[1]]], "i4", "nested more than 2 deep"),
        ([{"b64": "?"}], "O", "x must hold strings in UTF-8 or"),
        ([3], "O", "x must hold strings or"),
    ],
)
def test_values_of_another_kind_are_refused(values, dtype, words):
    with pytest.raises(ValueError, match=words):
        json_codec.decode("x", values, np.dtype(dtype), deepest=2)
