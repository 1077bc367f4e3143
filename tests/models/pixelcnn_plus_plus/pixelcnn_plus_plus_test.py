"""PixelCNN++ against the contract of all models, and what is its own."""

import types

import pytest

import keras_pixelcnn as kp
from tests.models.conformance import CASES, MIXTURE, ModelConformance
from tests.models.pixelcnn_plus_plus import reference


class TestPixelCNNPlusPlus(ModelConformance):
    """Two streams through several resolutions, which see all within reach."""

    cases = types.MappingProxyType(
        {
            "grey": ((4, 3, 1), 5, {"num_resolutions": 1}),
            "grey mixture": ((3, 4, 1), 40, {**MIXTURE, "num_resolutions": 1}),
            "RGB mixture, conditions": CASES["RGB mixture, conditions"],
        }
    )
    # Odd sizes, single rows and columns, sizes that 4 does and does not divide.
    odd_cases = (
        ((1, 1, 1), 5, {"num_resolutions": 3}),
        ((1, 7, 1), 5, {"likelihood": "logistic_mixture"}),
        ((6, 1, 3), 5, {"num_resolutions": 3}),
        ((5, 6, 1), 5, {"num_resolutions": 3}),
        ((4, 4, 2), 5, {"num_resolutions": 3}),
        ((9, 7, 1), 5, {"num_resolutions": 1}),
    )
    of_export = types.MappingProxyType({"num_resolutions": 1})
    scale = 0.2
    most_channels = 1

    def make_model(self, image_shape, num_levels, **arguments):
        grey = len(image_shape) == 3 and image_shape[-1] == 1
        sizes = {"filters": 4, "num_blocks": 1, "num_resolutions": 2}
        sizes |= {"dropout_rate": 0.0}
        sizes |= {"likelihood": "categorical" if grey else "logistic_mixture"}
        return kp.PixelCNNPlusPlus(image_shape, num_levels, **{**sizes, **arguments})

    def expected_dependencies(self, model):
        return reference.expected_dependencies(model)

    def reference(self, model, image):
        return reference.reference(model, image)


def new_model(image_shape, num_levels=5, **arguments):
    return TestPixelCNNPlusPlus().make_model(image_shape, num_levels, **arguments)


def test_no_pixel_is_missed_where_the_resolutions_reach_it():
    """What the reference expects of a model is itself right at both ends."""
    expected = reference.expected_dependencies(new_model((6, 7, 1), num_resolutions=3))
    assert expected[-1, -1, :, :-1].all()  # no blind spot
    expected = reference.expected_dependencies(new_model((9, 7, 1), num_resolutions=1))
    assert not expected[8, 3, 0, 0].any()  # out of reach


def test_resolutions_and_blocks_are_those_of_the_paper():
    model = new_model((8, 8, 3), num_resolutions=3, num_blocks=2)
    counts = [
        [len(resolution.blocks[way]) for way in ("before", "after")]
        for resolution in model.resolutions
    ]
    assert counts == [[2, 3], [2, 3], [2, 2]]
    sizes = [resolution.size for resolution in model.resolutions]
    assert sizes == [(8, 8), (4, 4), (2, 2)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"likelihood": "categorical"}, "3 channels.*Use .*logistic_mixture"),
        ({"num_resolutions": 0}, "num_resolutions must be an integer.*0"),
        ({"condition_dropout": 0.1}, "condition_dropout drops conditions"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.PixelCNNPlusPlus(**{"image_shape": (4, 4, 3), "filters": 4, **arguments})
