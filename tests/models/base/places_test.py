"""Contracts of models that know where a pixel is, and what a label means there."""

import numpy as np
import pytest

import keras_pixelcnn as kp
from tests import test_case
from tests.models.base.conditional_case import small_model
from tests.test_case import random_conditions, random_images

pytestmark = pytest.mark.op_by_op

PLACES = {
    "positions": ((), {"positions": True}),
    "all": (
        ("label", "embedding", "spatial"),
        {"vector_map": True, "positions": True, "condition_dropout": 0.1},
    ),
}


@pytest.mark.parametrize("way", PLACES)
def test_the_contract_of_all_models(way, tmp_path):
    """Causal, steps equal to the whole, saved alike, and every weight is trained."""
    kinds, arguments = PLACES[way]
    model = small_model(kinds, (5, 3, 2), **arguments)
    expected = test_case.expected_dependencies(model.image_shape, 2)
    np.testing.assert_array_equal(test_case.dependencies(model), expected)
    test_case.check_steps_equal_whole(model)
    images = random_images(model, 8)
    test_case.check_saved(model, tmp_path, images)
    before = [weight.numpy() for weight in model.trainable_weights]
    model.compile("adam")
    features = {"image": images, **random_conditions(model, 8)}
    model.fit(features, batch_size=8, verbose=0)
    for old, weight in zip(before, model.trainable_weights, strict=True):
        assert not np.array_equal(old, weight.numpy()), weight.path


def test_probabilities_of_all_images_sum_to_1():
    kinds, arguments = PLACES["all"]
    model = small_model(kinds, (2, 2, 1), 3, **arguments)
    given = {name: value[0] for name, value in random_conditions(model, 1).items()}
    test_case.check_normalised(model, **given)


def test_equal_pixels_in_different_places_have_different_distributions():
    def inside(**arguments):
        model = small_model((), (12, 12, 1), 5, 3, **arguments)
        logits = model(np.zeros((1, 12, 12, 1))).numpy()[0, :, :, 0]
        return np.ptp(logits[4:, 4:8], axis=(0, 1)).max()

    assert inside() < 1e-4 < 0.01 < inside(positions=True)


def test_a_label_means_something_else_in_each_place():
    """The map's part of what a gate is given, apart from the label's own."""
    model = small_model(["label"], (8, 8, 1), vector_map=True)
    features = model.condition_encoder({"label": np.array([0, 1, 2])})
    added = model.conditionings[0]({"vector_map": features["vector_map"]}).numpy()
    assert np.ptp(added[0] - added[1], axis=(0, 1)).max() > 0.01


def test_a_map_needs_something_to_be_made_of():
    with pytest.raises(ValueError, match="num_classes or embedding_dim"):
        kp.GatedPixelCNN((4, 4, 1), vector_map=True)
