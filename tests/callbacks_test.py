"""Tests of the callbacks."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_pixelcnn import GatedPixelCNN
from keras_pixelcnn.callbacks import (
    NonFiniteLossError,
    SampleGrids,
    SaveBest,
    StopOnNonFiniteLoss,
    plan_samples,
)
from keras_pixelcnn.image_grid import image_grid
from tests.test_case import randomize

pytestmark = pytest.mark.op_by_op

IMAGES = np.random.default_rng(0).integers(0, 3, (24, 3, 2, 1)) // 2


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)
    model = GatedPixelCNN((3, 2, 1), num_levels=3, filters=4, num_blocks=1)
    model.compile(keras.optimizers.Adam(0.02))
    return model


def attached(callback, model):
    callback.set_model(model)
    return callback


def weights_of(model):
    return [weight.copy() for weight in model.get_weights()]


def assert_same_weights(ours, theirs):
    for weight, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(weight, other)


def conditional_model(**conditions):
    model = GatedPixelCNN(
        (3, 2, 1), num_levels=3, filters=4, num_blocks=1, **conditions
    )
    model.compile()
    return randomize(model)


# StopOnNonFiniteLoss.


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_the_step_of_a_loss_that_is_not_finite_is_named(model, tmp_path, bad):
    path = tmp_path / "best.keras"
    compute_loss = model.compute_loss

    def fail_at_the_fifth_step(*arguments, **options):
        loss = compute_loss(*arguments, **options)
        return tf.where(model.optimizer.iterations.value == 4, bad, loss)

    model.compute_loss = fail_at_the_fifth_step
    callbacks = [StopOnNonFiniteLoss(path), SaveBest(path, monitor="bits_per_dim")]
    seen = []
    callbacks.append(
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: seen.append(path.read_bytes())
        )
    )
    with pytest.raises(NonFiniteLossError) as error:
        model.fit(IMAGES, batch_size=8, epochs=3, verbose=0, callbacks=callbacks)
    words = str(error.value)
    assert f"It is {bad} at step 5, batch 2 of epoch 2." in words
    assert "Lower the learning rate (here 0.02)" in words
    assert words.endswith(f"The best model so far is kept: {path}")
    assert seen == [path.read_bytes()]


def test_validation_that_is_not_finite_ends_training(model):
    callback = attached(StopOnNonFiniteLoss(), model)
    callback.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})
    with pytest.raises(NonFiniteLossError, match=r"val_loss .*the end of epoch 2\."):
        callback.on_epoch_end(1, {"loss": 1.0, "val_loss": math.inf})


def test_the_error_says_when_nothing_is_saved(model, tmp_path):
    callback = attached(StopOnNonFiniteLoss(tmp_path / "best.keras"), model)
    with pytest.raises(NonFiniteLossError, match="No model had been saved yet"):
        callback.on_train_batch_end(0, {"loss": math.nan})
    with pytest.raises(NonFiniteLossError, match=r"data\.$"):
        attached(StopOnNonFiniteLoss(), model).on_train_batch_end(0, {"loss": math.nan})


# SaveBest.


def test_the_file_holds_the_weights_of_the_best_epoch_not_the_last(model, tmp_path):
    path = tmp_path / "best.keras"
    best = SaveBest(path)
    after_each_epoch = []

    def spoil_the_third(epoch, logs):
        if epoch == 2:
            for weight in model.trainable_weights:
                weight.assign(weight * 10)

    history = model.fit(
        IMAGES,
        validation_data=IMAGES[:9],
        epochs=4,
        verbose=0,
        callbacks=[
            best,
            keras.callbacks.LambdaCallback(
                on_epoch_begin=spoil_the_third,
                on_epoch_end=lambda epoch, logs: after_each_epoch.append(
                    weights_of(model)
                ),
            ),
        ],
    ).history["val_bits_per_dim"]
    assert best.best_epoch == 2 == np.argmin(history) + 1
    assert best.best == history[1]
    saved = keras.models.load_model(path)
    assert_same_weights(saved.get_weights(), after_each_epoch[1])
    assert not np.array_equal(saved.get_weights()[0], model.get_weights()[0])
    logs = saved.evaluate(IMAGES[:9], verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["bits_per_dim"], best.best, rtol=1e-6)


def test_only_an_improvement_on_what_is_known_is_saved(model, tmp_path):
    path = tmp_path / "best.keras"
    best = attached(SaveBest(path, best=2.0, best_epoch=7), model)
    for value in (2.0, 2.5, math.nan):
        best.on_epoch_end(8, {"val_bits_per_dim": value})
    assert not path.exists()
    assert (best.best, best.best_epoch) == (2.0, 7)
    best.on_epoch_end(9, {"val_bits_per_dim": 1.5})
    assert path.exists()
    assert (best.best, best.best_epoch) == (1.5, 10)


def test_a_failed_save_leaves_the_older_one(model, tmp_path, monkeypatch):
    path = tmp_path / "best.keras"
    best = attached(SaveBest(path), model)
    best.on_epoch_end(0, {"val_bits_per_dim": 2.0})
    before = path.read_bytes()

    def fail(part):
        part.write_bytes(b"half a mod")
        raise OSError("No space left on device")

    monkeypatch.setattr(model, "save", fail)
    with pytest.raises(OSError, match="No space left"):
        best.on_epoch_end(1, {"val_bits_per_dim": 1.0})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert (best.best, best.best_epoch) == (2.0, 1)


def test_the_averaged_weights_are_saved_when_they_are_validated(model, tmp_path):
    model.compile(keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.9))
    best = SaveBest(tmp_path / "best.keras")
    model.fit(
        IMAGES,
        validation_data=IMAGES[:9],
        epochs=2,
        verbose=0,
        callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True), best],
    )
    saved = keras.models.load_model(best.filepath)
    logs = saved.evaluate(IMAGES[:9], verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["bits_per_dim"], best.best, rtol=1e-5)


def test_a_monitor_that_is_not_there_is_told(model, tmp_path):
    best = attached(SaveBest(tmp_path / "best.keras"), model)
    with pytest.raises(ValueError, match=r"\['loss'\].*Pass validation_data"):
        best.on_epoch_end(0, {"loss": 1.0})


def test_a_path_of_another_kind_is_told():
    with pytest.raises(ValueError, match=r"must end in \.keras.*'best\.h5'"):
        SaveBest("best.h5")


# SampleGrids.


def test_a_picture_every_second_epoch(model, tmp_path):
    grids = SampleGrids(
        tmp_path / "logs",
        every=2,
        num_samples=4,
        seed=5,
        png_path=tmp_path / "samples-{epoch:03d}.png",
    )
    model.fit(IMAGES, epochs=5, verbose=0, callbacks=[grids])
    log = EventAccumulator(str(tmp_path / "logs"))
    log.Reload()
    assert [event.step for event in log.Tensors("samples")] == [1, 3]
    pictures = sorted(tmp_path.glob("*.png"))
    assert [path.name for path in pictures] == ["samples-002.png", "samples-004.png"]


def test_the_seed_stays_the_same(model, tmp_path):
    path = tmp_path / "samples.png"
    grids = attached(SampleGrids(tmp_path, num_samples=4, seed=5, png_path=path), model)
    pictures = []
    for epoch in range(2):
        grids.on_epoch_end(epoch)
        with Image.open(path) as file:
            pictures.append(np.asarray(file))
    grids.on_train_end()
    np.testing.assert_array_equal(*pictures)
    levels = np.unique(model.sample(4, seed=5)) * 127.5
    assert set(np.unique(pictures[0])) == {*np.rint(levels), 224}


def test_a_count_of_less_than_one_is_told():
    for name in ("every", "num_samples", "columns"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1. Rec.*=0"):
            SampleGrids("logs", **{name: 0})


# SampleGrids of models with conditions.


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_model_with_labels_shows_one_row_a_class(dropout):
    model = conditional_model(num_classes=5, condition_dropout=dropout)
    for num_samples, per_class in ((1, 1), (5, 1), (9, 1), (10, 2), (64, 12)):
        plan = plan_samples(model, num_samples)
        assert plan.conditions["label"].tolist() == sorted([*range(5)] * per_class)
        assert plan.num_samples == 5 * per_class
        assert plan.columns == per_class
        assert plan_samples(model, num_samples, columns=7).columns == 7


def test_the_rows_are_drawn_as_their_class_and_logged(tmp_path):
    model = conditional_model(num_classes=5)
    path = tmp_path / "samples.png"
    grids = SampleGrids(tmp_path / "logs", num_samples=24, seed=5, png_path=path)
    attached(grids, model).on_epoch_end(0)
    grids.on_train_end()
    images = model.sample(20, seed=5, label=np.repeat(np.arange(5), 4)).numpy()
    expected = image_grid(images, 3, columns=4)
    with Image.open(path) as file:
        np.testing.assert_array_equal(np.asarray(file), expected[..., 0])
    log = EventAccumulator(str(tmp_path / "logs"))
    log.Reload()
    width, height, png = tf.make_ndarray(log.Tensors("samples")[0].tensor_proto)
    assert (int(height), int(width)) == expected.shape[:2]
    np.testing.assert_array_equal(tf.io.decode_png(png), expected)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"embedding_dim": 2}, "embedding"),
        ({"num_classes": 5, "spatial_shape": (1, 1, 1)}, "spatial"),
    ],
)
def test_conditions_that_are_needed_are_asked_for_before_training(
    tmp_path, arguments, name
):
    model = conditional_model(**arguments)
    data = {
        "image": IMAGES,
        "label": np.zeros(24, int),
        "embedding": np.zeros((24, 2)),
        "spatial": np.zeros((24, 1, 1, 1)),
    }
    grids = SampleGrids(tmp_path, every=9)
    with pytest.raises(ValueError, match=f"{name}.*conditions=.* to SampleGrids"):
        model.fit(data, verbose=0, callbacks=[grids])
    assert int(model.optimizer.iterations) == 0


def test_the_given_conditions_are_drawn(tmp_path):
    model = conditional_model(embedding_dim=2)
    embedding = np.random.default_rng(1).normal(size=(6, 2))
    path = tmp_path / "samples.png"
    grids = SampleGrids(
        tmp_path,
        num_samples=6,
        png_path=path,
        conditions={"embedding": embedding},
        columns=2,
    )
    attached(grids, model).on_train_begin()
    grids.on_epoch_end(0)
    grids.on_train_end()
    images = model.sample(6, seed=0, embedding=embedding)
    with Image.open(path) as file:
        expected = image_grid(images, 3, columns=2)[..., 0]
        np.testing.assert_array_equal(np.asarray(file), expected)


def test_a_model_that_can_do_without_its_conditions_is_drawn_without(tmp_path):
    model = conditional_model(embedding_dim=2, condition_dropout=0.5)
    assert plan_samples(model, 6) == (6, {}, None)
    labels = conditional_model(num_classes=5, condition_dropout=0.5)
    assert plan_samples(labels, 6, conditions={}) == (6, {}, None)


def test_conditions_that_the_model_does_not_take_are_told(model, tmp_path):
    grids = SampleGrids(tmp_path, conditions={"label": 1})
    with pytest.raises(ValueError, match=r"takes no conditions.*\['label'\]"):
        model.fit(IMAGES, verbose=0, callbacks=[grids])
    labels = conditional_model(num_classes=5)
    with pytest.raises(ValueError, match="one for each of the 6 images"):
        plan_samples(labels, 6, conditions={"label": [1, 2]})
