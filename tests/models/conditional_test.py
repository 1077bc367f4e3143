"""What every model owes, under each condition and under their combinations."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from tests import test_case
from tests.test_case import random_conditions, random_images, randomize

KINDS = {
    "label": {"num_classes": 3},
    "embedding": {"embedding_dim": 4},
    "spatial": {"spatial_shape": (2, 3, 2)},
}
COMBINATIONS = [
    names for size in (1, 2, 3) for names in itertools.combinations(KINDS, size)
]
SHAPES = [((1, 1, 1), 5, 3), ((5, 3, 2), 2, 5), ((4, 6, 3), 256, 3)]


def small_model(kinds, image_shape=(4, 4, 1), num_levels=5, kernel_size=3, **arguments):
    channels = image_shape[-1]
    # A wide head: ReLUs that are all shut would hide what a test looks for.
    arguments = {
        "filters": 4 * channels,
        "head_filters": 16 * channels,
        "num_blocks": 2,
        **arguments,
    }
    for kind in kinds:
        arguments = {**KINDS[kind], **arguments}
    return randomize(
        kp.GatedPixelCNN(
            image_shape,
            num_levels=num_levels,
            kernel_size=kernel_size,
            first_kernel_size=kernel_size,
            **arguments,
        )
    )


def features_of(model, count, seed=0):
    images, conditions = random_images(model, count), random_conditions(model, count)
    return {"image": images, **conditions}


every_kind = pytest.mark.parametrize("kinds", COMBINATIONS, ids="+".join)
# Where what counts is whether there is a label, and whether there are several kinds.
some_kinds = pytest.mark.parametrize(
    "kinds", [("label",), ("embedding", "spatial"), (*KINDS,)], ids="+".join
)
each_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_is_causal_and_steps_equal_whole(kinds, case):
    """Conditions open no way from a pixel to an earlier one."""
    shape, levels, kernel = case
    model = small_model(kinds, shape, levels, kernel)
    expected = test_case.expected_dependencies(shape, 2 * (kernel // 2))
    np.testing.assert_array_equal(test_case.dependencies(model), expected)
    test_case.check_steps_equal_whole(model, least=0)


@pytest.mark.parametrize(
    ("kinds", "condition_dropout"),
    [
        (("label",), 0.0),
        (("label", "embedding"), 0.5),
        (("embedding", "spatial"), 0.5),
        ((*KINDS,), 0.0),
    ],
    ids=str,
)
def test_seeds_units_and_export(kinds, condition_dropout, tmp_path):
    model = small_model(
        kinds, (4, 3, 3), dropout_rate=0.5, condition_dropout=condition_dropout
    )
    test_case.check_seeds_and_units(model)
    test_case.check_exported(model, tmp_path / "export")


@every_kind
def test_saved_and_loaded_alike(kinds, tmp_path):
    model = small_model(kinds, (4, 3, 3), condition_dropout=0.25)
    images = random_images(model, 3)
    loaded = test_case.check_saved(model, tmp_path, images)
    given = random_conditions(model, 3)
    np.testing.assert_array_equal(
        test_case.stepped_parameters(loaded, images, **given),
        test_case.stepped_parameters(model, images, **given),
    )
    if kinds == (*KINDS,):
        np.testing.assert_array_equal(
            loaded.sample(seed=1, **given), model.sample(seed=1, **given)
        )


@every_kind
@pytest.mark.parametrize(("shape", "levels"), [((2, 2, 1), 3), ((1, 2, 3), 2)])
def test_probabilities_of_all_images_sum_to_1_under_any_condition(kinds, shape, levels):
    model = small_model(kinds, shape, levels, condition_dropout=0.1)
    for seed in (0, 1):
        given = random_conditions(model, 1, seed)
        test_case.check_normalised(
            model, **{name: value[0] for name, value in given.items()}
        )
    test_case.check_normalised(model)  # the unconditional model


@pytest.mark.parametrize(
    ("kinds", "sampler"),
    [
        (("label",), "incremental"),
        (("embedding",), "ancestral"),
        (("spatial",), "incremental"),
        ((*KINDS,), "ancestral"),
    ],
)
def test_sample_counts_match_log_prob_under_a_condition(kinds, sampler):
    model = small_model(kinds, (1, 2, 3), 2)
    given = {name: value[0] for name, value in random_conditions(model, 1).items()}
    test_case.check_sample_counts(model, 10_000, sampler, **given)


@some_kinds
def test_both_samplers_draw_the_same_images(kinds):
    model = small_model(kinds, (4, 3, 3), condition_dropout=0.1)
    given = random_conditions(model, 4)
    ways = [{"guidance_scale": 1.7, "top_p": 0.9}]
    for options in [{}, *ways] if kinds == (*KINDS,) else ways:
        steps = model.sample(seed=5, sampler="incremental", **given, **options)
        whole = model.sample(seed=5, sampler="ancestral", **given, **options)
        assert np.all(steps.numpy() == whole.numpy(), axis=(1, 2, 3)).sum() >= 3


@each_kind
def test_each_example_has_its_own_condition(kind):
    """A batch of mixed conditions scores and draws as each of them alone."""
    model = small_model([kind], (4, 3, 3))
    images, given = random_images(model, 3), random_conditions(model, 3)
    together = model.log_prob(images, **given)
    drawn = model.sample(seed=[4, 5, 6], **given).numpy()
    assert np.ptp(model.log_prob(images[[0, 0, 0]], **given)) > 0.1
    for i in range(3):
        own = {name: value[i] for name, value in given.items()}
        np.testing.assert_allclose(
            model.log_prob(images[i : i + 1], **own), together[i : i + 1], rtol=1e-4
        )
        alone = model.sample(1, seed=[4 + i], **own).numpy()[0]
        assert np.mean(alone == drawn[i]) > 0.9


@each_kind
def test_the_condition_reaches_every_pixel(kind):
    model = small_model([kind], (5, 4, 1))
    image = random_images(model, 1)
    given = random_conditions(model, 4)
    if kind == "label":
        given = {"label": np.array([0, 1, 2, 0])}
    outputs = model({"image": np.repeat(image, 4, axis=0), **given}).numpy()
    assert np.all(np.ptp(outputs, axis=0).max(axis=-1) > 0)


def test_the_map_is_not_masked():
    """Pixels see the map to their right and below them, too, and all see some of it."""
    model = small_model(["spatial"], (4, 4, 1), 5, 7, spatial_shape=(4, 4, 1))
    maps = tf.random.normal([1, 4, 4, 1])
    with tf.GradientTape() as tape:
        tape.watch(maps)
        outputs = model({"image": tf.zeros([1, 4, 4, 1]), "spatial": maps})
        outputs = tf.reduce_sum(outputs**2, axis=[3, 4])
    reach = np.abs(tape.jacobian(outputs, maps).numpy()[0, :, :, 0, :, :, 0])
    assert reach[1, 1, 1, 2] > 0 and reach[1, 1, 2, 1] > 0  # what comes after
    assert np.all(reach.max(axis=(2, 3)) > 0)  # from every pixel
    assert np.all(reach.max(axis=(0, 1)) > 0)  # to every place of the map
    assert np.all(reach[3, 3] > 0)  # the last pixel sees the whole


def test_the_condition_alone_is_computed_once_and_not_in_the_pixel_loop():
    """The layers of conditions are called before the loops and once a row."""
    model = small_model(KINDS, (4, 4, 1))
    calls = []
    for layer in [model.condition_encoder, *model.conditionings]:

        def call(*args, original=layer.call, **kwargs):
            calls.append(1)
            return original(*args, **kwargs)

        layer.call = call
    given = random_conditions(model, 2)
    pixel_calls = []
    steps = model.scan_steps(model.conditions.prepare(given, 2))
    before = len(calls)
    features, _ = steps.row(tf.constant(0), steps.start_image(1, 2))
    features = [feature[0] for feature in features]
    in_row = len(calls) - before
    cache = steps.start_row(2)
    before = len(calls)
    for column in range(4):
        state = steps.pixel(features, column, cache)
        _, state = steps.channel(None, state)
        cache = steps.finish_pixel(tf.constant([1, 2]), state)
        pixel_calls.append(len(calls) - before)
    assert pixel_calls == [0] * 4
    assert in_row == model.num_blocks  # the map's own row, once a block


@pytest.fixture(scope="module")
def plain():
    """A model without conditions, which takes its weights from others."""
    return small_model([])


class TestConditionDropout:
    """Conditional and unconditional in one model."""

    @every_kind
    def test_without_condition_is_the_same_network_without_its_conditioning(
        self, kinds, plain
    ):
        model = small_model(kinds, condition_dropout=0.1)
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
        if kinds == (*KINDS,):
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

    def test_is_on_in_training_only(self):
        model = small_model(["label"], condition_dropout=0.5)
        features = features_of(model, 64)
        features["image"] = np.repeat(features["image"][:1], 64, axis=0)
        features["label"] = np.ones(64, "int32")
        for training, kinds in ((False, 1), (True, 2)):
            outputs = model(features, training=training).numpy().reshape(64, -1)
            assert len(np.unique(outputs.round(4), axis=0)) == kinds

    def test_trains_both_models(self):
        model = small_model(["label"], condition_dropout=0.5)
        model.compile("adam")
        features = features_of(model, 64)
        before = model.log_prob(**features), model.log_prob(features["image"])
        model.fit(features, epochs=20, verbose=0)
        after = model.log_prob(**features), model.log_prob(features["image"])
        for old, new in zip(before, after):
            assert np.mean(new) > np.mean(old) + 1

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


@each_kind
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_low_precision(kind, policy):
    model = small_model([kind], (4, 4, 3), dtype=policy)
    full = small_model([kind], (4, 4, 3))
    full.set_weights(model.get_weights())
    features = features_of(model, 4)
    assert model(features).dtype == "float32"
    nats = model.log_prob(**features)
    np.testing.assert_allclose(nats, full.log_prob(**features), rtol=0.1)
    test_case.check_steps_equal_whole(model, tolerance=0.2)


@pytest.mark.parametrize("kinds", [*[(kind,) for kind in KINDS], (*KINDS,)])
def test_every_weight_is_trained(kinds):
    model = small_model(kinds, (4, 4, 3), num_blocks=3)
    features = features_of(model, 4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model.log_prob(**features))
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert gradient is not None and np.any(gradient)


def test_config_round_trip():
    model = small_model(KINDS, (4, 3, 2), condition_dropout=0.25)
    copy = test_case.round_trip(model)
    assert copy.get_config() == model.get_config()
    assert copy.count_params() == model.count_params()
    assert copy.spatial_shape == (2, 3, 2) and copy.embedding_dim == 4
    assert copy.condition_dropout == 0.25


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"num_classes": 0}, "num_classes must be an integer of at least 1"),
        ({"num_classes": 2.5}, "num_classes must be an integer of at least 1"),
        ({"embedding_dim": -1}, "embedding_dim must be an integer of at least 1"),
        ({"spatial_shape": (2, 2)}, "spatial_shape must be .height, width, channels"),
        ({"spatial_shape": (2, 0, 1)}, "spatial_shape must be .height, width"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        small_model([], **arguments)


def test_same_under_xla():
    model = small_model(KINDS, (2, 3, 2), num_blocks=1, condition_dropout=0.1)
    given = random_conditions(model, 4)
    expected = model.sample(seed=3, guidance_scale=1.5, top_p=0.9, **given).numpy()
    draw = tf.function(
        lambda: model.sample(seed=3, guidance_scale=1.5, top_p=0.9, **given),
        jit_compile=True,
    )
    assert np.all(draw().numpy() == expected, axis=(1, 2, 3)).sum() >= 3
