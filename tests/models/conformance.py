"""The contract of every autoregressive model, as one class of tests.

A model's own test file derives from `ModelConformance` and overrides three methods:
`make_model` (a small model), `expected_dependencies` (which values each channel may
depend on) and `reference` (the parameters by NumPy). Class attributes say what the
family does not have. All else is checked here through the public interface alone.
"""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.receptive_field import network_of_encoded
from tests import test_case
from tests.models.graph_flops import flops_of_graph
from tests.test_case import random_conditions, random_images, randomize

MIXTURE = {"likelihood": {"name": "logistic_mixture", "num_mixtures": 3}}
CONDITIONS = {"num_classes": 3, "embedding_dim": 2, "spatial_shape": (2, 3, 1)}
OPTIONAL = {**CONDITIONS, "condition_dropout": 0.2}
VECTORS = {"input_encoding": "embedding", "input_embedding_dim": 3}

CASES = {
    "grey": ((4, 3, 1), 5, {}),
    "RGB, conditions": ((3, 2, 3), 5, OPTIONAL),
    "grey mixture": ((3, 4, 1), 40, MIXTURE),
    "RGB mixture, conditions": ((3, 2, 3), 256, {**MIXTURE, **OPTIONAL}),
}
"""Shape, levels and other arguments: each likelihood, with grey and coloured images."""


