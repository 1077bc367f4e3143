import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.layers import GatedPixelCNNBlock
from keras_pixelcnn.layers.gated_block import GatedPixelState
from tests.test_case import check_layer, randomize

SIZE = (2, 4, 5)


def built_block(mask_type, **kwargs):
    block = GatedPixelCNNBlock(6, 3, mask_type, **kwargs)
    features = kwargs.get("color_groups", 1) if mask_type == "A" else 6
    inputs = [tf.random.normal([*SIZE, features]) for _ in range(2)]
    if mask_type == "A":
        inputs[1] = inputs[0]
    block(*inputs)
    return randomize(block), inputs


def gate(features):
    content, opening = tf.split(features, 2, axis=-1)
    return tf.tanh(content) * tf.sigmoid(opening)


@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_is_figure_2_of_the_paper(mask_type):
    block, (vertical, horizontal) = built_block(mask_type)
    before_gate = block.vertical_conv(vertical)
    link = tf.einsum("bhwi,io->bhwo", before_gate, block.link.kernel[0, 0])
    gated = gate(block.horizontal_conv(horizontal) + link)
    expected_horizontal = tf.einsum("bhwi,io->bhwo", gated, block.residual.kernel[0, 0])
    if mask_type == "B":
        expected_horizontal += horizontal
    expected_skip = block.skip.bias + tf.einsum(
        "bhwi,io->bhwo", gated, block.skip.kernel[0, 0]
    )
    outputs = block(vertical, horizontal)
    expected = (gate(before_gate), expected_horizontal, expected_skip)
    for ours, theirs in zip(outputs, expected):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def conditioning_of(block, *size):
    return tf.random.normal([*size, block.conditioning_filters])


@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_conditioning_is_added_inside_both_gates(mask_type):
    """Equation 4: to tanh and to sigmoid, of both stacks, and nowhere else."""
    block, inputs = built_block(mask_type)
    conditioning = conditioning_of(block, SIZE[0], 1, 1)
    before_gate = block.vertical_conv(inputs[0])
    for_vertical, for_horizontal = tf.split(conditioning, 2, axis=-1)
    outputs = block(*inputs, conditioning)
    np.testing.assert_allclose(outputs[0], gate(before_gate + for_vertical), atol=1e-5)
    before_gate = block.horizontal_conv(inputs[1]) + block.link(before_gate)
    skip = block.skip(gate(before_gate + for_horizontal))
    np.testing.assert_allclose(outputs[2], skip, atol=1e-5)


def test_type_a_keeps_no_residual():
    block, (image, _) = built_block("A")
    block.residual.kernel.assign(tf.zeros_like(block.residual.kernel))
    np.testing.assert_array_equal(block(image, image)[1], tf.zeros([*SIZE, 6]))


def test_residual_is_added_once_however_deep():
    features = tf.random.normal([*SIZE, 6])
    vertical, horizontal = features, features
    for _ in range(10):
        block = GatedPixelCNNBlock(6, 3, "B")
        block.build(features.shape, features.shape)
        block.residual.kernel.assign(tf.zeros_like(block.residual.kernel))
        vertical, horizontal, _ = block(vertical, horizontal)
    np.testing.assert_array_equal(horizontal, features)


def test_nothing_flows_from_horizontal_to_vertical():
    block, (vertical, horizontal) = built_block("B")
    with tf.GradientTape() as tape:
        tape.watch(horizontal)
        output = tf.reduce_sum(block(vertical, horizontal)[0])
    assert tape.gradient(output, horizontal) is None


def test_skip_only_gives_the_same_skip_and_has_no_residual():
    block, inputs = built_block("B")
    last = GatedPixelCNNBlock(6, 3, "B", skip_only=True)
    last.build(*(x.shape for x in inputs))
    assert last.residual is None
    for weight in last.trainable_weights:
        (same,) = [
            w
            for w in block.trainable_weights
            if w.path.split("/")[-2:] == weight.path.split("/")[-2:]
        ]
        weight.assign(same)
    np.testing.assert_array_equal(last(*inputs), block(*inputs)[2])


