"""What people do to any Keras model."""

import inspect
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_pixelcnn as kp

pytestmark = pytest.mark.op_by_op

IMAGES = np.random.default_rng(0).integers(0, 5, (6, 4, 4, 1)).astype("uint8")


def new_model(**kwargs):
    return kp.GatedPixelCNN((4, 4, 1), 5, filters=2, num_blocks=2, **kwargs)


class ModelWithoutConfig(kp.AutoregressiveImageModel):
    """As people write one first: Keras asks for the constructor's arguments itself."""

    def __init__(self, image_shape=(4, 4, 1), filters=2):
        image = keras.Input(image_shape, name="image", dtype="int32")
        encoded = kp.layers.IntensityEncoding(5, name="encoding")(image)
        *_, skip = kp.layers.GatedPixelCNNBlock(filters, 3, "A")(encoded, encoded)
        logits = keras.layers.Dense(5)(skip)
        super().__init__(
            inputs={"image": image},
            outputs=keras.layers.Reshape((*image_shape, 5))(logits),
            image_shape=image_shape,
            likelihood=kp.likelihoods.Categorical(5),
        )


def test_a_model_without_a_config_can_be_made():
    """Once its constructor raised `KeyError: 'args'`."""
    model = ModelWithoutConfig(filters=3)
    assert np.isfinite(model.log_prob(IMAGES)).all()
    names = list(inspect.signature(ModelWithoutConfig).parameters)
    assert names == ["image_shape", "filters"]
    assert model.sample(2, seed=1).shape == (2, 4, 4, 1)
    with pytest.raises(ValueError, match="Config cannot be run step by step"):
        model.sample(2, seed=1, sampler="incremental")
    with pytest.raises(NotImplementedError, match="Override multiply_adds"):
        model.flops()


def test_frozen_layers_stay_frozen(tmp_path):
    model = new_model(num_classes=2)
    model.blocks[0].trainable = False
    inner = model.blocks[1]._flatten_layers(include_self=False, recursive=False)
    next(iter(inner)).trainable = False
    model.compile("sgd")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert not loaded.blocks[0].trainable and loaded.blocks[1].trainable
    assert len(loaded.trainable_variables) == len(model.trainable_variables)
    assert len(loaded.trainable_variables) < len(loaded.variables) - 4
    before = [weight.numpy() for weight in loaded.blocks[0].weights]
    loaded.fit({"image": IMAGES, "label": [0, 1] * 3}, verbose=0)
    for ours, theirs in zip(before, loaded.blocks[0].weights):
        np.testing.assert_array_equal(ours, theirs)
    config = {**model.get_config(), "trainable_by_layer": {"Other:0": False}}
    with pytest.raises(ValueError, match=r"no such layers: \['Other:0'\]"):
        type(model).from_config(config)


def test_frozen_weights_stay_frozen(tmp_path):
    """Once a kernel that was frozen by itself trained again after loading."""
    model = new_model(num_classes=2)
    frozen = model.trainable_variables[3:7]
    for weight in frozen:
        weight.trainable = False
    model.blocks[1].trainable = False
    next(iter(model.blocks[1].weights)).trainable = True  # of no effect in Keras
    count = len(model.trainable_variables)
    model.compile("adam")
    data = {"image": IMAGES, "label": [0, 1] * 3}
    model.fit(data, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for again in (loaded, keras.models.clone_model(model)):
        assert len(again.trainable_variables) == count
        for ours, theirs in zip(model.weights, again.weights):
            assert ours.trainable == theirs.trainable
    loaded.fit(data, verbose=0)
    places = {id(weight): i for i, weight in enumerate(model.weights)}
    for weight in frozen:
        there = loaded.weights[places[id(weight)]]
        np.testing.assert_array_equal(weight.numpy(), there.numpy())
    assert int(loaded.optimizer.iterations) == 2


def test_a_model_that_is_frozen_as_a_whole_tells_no_layers():
    model = new_model()
    model.trainable = False
    assert "trainable_by_layer" not in model.get_config()
    assert not type(model).from_config(model.get_config()).trainable_variables


@pytest.mark.parametrize("compiled", [False, True])
def test_clones_are_of_the_same_class(compiled):
    model = new_model(num_classes=2, condition_dropout=0.5)
    model.blocks[0].trainable = False
    data = {"image": IMAGES, "label": [0, 1] * 3}
    if compiled:
        model.compile(keras.optimizers.Adam(0.125))
        model.fit(data, verbose=0)
    clone = keras.models.clone_model(model)
    assert type(clone) is type(model) and clone.get_config() == model.get_config()
    assert not {id(w) for w in clone.variables} & {id(w) for w in model.variables}
    before = clone.log_prob(IMAGES, label=1).numpy()
    clone.set_weights(model.get_weights())
    after = model.log_prob(IMAGES, label=1)
    np.testing.assert_allclose(clone.log_prob(IMAGES, label=1), after, rtol=1e-6)
    assert np.abs(before - after).max() > 1e-3
    assert clone.compiled == compiled
    if compiled:
        assert float(clone.optimizer.learning_rate) == 0.125
        assert int(clone.optimizer.iterations) == 0
        clone.fit(data, verbose=0)
    assert clone.sample(2, seed=1, label=0).shape == (2, 4, 4, 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: kp.PixelCNN((4, 4, 1), 5, filters=2, num_blocks=1),
        lambda: kp.PixelRNN((4, 4, 1), 5, filters=2, num_blocks=1),
        lambda: kp.PixelCNNPlusPlus((4, 4, 1), 5, 2, num_blocks=1, num_resolutions=2),
        lambda: kp.MSEAutoencoder((4, 4, 1), 5, latent_dim=2, encoder_filters=2),
        lambda: kp.FaceEmbedder((8, 4, 3), embedding_dim=2, filters=2),
        lambda: OwnModel((4, 4, 1), 5, filters=2, num_blocks=1),
    ],
)
def test_clones_of_every_family(make):
    model = make()
    for clone in (keras.models.clone_model(model), keras.models.clone_model(model)):
        assert type(clone) is type(model)
        assert clone.get_config() == model.get_config()


