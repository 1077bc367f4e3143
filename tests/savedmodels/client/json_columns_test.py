"""Tests of reading numbers without nested lists."""

import json

import numpy as np
import pytest

from savedmodels.client.json_columns import read_numbers
from savedmodels.client.tensor_specs import TensorSpec

IMAGE = {"image": TensorSpec(np.dtype(np.uint8), (None, 2, 3, 1))}
VALUES = np.arange(250, 256, dtype=np.uint8).reshape(1, 2, 3, 1)


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_numbers_of_the_shape_that_is_due(indent, dtype):
    values = np.concatenate([VALUES, VALUES]).astype(dtype)
    if dtype == np.float32:
        values = values * np.float32(-1.1e-9)
    text = json.dumps({"outputs": values.tolist()}, indent=indent)
    specs = {"x": TensorSpec(values.dtype, (None, 2, 3, 1))}
    (found,) = read_numbers(text.encode(), specs, 2).values()
    np.testing.assert_array_equal(found, values)
    assert found.dtype == dtype


def _text(**changes):
    text = json.dumps({"outputs": VALUES.tolist()})
    for old, new in changes.items():
        text = text.replace(old.removeprefix("_"), new)
    return text.encode()


@pytest.mark.parametrize(
    "content",
    [
        _text(_250="256"),
        _text(_250="-1"),
        _text(_250="1.5"),
        _text(_250="NaN"),
        _text(_250="1 2"),
        _text(_250=""),
        _text(_250="[]"),
        _text(outputs="x"),
        json.dumps({"outputs": VALUES[0].tolist()}).encode(),
        json.dumps({"outputs": {"image": VALUES.tolist()}}).encode(),
        b"",
    ],
)
def test_anything_else_is_left_to_the_reader_of_json(content):
    assert read_numbers(_text(), IMAGE, 1)["image"].tolist() == VALUES.tolist()
    assert read_numbers(content, IMAGE, 1) is None


@pytest.mark.parametrize(
    "specs",
    [
        {**IMAGE, "label": IMAGE["image"]},
        {"image": TensorSpec(np.dtype(object), (None, 2, 3, 1))},
        {"image": TensorSpec(np.dtype(np.uint8), (None, None, 3, 1))},
    ],
)
def test_other_signatures_are_too(specs):
    assert read_numbers(_text(), specs, 1) is None