def test_dropout_acts_in_training_only():
    block, inputs = built_block("B", dropout_rate=0.5)
    without = block(*inputs, training=False)
    np.testing.assert_array_equal(without[0], block(*inputs)[0])
    dropped = block(*inputs, training=True)
    share = np.mean(dropped[0].numpy() == 0)
    assert 0.3 < share < 0.7
    assert not np.allclose(dropped[2], without[2])


@pytest.mark.parametrize("mask_type", ["A", "B"])
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("conditioned", [None, (1, 1), SIZE[1:]])
def test_steps_equal_whole(mask_type, groups, conditioned):
    block, (vertical, horizontal) = built_block(mask_type, color_groups=groups)
    conditioning = conditioned and conditioning_of(block, SIZE[0], *conditioned)
    expected = block(vertical, horizontal, conditioning)

    def conditioning_of_rows(first, count):
        whole = conditioned == (1, 1)
        return conditioning if whole else conditioning[:, first : first + count]

    rows = block.row_steps(conditioned and conditioning_of_rows)
    pixels = block.pixel_steps()
    skip = block.skip.group_steps()
    by_row = tf.transpose(vertical, [1, 2, 0, 3])[:, tf.newaxis]
    row_cache = rows.initial_cache(1, SIZE[2], SIZE[0])
    newest = tf.zeros_like(by_row[0])
    found = [[], [], []]
    for row in range(SIZE[1]):
        newest = by_row[row] if mask_type == "B" else newest
        (row_output,), (links,), row_cache = rows(row, newest, row_cache)
        newest = by_row[row]
        found[0].append(tf.transpose(row_output, [1, 0, 2]))
        left = [tf.zeros([SIZE[0], pixels.features])] * pixels.num_taps
        for column in range(SIZE[2]):
            link = links[column]
            link = tuple(tf.unstack(link)) if groups > 1 else (link,)
            state = GatedPixelState(link, tuple(left))
            inputs = tf.split(horizontal[:, row, column], groups, axis=-1)
            shown = inputs if mask_type == "B" else [None, *inputs[:-1]]
            outputs, skips = [], []
            for features in shown:
                output, state = pixels.group(features, state)
                outputs.append(output)
                skips.append(skip(state.gated))
            found[1].append(tf.concat(outputs, -1))
            found[2].append(tf.concat(skips, -1))
            left = [*left, horizontal[:, row, column]][1:]
    np.testing.assert_allclose(tf.stack(found[0], 1), expected[0], atol=1e-5)
    for ours, theirs in zip(found[1:], expected[1:]):
        ours = tf.reshape(tf.stack(ours, 1), theirs.shape)
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_many_rows_at_once_equal_the_whole(mask_type):
    block, (vertical, horizontal) = built_block(mask_type)
    conditioning = conditioning_of(block, *SIZE)
    expected = block(vertical, horizontal, conditioning)[0]
    rows = block.row_steps(lambda first, count: conditioning[:, first : first + count])
    # Rows 2 and 3: type A sees the rows above, type B its own, too.
    last = 3 if mask_type == "A" else 4
    window = vertical[:, last - rows.height - 1 : last]
    np.testing.assert_allclose(rows.rows(2, window), expected[:, 2:], atol=1e-5)


@pytest.mark.parametrize("skip_only", [True, False])
def test_standard_checks(skip_only):
    block = GatedPixelCNNBlock(
        6, 3, "B", skip_filters=9, color_groups=3, skip_only=skip_only
    )
    outputs = check_layer(block, *[tf.random.normal([*SIZE, 6])] * 2)
    assert [x.shape[-1] for x in outputs] == ([9] if skip_only else [6, 6, 9])
    conditioning = conditioning_of(block, 2, 1, 1)
    check_layer(block, *[tf.random.normal([*SIZE, 6])] * 2, conditioning)


def test_refuses():
    with pytest.raises(ValueError, match="filters must be a positive multiple of 3"):
        GatedPixelCNNBlock(8, 3, "B", color_groups=3)
    with pytest.raises(ValueError, match="must have filters=6 features"):
        GatedPixelCNNBlock(6, 3, "B")(tf.zeros([1, 2, 2, 4]), tf.zeros([1, 2, 2, 4]))
