import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import ConditionEncoder, GateConditioning
from keras_pixelcnn.layers.conditioning import project
from tests.test_case import check_layer, randomize, round_trip


def inputs_of_all_kinds(batch=4):
    return {
        "label": tf.constant([0, 2, 1, 2][:batch]),
        "embedding": tf.random.normal([batch, 3]),
        "spatial": tf.random.normal([batch, 2, 3, 2]),
    }


class TestConditionEncoder:
    def test_gives_one_hot_vector_and_map(self):
        encoder = ConditionEncoder((5, 7), num_classes=3, map_filters=6)
        inputs = inputs_of_all_kinds()
        features = encoder(inputs)
        np.testing.assert_array_equal(features["label"], np.eye(3)[[0, 2, 1, 2]])
        np.testing.assert_array_equal(features["embedding"], inputs["embedding"])
        assert features["spatial"].shape == (4, 5, 7, 6)

    def test_standard_checks(self):
        check_layer(ConditionEncoder((5, 7), 3, map_filters=6), inputs_of_all_kinds())

    @pytest.mark.parametrize("label", [3, -1, -2, 100])
    def test_label_out_of_range_is_not_a_number(self, label):
        """And so is then the loss, which names the step."""
        features = ConditionEncoder((5, 7), 3)({"label": tf.constant([label, 1])})
        assert np.isnan(features["label"][0]).all()
        np.testing.assert_array_equal(features["label"][1], [0, 1, 0])

    def test_without_condition_all_features_are_zero(self):
        encoder = ConditionEncoder((5, 7), 3, dropout_rate=0.5)
        inputs = inputs_of_all_kinds()
        inputs["has_condition"] = tf.constant([1, 0, 1, 1])
        inputs["label"] = tf.constant([0, 2, -1, 2])
        for value in encoder(inputs).values():
            zero = np.all(value.numpy() == 0, axis=tuple(range(1, value.shape.rank)))
            assert zero.tolist() == [False, True, True, False]

    def test_whole_conditions_are_dropped_in_training_only(self):
        encoder = ConditionEncoder((4, 4), 2, dropout_rate=0.3, seed=1)
        inputs = {
            "label": tf.ones([2000], tf.int32),
            "embedding": tf.ones([2000, 2]),
            "has_condition": tf.ones([2000], tf.int32),
        }
        for training in (False, None):
            assert np.all(encoder(inputs, training=training)["embedding"] == 1)
        features = encoder(inputs, training=True)
        kept = features["embedding"][:, 0].numpy()
        assert 0.66 < kept.mean() < 0.74
        np.testing.assert_array_equal(features["label"][:, 1], kept)
        again = encoder(inputs, training=True)["embedding"][:, 0].numpy()
        assert not np.array_equal(again, kept)


class TestGateConditioning:
    def features(self):
        return {
            "label": tf.one_hot([0, 2], 3),
            "embedding": tf.random.normal([2, 4]),
            "spatial": tf.random.normal([2, 5, 3, 6]),
        }

    def test_is_equations_4_and_5(self):
        layer, features = GateConditioning(8), self.features()
        layer(features)
        randomize(layer)
        label, embedding, spatial = (
            layer.projections[name].kernel.numpy() for name in features
        )
        expected = np.einsum("bhwi,io->bhwo", features["spatial"], spatial)
        expected += (label[[0, 2]] + features["embedding"].numpy() @ embedding)[
            :, None, None
        ]
        np.testing.assert_allclose(layer(features), expected, atol=1e-5)

    @pytest.mark.parametrize("names", [["spatial"], ["label", "spatial"]])
    def test_a_map_that_is_deferred_is_projected_by_the_block(self, names):
        features = self.features()
        features = {name: features[name] for name in names}
        layer = GateConditioning(8, defers_maps=True)
        deferred = layer(features)
        (kept,) = deferred.maps
        assert kept is features["spatial"]
        plain = GateConditioning(8)
        plain(features)
        plain.set_weights(layer.get_weights())
        np.testing.assert_allclose(project(deferred), plain(features), atol=1e-5)
        np.testing.assert_array_equal(project(plain(features)), plain(features))

    def test_standard_checks(self):
        check_layer(GateConditioning(8), self.features())
        deferring = GateConditioning(8, defers_maps=True)
        assert round_trip(deferring).defers_maps
