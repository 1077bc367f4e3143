"""Tests that two devices train, score and fit as one does."""

import json

import pytest

from tests.forked import Forked

TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def found():
    """What `two_devices_program` tells."""
    output = Forked("tests.training.two_devices_program").wait()
    assert output.returncode == 0, output.stderr
    return json.loads(output.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["two", "two in parts", "one device strategy in parts"]
)
def test_twenty_steps_are_those_of_one_device(found, name):
    """With clipping, weight decay and an average of the weights."""
    found = found["same_as_one_device"]
    assert max(found["norms"]) > 0.03  # so that some gradients are clipped
    assert found["moved"] > 0.05 and found["average lags"] > 1e-3
    for difference in found[name].values():
        assert difference < TOLERANCE


def test_each_replica_drops_other_features(found):
    assert found["dropout"]["replicas differ"]
    assert found["dropout"]["steps differ"]


def test_the_score_of_any_number_of_images_is_exact(found):
    assert set(found["evaluation"]) == {"1", "7", "64"}
    for error in found["evaluation"].values():
        assert error < 1e-6


def test_fit_takes_the_steps_of_one_device(found):
    """With each way to clip, and batches that the devices do not share evenly."""
    found = dict(found["fit"])
    assert found.pop("clipping matters") > 1e-3
    assert len(found) == 3 + 3 + 2 + 1
    for name, difference in found.items():
        assert difference < TOLERANCE, name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("compiled outside", "compile must be called inside the strategy.scope()"),
        ("optimizer outside", "The optimizer must be made inside strategy.scope()"),
        ("model outside", "made under another strategy, here under MirroredStrategy"),
        ("jit_compile", "jit_compile=True does not work on several devices"),
        ("steps_per_execution", "must be 1 on several devices"),
        ("gradient_accumulation_steps", "has gradient_accumulation_steps of its own"),
        ("ema_overwrite_frequency", "use keras.callbacks.SwapEMAWeights"),
        ("batch_size", "must be a multiple of the number of devices"),
    ],
)
def test_what_does_not_work_is_refused_with_a_reason(found, name, sentence):
    assert sentence in found["refusals"][name]


def test_sixteen_bits_are_scaled_and_train(found):
    found = found["mixed_precision"]
    assert found.pop("norm") < 0.01
    assert all(found.values())
