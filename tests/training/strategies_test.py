"""Tests of the choice of a strategy, and of strategies that Keras cannot use."""

import json

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.schedules import WarmupThenDecay
from keras_pixelcnn.training import Recipe, make_strategy, strategies


def cluster(**fields):
    return json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, **fields})


@pytest.mark.parametrize("name", ["auto", "one"])
def test_a_single_device_needs_no_strategy(name, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    strategy = make_strategy(name)
    assert strategy is tf.distribute.get_strategy()
    assert strategies.is_chief(strategy)
    strategies.check_agreement(strategy, 7)
    strategies.wait_for_all(strategy)


def test_mirrored_takes_the_cpus_where_there_is_no_gpu():
    assert isinstance(make_strategy("mirrored"), tf.distribute.MirroredStrategy)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("parameter_server", "", "Parameter servers are not supported: Keras 3"),
        ("two", "", "must be one of .*'mirrored'.*'two'"),
        ("multi_worker", "", "finds its workers in the environment variable TF_CONFIG"),
        ("auto", "{", "TF_CONFIG must be JSON such as"),
        ("auto", "[]", "TF_CONFIG must be JSON such as"),
        ("auto", cluster(), "The task of TF_CONFIG must be one of"),
        ("auto", cluster(task={"type": "worker", "index": 2}), "The task of TF_CONFIG"),
        ("auto", cluster(task=[]), "The task of TF_CONFIG"),
        ("auto", cluster(task=None), "The task of TF_CONFIG"),
        ("auto", '{"cluster": {"worker": "a:1"}}', "TF_CONFIG must be JSON such as"),
        ("one", '{"cluster": {"ps": ["a:1"]}}', "Parameter servers are not supported"),
    ],
)
def test_what_does_not_fit_is_told(monkeypatch, name, text, sentence):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=sentence):
        make_strategy(name)


def test_devices_are_made_before_tensorflow_starts():
    tf.constant(1) + 1
    with pytest.raises(ValueError, match="before TensorFlow does anything else"):
        strategies.divide_cpus(2)
    with pytest.raises(ValueError, match="at least 1"):
        strategies.divide_cpus(0)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("ParameterServerStrategy", "does not train under ParameterServerStrategy"),
        ("MultiWorkerMirroredStrategy", "do not work under MultiWorkerMirrored"),
    ],
)
@pytest.mark.parametrize("verb", ["fit", "evaluate"])
def test_keras_loops_are_refused_where_they_do_not_work(
    monkeypatch, kind, sentence, verb
):
    model = kp.GatedPixelCNN((2, 2, 1), 3, filters=2, num_blocks=1)
    model.compile()
    strategy = object.__new__(getattr(tf.distribute, kind))
    monkeypatch.setattr(model, "_distribute_strategy", strategy)
    with pytest.raises(ValueError, match=sentence):
        getattr(model, verb)(np.zeros((2, 2, 2, 1), int))


# The learning rate.


def test_the_rate_rises_in_a_line_and_falls_as_half_a_cosine():
    rate = WarmupThenDecay(0.4, 104, warmup_steps=4)
    found = [float(rate(step)) for step in (0, 1, 3, 4, 54, 104, 200)]
    np.testing.assert_allclose(found, [0.1, 0.2, 0.4, 0.4, 0.2, 0, 0], atol=1e-7)


def test_the_rate_falls_in_steps():
    rate = WarmupThenDecay(
        1.0, 100, decay="step", decay_shares=(0.5, 0.8), decay_factor=0.1
    )
    found = [float(rate(step)) for step in (0, 49, 50, 79, 80, 99)]
    np.testing.assert_allclose(found, [1, 1, 0.1, 0.1, 0.01, 0.01], rtol=1e-6)


def test_the_rate_stays_and_is_rebuilt_from_its_config():
    rate = WarmupThenDecay(0.5, 10, decay="constant")
    again = WarmupThenDecay.from_config(rate.get_config())
    assert [float(again(step)) for step in (0, 9, 99)] == [0.5] * 3
    with pytest.raises(ValueError, match=r"decay must be one of.*'linear'"):
        WarmupThenDecay(0.5, 10, decay="linear")


def test_an_unknown_optimizer_is_told():
    with pytest.raises(ValueError, match=r"one of .'adam', 'adamw'.*'sgd'"):
        Recipe(10, 4, optimizer="sgd").make_optimizer()
