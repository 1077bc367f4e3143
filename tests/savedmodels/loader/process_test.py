"""Tests of the helper that runs the loader on arrays."""

import subprocess

import numpy as np
import pytest
import tensorflow as tf

from savedmodels.loader.process import run_loader

VALUES = {
    "label": np.array([-(2**31), 2**31 - 1, 0], "int32"),
    "time": [-(2**63), 2**63 - 1, 0],
    "embedding": np.array([[np.nan, -0.0, 1e-45], [np.inf, 0.1, 3e38], [1, 2, 3]]),
    "spatial": np.float32([np.pi, np.e, 2 / 3] * 4).reshape(3, 2, 1, 2),
    "spherical": [True, False, True],
    "text": ["é\n", b"\0\0", "hex:"],
    "pair": np.array([[b"a b", b""], [b"", b"hex:00"], [b"-", b"\xff\0"]], object),
}


@pytest.fixture(scope="module")
def answers(loader, hand_made):
    others = {
        **VALUES,
        "text": tf.constant(["x"] * 3),
        "spatial": np.ones([3, 2, 1, 2]),
    }
    requests = [("echo", VALUES), ("types", {"seed": [5]}), ("echo", others)]
    return run_loader(loader, hand_made, requests)


def test_arrays_come_back_as_they_went_in(answers):
    echo = answers[0]
    assert set(echo) == set(VALUES)
    for name in ("label", "time", "embedding", "spatial", "spherical", "pair"):
        given = np.asarray(VALUES[name])
        given = given.astype("float32") if given.dtype == "float64" else given
        assert echo[name].dtype == given.dtype
        np.testing.assert_array_equal(echo[name], given)
    assert echo["text"].tolist() == ["é\n".encode(), b"\0\0", b"hex:"]


def test_each_request_has_its_answer(answers):
    assert len(answers) == 3
    assert answers[1]["picture"].dtype == "uint8"
    assert answers[1]["picture"].tolist() == [[[[5]]]]
    assert answers[1]["count"].shape == ()
    assert answers[1]["nothing"].shape == (1, 0)
    assert answers[1]["no_rows"].shape == (0, 2)
    assert answers[2]["text"].tolist() == [b"x"] * 3
    assert (answers[2]["spatial"] == 1).all()


def test_no_requests_need_no_loader(tmp_path):
    assert run_loader(tmp_path / "none", tmp_path / "none", []) == []


@pytest.mark.parametrize(
    "inputs", [{}, {"a": 1.0}, {"a": []}, {"a": [1, 2], "b": [1, 2, 3]}]
)
def test_inputs_without_rows_or_with_different_ones(tmp_path, inputs):
    with pytest.raises(ValueError, match=r"equally many. Received: .* in request 0"):
        run_loader(tmp_path / "none", tmp_path / "none", [("echo", inputs)])


def test_what_the_loader_says_is_raised(loader, tmp_path):
    with pytest.raises(ChildProcessError, match=r"exit code 1:\n(?s:.*)cannot load"):
        run_loader(loader, tmp_path / "none", [("echo", {"a": [1]})])


def test_a_loader_that_takes_too_long(loader, hand_made):
    with pytest.raises(subprocess.TimeoutExpired):
        run_loader(loader, hand_made, [("types", {"seed": [1]})], timeout=1e-3)