def assert_mostly_same(ours, theirs):
    """Checks that images are equal, but for one, where a draw may lie on an edge."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    same = np.all(ours == theirs, axis=tuple(range(1, ours.ndim)))
    assert same.sum() >= len(ours) - 1


def encode(model, images):
    """Encodes images as the network takes them: intensities in [-1, 1], or vectors."""
    if model.input_encoding == "embedding":
        return model.get_layer("encoding")(images).numpy()
    return images.astype("float32") * 2 / (model.num_levels - 1) - 1


def verb_inputs(model, count=4):
    """Makes a batch of every input that a verb takes: tensors by name."""
    generator = np.random.default_rng(3)
    given = random_conditions(model, count)
    specs = model.conditions.tensor_specs()
    mask = generator.random((count, *model.image_shape)) < 0.4
    mask[:, 0] = True
    return {
        "image": tf.constant(random_images(model, count), tf.int32),
        "mask": tf.constant(mask),
        "seed": kp.example_seeds(2, count),
        **{name: tf.constant(given[name], specs[name].dtype) for name in given},
    }


def sampling_options(model):
    """Returns options of `complete`: the same in all checks, which share its graph."""
    guidance = {"guidance_scale": 1.5} if model.conditions.optional else {}
    return {"top_p": 0.95, **guidance}


@pytest.mark.op_by_op
class ModelConformance:
    """What every autoregressive model owes; a subclass says which model it is."""

    cases = CASES
    """The models that every check by the fixture `built_model` runs on, by name."""

    odd_cases = (((1, 1, 1), 2, {}), ((1, 9, 2), 5, {}), ((6, 5, 3), 256, {}))
    """Further shapes, levels and arguments, for dependencies and steps."""

    steps_of = staticmethod(lambda model: True)
    """Whether a model of this class can be run step by step."""

    scale = 0.5
    """How far the weights of models are moved from their initial values."""

    dropout = types.MappingProxyType({"dropout_rate": 0.3})
    """The argument that switches dropout on; empty where there is none."""

    epochs = 12
    """How many it takes to learn pairs of equal columns."""

    most_channels = 2
    """The most channels that models of the categorical likelihood are tried with."""

    takes_conditions = True
    """Whether the models take labels, embeddings and maps."""

    can_checkpoint = True
    """Whether the models have the argument `gradient_checkpointing`."""

    of_export = types.MappingProxyType({})
    """Arguments of the model that is exported."""

    low_precision = "mixed_bfloat16"
    """The dtype policy of the test of mixed precision."""

    static_graphs = False
    """Whether verbs are tried in graphs that know the size of the batch."""

    flops_in_graph = True
    """False where products run in loops; the model's file then counts them by hand."""

    def make_model(self, image_shape, num_levels, **arguments):
        """A small model with initial weights."""
        raise NotImplementedError

    def expected_dependencies(self, model):
        """Booleans of what `kp.dependencies` must find, counted by hand."""
        raise NotImplementedError

    def reference(self, model, image):
        """The parameters of encoded images, (batch, height, width, n), by NumPy."""
        raise NotImplementedError

    def random_model(self, image_shape, num_levels, **arguments):
        """A small model with weights far from their initial values."""
        model = self.make_model(image_shape, num_levels, **arguments)
        mixture = model.pixel_likelihood.name == "logistic_mixture"
        return randomize(model, scale=min(self.scale, 0.3) if mixture else self.scale)

    def check_dependencies(self, model):
        expected = self.expected_dependencies(model)
        _, width, channels = model.image_shape
        order = np.concatenate(
            [
                ((places @ (width, 1) * channels)[:, np.newaxis] + drawn).ravel()
                for places, drawn in model.scan_passes
            ]
        )
        flat = expected.reshape(model.num_dims, model.num_dims)[order][:, order]
        assert not np.triu(flat).any()  # nothing of what comes later, nor itself
        np.testing.assert_array_equal(kp.dependencies(model), expected)

    def check_steps(self, model, **tolerances):
        if self.steps_of(model):
            mixture = model.pixel_likelihood.name == "logistic_mixture"
            tolerances = {"tolerance": 1e-3 if mixture else 2e-4, **tolerances}
            test_case.check_steps_equal_whole(model, **tolerances)

    def pytest_generate_tests(self, metafunc):
        """Graphs, which take seconds to make, are made of the last case alone."""
        if "built_model" in metafunc.fixturenames:
            in_graphs = metafunc.definition.get_closest_marker("op_by_op").args
            names = [*self.cases][-1:] if in_graphs == (False,) else [*self.cases]
            metafunc.parametrize("built_model", names, indirect=True)

    # Of models of each likelihood, with grey and coloured images.

    def test_depends_on_exactly_what_comes_before(self, built_model):
        """No leak and no unplanned blind spot; G sees its own R."""
        self.check_dependencies(built_model)

    def check_reference(self, model):
        images = random_images(model, 2)
        expected = self.reference(model, encode(model, images))
        found = np.reshape(model(images), expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)

    def test_equals_the_reference(self, built_model):
        self.check_reference(built_model)

    def test_steps_equal_whole(self, built_model):
        self.check_steps(built_model)

    def test_scores_are_the_reference_in_nats(self, built_model):
        test_case.check_nats(built_model)

    def test_all_samplers_complete_alike(self, built_model, request):
        """With known rows at the top, columns at a row's end and single channels.

        The default is compared with a pass for each value in the first case, and where
        it has no steps; in the others with as few passes as the noise needs.
        """
        images = random_images(built_model, 4)
        given = random_conditions(built_model, 4)
        mask = np.random.default_rng(1).random(images.shape) < 0.2
        mask[:, 0] = mask[1:, 1] = mask[:, -1, 1:] = True
        options = {"seed": 5, **sampling_options(built_model), **given}
        is_first = request.node.callspec.id == next(iter(self.cases))
        one_by_one = is_first or not built_model.has_scan_steps
        default, others = (
            built_model.complete(images, mask, sampler=sampler, **options).numpy()
            for sampler in (None, "ancestral" if one_by_one else "fixed_point")
        )
        assert_mostly_same(default, others)
        np.testing.assert_array_equal(default[mask], images[mask])
        assert np.any(default != images)

    @pytest.mark.op_by_op(False)
    def test_verbs_give_the_same_in_graphs(self, built_model):
        """Of an unknown batch size, or of static shapes where `static_graphs` says so.

        Verbs that lean on these two have tests in graphs of their own.
        """

        def answer(image, mask, seed, **given):
            options = {**sampling_options(built_model), **given}
            return {
                "log_prob": built_model.log_prob(image, **given),
                "complete": built_model.complete(image, mask, seed, **options),
            }

        inputs = verb_inputs(built_model)
        specs = {
            name: tf.TensorSpec([None, *value.shape[1:]], value.dtype)
            for name, value in inputs.items()
        }
        with test_case.op_by_op():
            expected = answer(**inputs)
        signature = None if self.static_graphs else [specs]
        found = tf.function(lambda x: answer(**x), input_signature=signature)(inputs)
        np.testing.assert_allclose(
            found["log_prob"], expected["log_prob"], rtol=1e-4, atol=1e-4
        )
        assert_mostly_same(found["complete"], expected["complete"])

    def test_saves_and_loads(self, built_model, tmp_path):
        test_case.check_saved(built_model, tmp_path, random_images(built_model, 2))

    def test_conditions_reach_every_pixel_of_their_own_example(self, built_model):
        given, images = random_conditions(built_model, 3), random_images(built_model, 1)
        images = np.repeat(images, 3, axis=0)
        whole = built_model({"image": images, **given})
        for name, value in given.items():
            other = np.array(value)
            other[1] = (other[1] + 1) % 3 if name == "label" else other[1] + 1
            if name == "caption":
                other[1] = other[1, 0] % 4 + 2  # each word another one, the same
            changed = built_model({"image": images, **given, name: other})
            differs = np.any(np.reshape(changed != whole, (*whole.shape[:3], -1)), -1)
            assert differs[1].all() and not differs[[0, 2]].any()

    def test_flops_are_the_open_products_of_the_graph(self, built_model):
        if self.flops_in_graph:
            assert built_model.flops() == flops_of_graph(built_model)

    # Of single models.

    def test_seeds_and_units(self):
        test_case.check_seeds_and_units(self.random_model((3, 2, 1), 5))

    def test_shapes_levels_and_kernels(self):
        for shape, levels, arguments in self.odd_cases:
            model = self.random_model(shape, levels, **arguments)
            self.check_dependencies(model)
            self.check_steps(model, least=0)
            if self.flops_in_graph:
                assert model.flops() == flops_of_graph(model)

    def test_values_may_go_in_as_learned_vectors(self, tmp_path):
        model = self.random_model((3, 4, self.most_channels), 5, **VECTORS)
        self.check_dependencies(model)
        self.check_reference(model)
        images = random_images(model, 2)
        self.check_steps(test_case.check_saved(model, tmp_path, images))
        if self.flops_in_graph:
            assert model.flops() == flops_of_graph(model)

    def test_stays_causal(self, tmp_path):
        """After training by `fit` and by a plain loop, and when loaded."""
        model = self.make_model((4, 3, 3), 5, **self.dropout)
        images = random_images(model, 4)
        model.compile("adam")
        model.fit(images, batch_size=4, verbose=0)
        optimizer = keras.optimizers.SGD(0.1)
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(model.log_prob(images))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        loaded = test_case.check_saved(model, tmp_path, images)
        self.check_dependencies(loaded)

    def test_dropout_opens_no_way(self):
        model = self.random_model((4, 3, 3), 5, **self.dropout)
        expected = self.expected_dependencies(model)
        found = kp.dependencies(model, training=True, tries=8)
        assert not found[~expected].any()
        assert found.sum() >= 0.98 * expected.sum()

    def test_images_of_a_batch_do_not_see_each_other(self):
        """Not even in training mode, as by batch normalisation they would."""
        model = self.random_model((3, 3, 3), 5, **self.dropout)
        network = network_of_encoded(model)
        images = tf.random.stateless_normal([3, 3, 3, 3], [1, 2])
        for training in (True, False):
            with tf.GradientTape() as tape:
                tape.watch(images)
                output = tf.reduce_sum(network(images, {}, training)[1] ** 2)
            gradient = tape.gradient(output, images).numpy()
            assert gradient[1].any()
            assert not gradient[0].any() and not gradient[2].any()

    def tiny_models(self):
        """Models so small that all their images can be listed, with conditions."""
        for likelihood in ({}, MIXTURE):
            arguments = OPTIONAL if self.takes_conditions else {}
            model = self.random_model((1, 2, 3), 2, **likelihood, **arguments)
            given = random_conditions(model, 1)
            yield model, {name: value[0] for name, value in given.items()}

    def test_probabilities_of_all_images_sum_to_1(self):
        for model, given in self.tiny_models():
            test_case.check_normalised(model, **given)
            if given:
                test_case.check_normalised(model)
        for likelihood in ({}, MIXTURE):
            test_case.check_normalised(self.random_model((2, 2, 1), 4, **likelihood))

    def test_sample_counts_match_log_prob(self):
        """Neither the most likely image nor another distribution is drawn."""
        model, given = next(self.tiny_models())
        test_case.check_sample_counts(model, 4_000, **given)

    @pytest.mark.op_by_op(False)
    def test_exported_signatures_answer_as_python_does(self, tmp_path):
        model = self.random_model((2, 3, 1), 5, **self.of_export)
        names = ["sample", "log_prob"]
        test_case.check_exported(model, tmp_path / "export", signatures=names)

    def test_the_likelihood_stays_float32_under_mixed_precision(self, tmp_path):
        policy = self.low_precision
        model = self.random_model((3, 4, 3), 5, dtype=policy)
        images = random_images(model, 3)
        assert model(images).dtype == "float32"
        last = model.get_layer("parameters")
        assert last.compute_dtype == "float32"  # not only cast at the end
        low = policy.removeprefix("mixed_")
        assert any(layer.compute_dtype == low for layer in model.layers)
        assert model.log_prob(images).dtype == tf.float32
        full = self.make_model((3, 4, 3), 5)
        full.set_weights(model.get_weights())
        nats = full.log_prob(images)
        np.testing.assert_allclose(model.log_prob(images), nats, rtol=0.1)
        self.check_steps(model, tolerance=0.2)
        model = test_case.check_saved(model, tmp_path, images)
        assert model.dtype_policy.name == policy
        model.compile("adam")
        scales = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        assert scales == (policy == "mixed_float16")  # by Keras, and not lost by ours
        loss = model.fit(images, verbose=0).history["loss"][0]
        assert np.isfinite(loss)

    def gradients(self, gradient_checkpointing):
        """The gradients of a loss in training mode, with all conditions and dropout."""
        keras.utils.set_random_seed(0)
        arguments = {**self.dropout, **(OPTIONAL if self.takes_conditions else {})}
        if self.can_checkpoint:
            arguments["gradient_checkpointing"] = gradient_checkpointing
        model = self.random_model((4, 4, 3), 5, **arguments)
        features = {"image": random_images(model, 4), **random_conditions(model, 4)}
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(features, training=True) ** 2)
        variables = [variable.value for variable in model.trainable_variables]
        return tape.gradient(loss, variables)

    def test_gradient_checkpointing_changes_no_gradient(self):
        """And every weight has one: else a layer would lead nowhere."""
        kept = self.gradients(False)
        for gradient in kept:
            assert gradient is not None and np.any(gradient)
        if self.can_checkpoint:
            for ours, theirs in zip(self.gradients(True), kept, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)

    @pytest.mark.op_by_op(False)
    def test_training_lowers_the_loss_and_xla_computes_the_same(self):
        """Pairs of equal columns: half the bits are free.

        From a data set that holds text, too, which XLA cannot compile.
        """
        generator = np.random.default_rng(0)
        images = np.repeat(generator.integers(0, 4, (64, 4, 2, 1)), 2, axis=2)
        examples = {"image": images, "id": ["train_1"] * 64}
        dataset = tf.data.Dataset.from_tensor_slices(examples).batch(16)
        losses = []
        for by_xla in (False, True):
            keras.utils.set_random_seed(0)
            model = self.make_model((4, 4, 1), 4)
            optimizer = keras.optimizers.SGD(0.15, momentum=0.9)
            model.compile(optimizer, jit_compile=by_xla, run_eagerly=not by_xla)
            history = model.fit(dataset, epochs=self.epochs if by_xla else 1, verbose=0)
            losses.append(history.history["bits_per_dim"])
        assert losses[1][0] > 1.7 and losses[1][-1] < 1.6
        np.testing.assert_allclose(losses[0], losses[1][:1], rtol=1e-3)

    def test_refuses_what_no_model_takes(self):
        wrong = [("filters", 0), *(("num_blocks", x) for x in (0, 1.5, True, "2"))]
        if self.dropout:
            wrong += [("dropout_rate", x) for x in (1.0, -0.5, "a", None, True)]
        for arguments, sentence in [
            *(({name: x}, f"{name} must be .*{x!r}") for name, x in wrong),
            ({"num_levels": 1}, "num_levels must be"),
            ({"num_levels": 2.5}, "num_levels must be an integer.*2.5"),
            ({"num_levels": "5"}, "num_levels must be an integer.*'5'"),
            ({"num_levels": True}, "num_levels must be an integer.*True"),
            ({"image_shape": (4, 4)}, "image_shape must be"),
            ({"image_shape": (0, 4, 1)}, "image_shape must be"),
            ({"image_shape": (4, 4.5, 1)}, "image_shape must be"),
            ({"image_shape": (4, True, 1)}, "image_shape must be"),
            ({"likelihood": "normal"}, "likelihood must be one of"),
            ({"input_encoding": "one_hot"}, "input_encoding must be one of.*'one_hot'"),
            ({"input_embedding_dim": 8}, 'belongs to input_encoding="embedding".*=8'),
            ({**VECTORS, "input_embedding_dim": 0}, "integer of at least 1.*=0"),
            ({**VECTORS, **MIXTURE}, 'without an order.*Use likelihood="categorical"'),
        ]:
            given = {"image_shape": (4, 4, 1), "num_levels": 5, **arguments}
            with pytest.raises(ValueError, match=sentence):
                self.make_model(**given)
        with pytest.raises(TypeError, match="blocs"):
            self.make_model((4, 4, 1), 5, blocs=3)
