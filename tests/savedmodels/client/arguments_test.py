"""Tests of what becomes of a user's arguments."""

import numpy as np
import pytest

import keras_pixelcnn as kp
from savedmodels.client import InvalidRequestError
from savedmodels.client.arguments import (
    as_levels,
    broadcast,
    cast,
    known_levels,
    prepare_seeds,
)
from savedmodels.client.conditions import complete_conditions
from savedmodels.client.tensor_specs import (
    TensorSpec,
    parse_status,
)


def spec(dtype, *shape):
    return TensorSpec(np.dtype(dtype), (None, *shape))


LABEL, VECTOR, MASK = spec("i4"), spec("f4", 3), spec("?", 2, 2)


# Types.


@pytest.mark.parametrize(
    ("value", "own", "expected"),
    [
        (3, LABEL, np.int32(3)),
        (np.uint64(3), LABEL, np.int32(3)),
        ([], LABEL, np.zeros(0, "i4")),
        ([1, 2, 3], VECTOR, np.array([1, 2, 3], "f4")),
        ([0, 1.0], MASK, np.array([False, True])),
        (np.float64(0.1), VECTOR, np.float32(0.1)),
    ],
)
def test_values_get_the_type_of_the_input(value, own, expected):
    found = cast("x", value, own)
    assert found.dtype == own.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("value", "own", "sentence"),
    [
        (1.0, LABEL, r"x must hold integers\. Received: values of type float64"),
        (True, LABEL, r"x must hold integers\. Received: values of type bool"),
        ("three", LABEL, "x must hold integers"),
        (None, LABEL, "x must hold integers"),
        ([1, 2**31], LABEL, r"\[-2147483648, 2147483647\]\. Received: 2147483648"),
        ([[1], [1, 2]], LABEL, "x must be numbers that make an array"),
        (True, VECTOR, r"x must hold numbers\. Received: values of type bool"),
        (["a"], VECTOR, "x must hold numbers"),
        (1j, VECTOR, "x must hold numbers"),
        (2, MASK, "x must hold True and False, or 1 and 0"),
        (np.nan, MASK, "x must hold True and False, or 1 and 0"),
        ("True", MASK, "x must hold True and False, or 1 and 0"),
        (3, spec(object), r"x must hold bytes\. Received: int"),
        ([b"", None], spec(object), r"x must hold bytes\. Received: NoneType"),
    ],
)
def test_other_kinds_of_values_are_refused(value, own, sentence):
    with pytest.raises(InvalidRequestError, match=sentence):
        cast("x", value, own)


def test_bytes_keep_their_zeros():
    found = cast("x", [b"a\0", "b", b"\0\0"], spec(object))
    assert found.tolist() == [b"a\0", b"b", b"\0\0"]
    assert cast("x", b"a\0", spec(object)).shape == ()


def test_numbers_too_large_for_the_type_become_infinite():
    """Which the server refuses by its own rule."""
    assert np.isposinf(cast("x", 1e300, VECTOR))


def test_whole_numbers_are_levels_whatever_their_type():
    assert as_levels([[1.0, 255.0]]).tolist() == [[1, 255]]
    assert as_levels(np.array([True])).dtype == np.uint8
    for wrong in (0.5, np.nan, np.inf, -np.inf, 1e300):
        with pytest.raises(InvalidRequestError, match="image must hold integers: the"):
            as_levels([1.0, wrong])


@pytest.mark.parametrize("shape", [(2, 2), (1, 2, 2)])
def test_anything_may_stand_where_the_mask_is_false(shape):
    image = np.array([[1, np.nan], [-7.5, 2]]).reshape(1, 2, 2, 1)
    found = known_levels(image, np.eye(2).reshape(shape), MASK)
    assert found.tolist() == [[[[1], [0]], [[0], [2]]]]


# Shapes.


@pytest.mark.parametrize("shape", [(3,), (1, 3), (2, 3)])
def test_every_row_gets_its_value(shape):
    value = np.arange(np.prod(shape)).reshape(shape)
    count = 1 if shape == (1, 3) else 2
    found = broadcast("x", value, VECTOR, count)
    np.testing.assert_array_equal(found, np.broadcast_to(value, (count, 3)))


