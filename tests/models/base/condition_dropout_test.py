"""Tests of models that can do without their conditions, and of guidance."""

import numpy as np
import pytest

from tests import test_case
from tests.models.base.conditional_case import (
    KINDS,
    small_model,
)
from tests.test_case import random_conditions, random_images

pytestmark = pytest.mark.op_by_op


@pytest.fixture(scope="module")
def plain():
    """A model without conditions, which takes its weights from others."""
    return small_model([])


class TestConditionDropout:
    """Conditional and unconditional in one model."""

    def test_without_condition_is_the_same_network_without_its_conditioning(
        self, plain
    ):
        model = small_model(KINDS, condition_dropout=0.1)
        weights = {weight.path: weight for weight in model.weights}
        for weight in plain.weights:
            weight.assign(weights[weight.path])
        images = random_images(model, 3)
        expected = plain.log_prob(images)
        np.testing.assert_allclose(model.log_prob(images), expected, rtol=1e-5)
        given = random_conditions(model, 3)
        assert not np.allclose(model.log_prob(images, **given), expected)
        np.testing.assert_array_equal(
            test_case.stepped_parameters(model, images),
            test_case.stepped_parameters(plain, images),
        )
        drawn = model.sample(3, seed=1)
        np.testing.assert_array_equal(drawn, plain.sample(3, seed=1))

    def test_label_minus_1_is_no_condition(self):
        model = small_model(KINDS, condition_dropout=0.1)
        images, given = random_images(model, 3), random_conditions(model, 3)
        given["label"] = np.array([1, -1, 0])
        scores = model.log_prob(images, **given).numpy()
        unconditional = model.log_prob(images).numpy()
        assert scores[1] == pytest.approx(unconditional[1], rel=1e-5)
        assert not np.isclose(scores[[0, 2]], unconditional[[0, 2]]).any()

    def test_missing_conditions_are_named(self):
        optional = small_model(KINDS, condition_dropout=0.1)
        images, given = random_images(optional, 2), random_conditions(optional, 2)
        del given["embedding"]
        with pytest.raises(ValueError, match=r"Missing: \['embedding'\].*or none"):
            optional.log_prob(images, **given)
        needed = small_model(KINDS)
        for call in (
            lambda: needed.log_prob(images),
            lambda: needed.sample(2, seed=1),
            lambda: needed(images),
            lambda: needed.distribution(),
            lambda: needed.complete(images, images > 0, seed=1),
            lambda: needed.evaluate(images),
        ):
            with pytest.raises(
                ValueError, match=r"Missing: .*label.*condition_dropout"
            ):
                call()

    @pytest.mark.parametrize("rate", [-0.1, 1.0])
    def test_rate_out_of_range(self, rate):
        with pytest.raises(ValueError, match="condition_dropout must be in"):
            small_model(["label"], condition_dropout=rate)

    def test_nothing_to_drop(self):
        with pytest.raises(ValueError, match="the model has none"):
            small_model([], condition_dropout=0.1)


class TestGuidance:
    """Logits between the unconditional and the conditional model, and beyond."""

    def test_scale_0_is_unconditional_and_1_conditional(self):
        model = small_model(KINDS, (4, 3, 3), condition_dropout=0.1)
        given = random_conditions(model, 6)
        conditional = model.sample(seed=1, **given).numpy()
        unconditional = model.sample(6, seed=1).numpy()
        assert not np.array_equal(conditional, unconditional)
        for scale, expected in ((1.0, conditional), (0.0, unconditional)):
            drawn = model.sample(seed=1, guidance_scale=scale, **given).numpy()
            assert np.all(drawn == expected, axis=(1, 2, 3)).sum() >= 5
        scales = [0.0, 1.0] * 3
        mixed = model.sample(seed=1, guidance_scale=scales, **given).numpy()
        expected = np.where(
            np.array(scales)[:, None, None, None], conditional, unconditional
        )
        assert np.all(mixed == expected, axis=(1, 2, 3)).sum() >= 5

    @pytest.mark.op_by_op(False)
    def test_mixes_in_logit_space(self):
        """The counts of one pixel against the softmax of the mixed logits."""
        model = small_model(["label"], (1, 1, 1), 4, condition_dropout=0.1)
        blank = np.zeros((1, 1, 1, 1), "int32")
        logits = [
            model({"image": blank, "label": np.array([label])}).numpy()[0, 0, 0, 0]
            for label in (2, -1)
        ]
        mixed = logits[1] + 2.5 * (logits[0] - logits[1])
        expected = np.exp(mixed - mixed.max())
        drawn = model.sample(20_000, seed=1, label=2, guidance_scale=2.5)
        test_case.check_counts(drawn, 4, expected / expected.sum())

    def test_is_refused_where_there_is_no_unconditional_model(self):
        for kinds in ([], ["label"]):
            model = small_model(kinds)
            given = random_conditions(model, 2)
            with pytest.raises(
                ValueError, match="only a model trained with condition_"
            ):
                model.sample(2, seed=1, guidance_scale=2.0, **given)

    @pytest.mark.parametrize("scale", [np.nan, np.inf, [1.0, 2.0, 3.0]])
    def test_scales_that_are_none(self, scale):
        model = small_model(["label"], condition_dropout=0.1)
        with pytest.raises(ValueError, match="guidance_scale must be"):
            model.sample(2, seed=1, guidance_scale=scale, label=1)