class OwnModel(kp.GatedPixelCNN):
    """As a user makes one, without a constructor of its own."""


def test_a_clone_inside_of_another_model():
    outer = keras.Sequential([keras.Input((4, 4, 1), dtype="int32"), new_model()])
    for recursive in (False, True):
        clone = keras.models.clone_model(outer, recursive=recursive)
        assert isinstance(clone.layers[0], kp.GatedPixelCNN)
        assert clone(IMAGES).shape == (6, 4, 4, 1, 5)


@pytest.mark.parametrize(
    "arguments",
    [
        {"clone_function": lambda layer: layer},
        {"call_function": lambda layer, *args, **kwargs: layer(*args, **kwargs)},
        {"input_tensors": {"image": keras.Input((4, 4, 1), name="other")}},
    ],
)
def test_clones_that_would_be_other_models(arguments):
    with pytest.raises(ValueError, match="GatedPixelCNN, from its config alone"):
        keras.models.clone_model(new_model(), **arguments)


def test_a_whole_model_in_an_old_file(grey, tmp_path):
    with pytest.raises(ValueError, match=r"must be saved to a \.keras file"):
        grey.save(tmp_path / "model.h5")
    assert not list(tmp_path.iterdir())
    grey.save_weights(tmp_path / "model.weights.h5")
    grey.load_weights(tmp_path / "model.weights.h5")
    # What Keras's own function writes comes back, with the class named.
    keras.saving.save_model(grey, tmp_path / "model.h5")
    with pytest.raises(ValueError, match="Unknown layer: 'GatedPixelCNN'"):
        keras.saving.load_model(tmp_path / "model.h5")
    loaded = keras.saving.load_model(
        tmp_path / "model.h5", custom_objects={"GatedPixelCNN": kp.GatedPixelCNN}
    )
    np.testing.assert_array_equal(loaded.log_prob(IMAGES), grey.log_prob(IMAGES))


def test_callbacks_know_that_less_is_better(grey, tmp_path, capsys):
    monitor = "val_bits_per_dim"
    path = tmp_path / "best.keras"
    callbacks = [
        keras.callbacks.EarlyStopping(monitor, patience=5),
        keras.callbacks.ReduceLROnPlateau(monitor),
        keras.callbacks.ModelCheckpoint(path, monitor, save_best_only=True),
    ]
    history = grey.fit(
        IMAGES, validation_data=IMAGES, callbacks=callbacks, verbose=2
    ).history
    assert {"loss", "val_loss", "bits_per_dim", monitor} == set(history) - {
        "learning_rate"
    }
    assert path.exists()
    assert all(callback.monitor_op is keras.ops.less for callback in callbacks)
    shown = capsys.readouterr().out
    assert "val_bits_per_dim" in shown and "loss" not in shown


def test_a_list_of_callbacks_of_keras_knows_it_too(grey):
    stopping = keras.callbacks.EarlyStopping("val_bits_per_dim")
    callbacks = keras.callbacks.CallbackList([stopping], add_history=True, model=grey)
    grey.fit(IMAGES, validation_data=IMAGES, callbacks=callbacks, verbose=0)
    assert stopping.monitor_op is keras.ops.less


def test_a_loss_that_is_more_than_the_metric_is_shown(capsys):
    model = kp.PixelCNNAutoencoder(
        (4, 4, 1), 5, latent_dim=2, encoder_filters=2, filters=2, num_blocks=1, beta=3.0
    )
    model.compile("sgd")
    model.evaluate(IMAGES, verbose=2)
    assert "- loss" in capsys.readouterr().out


def test_what_evaluate_takes_by_place(grey):
    by_place = grey.evaluate(IMAGES, None, 4, 0, None, None, None, True)
    assert by_place == grey.evaluate(IMAGES, verbose=0, return_dict=True)


def test_quantisation_is_refused(grey):
    with pytest.raises(NotImplementedError, match="cannot be quantised"):
        grey.quantize("int8")


AUTOENCODER = {"latent_dim": 2, "encoder_filters": 2}