@pytest.mark.parametrize("shape", [(), (2,), (4,), (3, 3), (1, 3), (2, 2), (1, 2, 3)])
def test_shapes_that_do_not_fit_are_refused(shape):
    sentence = r"x must be one for all rows, of shape \(3,\), or one for each, of "
    sentence += r"shape \(2, 3\)\. Received: shape \("
    with pytest.raises(InvalidRequestError, match=sentence):
        broadcast("x", np.zeros(shape), VECTOR, 2)


# Seeds.


@pytest.mark.parametrize("seed", [0, 1, -(2**63), 2**63 - 1, np.int32(7)])
def test_one_seed_is_folded_as_the_python_model_does(seed):
    expected = kp.example_seeds(int(seed), 5).numpy()
    np.testing.assert_array_equal(prepare_seeds(seed, 5), expected)


def test_a_seed_for_each_image_is_left_as_it_is():
    found = prepare_seeds([3, -(2**63)], 2)
    assert found.dtype == np.int64
    assert found.tolist() == [3, -(2**63)]


def test_without_a_seed_there_are_others_each_time():
    found = [prepare_seeds(None, 3) for _ in range(2)]
    assert len(np.unique(found)) == 6


@pytest.mark.parametrize(
    ("seed", "sentence"),
    [
        (1.0, "seed must hold integers"),
        (2**63, "seed must hold integers in .* Received: 9223372036854775808"),
        ([1, 2, 3], r"seed must be one for all rows.*\(2,\)\. Received: shape \(3,\)"),
        ([[1, 2]], r"Received: shape \(1, 2\)"),
    ],
)
def test_what_is_no_seed_is_refused(seed, sentence):
    with pytest.raises(InvalidRequestError, match=sentence):
        prepare_seeds(seed, 2)


# Conditions.

BOTH = {"seed": spec("i8"), "label": LABEL, "embedding": VECTOR}
ONE = {"seed": spec("i8"), "embedding": VECTOR, "has_condition": LABEL}


def completed(inputs, can_do_without=pytest.fail, **given):
    return complete_conditions(given, inputs, ["seed"], can_do_without)


def test_what_is_given_is_taken_and_nobody_is_asked():
    given = {"label": 1, "embedding": [1.0, 2.0, 3.0]}
    assert completed(BOTH, **given) == given
    assert completed({"seed": spec("i8")}) == {}


def test_presence_is_said_where_the_signature_asks_for_it():
    assert completed(ONE, embedding=0)["has_condition"] == 1
    assert completed(ONE, embedding=0, has_condition=[1, 0])["has_condition"] == [1, 0]


def test_without_any_condition_the_model_is_the_unconditional_one():
    found = completed(BOTH, lambda: True, label=None)
    assert found["label"] == -1
    assert found["embedding"].tolist() == [0, 0, 0]
    assert completed(ONE, lambda: True)["has_condition"] == 0


def test_conditions_that_are_missing_are_told():
    with pytest.raises(InvalidRequestError, match=r"\['embedding'\]\. Leave out all"):
        completed(BOTH, lambda: True, label=1)
    sentence = r"needs the conditions \['label', 'embedding'\]\. Missing: \['label', "
    sentence += r"'embedding'\]\. Only a model trained with condition_dropout"
    with pytest.raises(InvalidRequestError, match=sentence):
        completed(BOTH, lambda: False)
    with pytest.raises(InvalidRequestError, match=r"Missing: \['embedding'\]\.$"):
        completed(BOTH, None, label=1)


def test_conditions_that_are_unknown_are_told():
    with pytest.raises(InvalidRequestError, match=r"takes .*\['label', .*\['top_p'\]$"):
        completed(BOTH, top_p=0.5, label=1)
    with pytest.raises(InvalidRequestError, match=r"pass the label -1$"):
        completed(BOTH, label=1, has_condition=0)
    with pytest.raises(InvalidRequestError, match=r"takes no conditions.*\['label'\]$"):
        completed({"seed": spec("i8")}, label=1)


# What a server says of a model.


@pytest.mark.parametrize("status", [{}, {"model_version_status": [{}]}])
def test_another_form_of_status_is_told(status):
    with pytest.raises(ValueError, match="No versions are where they must be"):
        parse_status(status)
