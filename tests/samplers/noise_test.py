import numpy as np
import tensorflow as tf

from keras_pixelcnn.samplers import (
    example_normals,
    example_seeds,
    example_uniforms,
    normals_of_bits,
)

SHAPE = (4, 3, 3)
PINNED_SEEDS = [-2228718385069517736, 7464880146280614444]
PINNED_UNIFORMS = [0.9040595293045044, 0.5966014862060547, 0.9953130483627319]


def test_noise_of_an_example_depends_on_its_seed_alone():
    seeds = tf.constant([7, -5, 2**62, 0, 7], tf.int64)
    together = example_uniforms(seeds, SHAPE).numpy()
    for index, seed in enumerate(seeds):
        alone = example_uniforms(seed[tf.newaxis], SHAPE).numpy()
        np.testing.assert_array_equal(together[index], alone[0])
    assert len(np.unique(together)) == 4 * 4 * 3 * 3  # two seeds are the same


def test_seed_of_an_example_does_not_depend_on_how_many_there_are():
    many = example_seeds(3, 100).numpy()
    np.testing.assert_array_equal(example_seeds(3, 5), many[:5])
    assert len({*many, *example_seeds(4, 100).numpy()}) == 200


def test_same_under_xla_and_in_a_graph():
    def draw(seed):
        seeds = example_seeds(seed, 6)
        return seeds, example_uniforms(seeds, SHAPE)

    seed = tf.constant(-9, tf.int64)
    expected = draw(seed)
    for jit_compile in (False, True):
        found = tf.function(draw, jit_compile=jit_compile)(seed)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


def test_is_pinned():
    """A change of these numbers changes every image that a seed stands for."""
    assert example_seeds(1, 2).numpy().tolist() == PINNED_SEEDS
    found = example_uniforms(tf.constant([1], tf.int64), [3]).numpy()[0]
    np.testing.assert_array_equal(found, np.array(PINNED_UNIFORMS, "float32"))


def test_is_uniform():
    from scipy import stats

    noise = example_uniforms(example_seeds(0, 20), (12, 10, 3)).numpy()
    assert noise.min() >= 0 and noise.max() < 1
    assert stats.kstest(noise.ravel(), "uniform").pvalue > 0.01


def test_channels_do_not_share_their_noise():
    noise = example_uniforms(example_seeds(0, 20), (5, 5, 3)).numpy().reshape(-1, 3)
    correlation = np.corrcoef(noise.T)
    assert np.abs(correlation - np.eye(3)).max() < 0.15


def test_normals_are_normal_and_independent_of_the_uniforms():
    from scipy import stats

    seeds, shape = example_seeds(0, 20), (12, 10, 3)
    noise = example_normals(seeds, shape).numpy()
    assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
    uniforms = example_uniforms(seeds, shape).numpy()
    assert abs(np.corrcoef(noise.ravel(), uniforms.ravel())[0, 1]) < 0.05
    np.testing.assert_array_equal(example_normals(seeds[7:8], shape)[0], noise[7])


def test_no_bits_stand_for_an_infinite_number():
    ends = normals_of_bits(tf.constant([0, 2**31, 2**32 - 1], tf.uint32)).numpy()
    assert ends[0] == -ends[2] and 5 < ends[2] < 6
    assert abs(ends[1]) < 1e-6
