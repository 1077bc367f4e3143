"""Tests of publishing auto-encoders: their signatures answer as their verbs."""

import pytest

import keras_pixelcnn as kp
from keras_pixelcnn.models import ImageModel, load_model
from savedmodels.publish.batching import Batching
from savedmodels.publish.publishing import publish
from tests.models.autoencoder.small_autoencoder import new_autoencoder
from tests.test_case import randomize


@pytest.mark.parametrize("kind", ["function", "variational", "mse"])
def test_every_answer_is_compared_with_the_model_s(kind, tmp_path, capsys):
    if kind == "mse":
        model = randomize(kp.MSEAutoencoder((4, 3, 1), 5, 3, encoder_filters=4))
    else:
        model = new_autoencoder(
            (4, 3, 1), num_blocks=1, beta=float(kind == "variational")
        )
    model.save(tmp_path / "model.keras")
    publish(
        load_model(tmp_path / "model.keras", ImageModel),
        tmp_path / "served",
        signatures=["elbo"] if kind == "variational" else None,
        batching=Batching(max_batch_size=1),
    )
    # A request to each signature and to serving_default.
    number = {"function": 7, "variational": 3, "mse": 6}[kind]
    assert f"answers {number} requests" in capsys.readouterr().out