@pytest.fixture(scope="module")
def models():
    """One of each kind, to misspell the arguments of its verbs."""
    small = {"filters": 2, "num_blocks": 1}
    shape = (4, 4, 1)
    return {
        "autoencoder": kp.PixelCNNAutoencoder(shape, 5, **AUTOENCODER, **small, beta=1),
        "mse": kp.MSEAutoencoder(shape, 5, **AUTOENCODER),
        "embedder": kp.FaceEmbedder((8, 4, 3), embedding_dim=2, filters=2),
        "pyramid": kp.PyramidPixelCNN(shape, 5, num_stages=2, **small),
        "grey": new_model(),
        "embedding": new_model(embedding_dim=2),
        "labels": new_model(num_classes=2),
    }


@pytest.mark.parametrize(
    "kind, verb, given, wrong, meant",
    [
        ("grey", "sample", [2], "temprature", "temperature"),
        ("grey", "log_prob", [IMAGES], "batchsize", "batch_size"),
        ("grey", "complete", [IMAGES, np.ones((4, 4))], "sed", "seed"),
        ("grey", "sample_from_noise", [IMAGES * 0.0], "top_q", "top_p"),
        ("labels", "sample", [2], "lable", "label"),
        ("labels", "classify", [IMAGES], "priors", "prior"),
        ("embedding", "interpolate", [[0, 0], [1, 1]], "stps", "steps"),
        ("embedding", "interpolate", [[0, 0], [1, 1]], "temprature", "temperature"),
        ("pyramid", "sample", [2], "coarser", "coarse"),
        ("pyramid", "sample", [2], "samplers", "sampler"),
        ("pyramid", "coarse_image", [IMAGES], "stages", "stage"),
        ("autoencoder", "sample", [], "temprature", "temperature"),
        ("autoencoder", "encode", [IMAGES], "batchsize", "batch_size"),
        ("autoencoder", "decode", [[0.0, 0.0]], "num_sample", "num_samples"),
        ("autoencoder", "decode", [[0.0, 0.0]], "samplers", "sampler"),
        ("autoencoder", "reconstruct", [IMAGES], "sed", "seed"),
        ("autoencoder", "interpolate", [IMAGES, IMAGES], "stps", "steps"),
        ("autoencoder", "log_prob", [IMAGES], "reduced", "reduce"),
        ("autoencoder", "elbo", [IMAGES], "num_sample", "num_samples"),
        ("autoencoder", "importance_weighted_log_prob", [IMAGES], "sed", "seed"),
        ("autoencoder", "posterior", [IMAGES], "images", "image"),
        ("autoencoder", "latent_conditions", [], "latents", "latent"),
        ("mse", "encode", [IMAGES], "batchsize", "batch_size"),
        ("mse", "decode", [], "latents", "latent"),
        ("mse", "reconstruct", [], "images", "image"),
        ("mse", "interpolate", [IMAGES, IMAGES], "stps", "steps"),
        ("embedder", "embed", [], "images", "image"),
    ],
)
def test_misspelt_arguments(models, kind, verb, given, wrong, meant):
    with pytest.raises(ValueError, match=rf"Received: .*{wrong}.*Was {meant} meant\?"):
        getattr(models[kind], verb)(*given, **{wrong: 1})
    with pytest.raises(ValueError, match=rf"{meant}.* Received") as caught:
        getattr(models[kind], verb)(*given, **{wrong: 1})
    assert f"{verb} takes " in str(caught.value)


def test_what_an_own_model_adds_to_a_verb_is_told():
    class Named(kp.GatedPixelCNN):
        def sample(self, num_samples=None, *, brightness=1, **options):
            return super().sample(num_samples, **options)

    model = Named((4, 4, 1), 5, filters=2, num_blocks=1)
    with pytest.raises(ValueError, match=r"sample takes .* Was temperature meant\?"):
        model.sample(2, temprature=1)
    with pytest.raises(TypeError, match="multiple values"):
        model.sample(2, num_samples=3)


def test_misspelt_arguments_of_a_distribution(grey):
    with pytest.raises(ValueError, match=r"takes no conditions.*\['temprature'\]"):
        grey.distribution(temprature=1)
    with pytest.raises(ValueError, match=r"Was validate_args meant\?"):
        grey.distribution(validate_arg=True)
    assert grey.distribution(validate_args=True).validate_args


def test_channels_first_is_no_matter():
    keras.config.set_image_data_format("channels_first")
    try:
        embedder = kp.FaceEmbedder((8, 4, 3), embedding_dim=2, filters=2)
    finally:
        keras.config.set_image_data_format("channels_last")
    other = kp.FaceEmbedder((8, 4, 3), embedding_dim=2, filters=2)
    other.set_weights(embedder.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 4, 3))
    np.testing.assert_array_equal(embedder.embed(images), other.embed(images))


def test_another_backend_is_refused():
    ran = subprocess.run(
        [sys.executable, "-c", "import keras_pixelcnn"],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "needs Keras on TensorFlow" in ran.stderr.splitlines()[-1]
