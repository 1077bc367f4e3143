"""PixelRNN against the contract of all models, and what its cells see of an image."""

import types

import numpy as np
import pytest

import keras_pixelcnn as kp
from tests.layers import lstm_reference
from tests.models import dependency_sets, masked_reference
from tests.models.conformance import CASES, MIXTURE, ModelConformance


class PixelRNNConformance(ModelConformance):
    """Both kinds of cells: without conditions, dropout and gradient checkpointing."""

    cell: str
    cases = types.MappingProxyType(
        {
            "grey": CASES["grey"],
            "RGB": ((3, 2, 3), 5, {}),
            "RGB mixture": ((3, 2, 3), 256, MIXTURE),
        }
    )
    dropout = types.MappingProxyType({})
    takes_conditions = False
    can_checkpoint = False
    flops_in_graph = False

    def make_model(self, image_shape, num_levels, **arguments):
        channels = image_shape[-1]
        # Wide: ReLUs that are all shut would hide what a test looks for.
        sizes = {"filters": 6 * channels, "head_filters": 12 * channels}
        sizes |= {"num_blocks": 1, "first_kernel_size": 3, "cell": self.cell}
        return kp.PixelRNN(image_shape, num_levels, **{**sizes, **arguments})

    def recurrence(self, layer, features):
        """The outputs of a recurrent layer, by NumPy."""
        raise NotImplementedError

    def reference(self, model, image):
        # Cells from the right begin one column beyond the image.
        beyond = int(self.cell == "diagonal_bilstm")
        image = np.pad(image, [(0, 0), (0, 0), (0, beyond), (0, 0)])
        convolve = masked_reference.masked_convolution
        features = convolve(model.first_convolution, image)
        for block in model.blocks:
            hidden = self.recurrence(block.recurrence, features)
            features = features + convolve(block.upsampling, hidden)
        features = features[:, :, : features.shape[2] - beyond]
        return masked_reference.heads(features, [*model.heads, model.parameters])


class TestRowLSTM(PixelRNNConformance):
    """Cells of whole rows, which see a triangle."""

    cell = "row_lstm"
    odd_cases = (
        ((1, 1, 1), 2, {}),
        ((1, 6, 1), 5, {"num_blocks": 2, "kernel_size": 5}),
        ((6, 1, 2), 5, {"num_blocks": 2}),
        ((3, 4, 3), 5, {"num_blocks": 2, "kernel_size": 5, "first_kernel_size": 5}),
        ((4, 5, 1), 5, {"kernel_size": 1}),
    )
    recurrence = staticmethod(lstm_reference.row_lstm)
    cases = PixelRNNConformance.cases | {"RGB": ((3, 4, 3), 5, {"kernel_size": 5})}

    def expected_dependencies(self, model):
        """What is open from the image to the last block, tap by tap."""
        shape, groups = model.image_shape, model.pixel_likelihood.color_groups
        taps = model.blocks[0].kernel_size // 2

        def input_to_state(up, left, group, other):
            return up == 0 and (0 < left <= taps or (left == 0 and other <= group))

        def state_to_state(up, left, *_):
            return up == 1 and abs(left) <= taps

        first = dependency_sets.masked_convolution(model.first_kernel_size, "A")
        seen = dependency_sets.relation(shape, groups, first)
        inputs = dependency_sets.relation(shape, groups, input_to_state)
        states = dependency_sets.relation(shape, groups, state_to_state)
        for _ in model.blocks:
            hidden = inputs @ seen
            for _ in range(shape[0]):
                hidden = inputs @ seen + states @ hidden > 0
            seen = (seen + hidden > 0).astype(int)
        return dependency_sets.of_channels(shape, groups, seen)


class TestDiagonalBiLSTM(PixelRNNConformance):
    """Cells along the diagonals, which see all that comes before."""

    cell = "diagonal_bilstm"
    # Whole passes draw the images, one a value: the Row LSTM has the other cases.
    cases = types.MappingProxyType(
        {"RGB": ((2, 3, 3), 5, {}), "grey mixture": CASES["grey mixture"]}
    )
    odd_cases = (
        ((1, 1, 1), 2, {}),
        ((1, 6, 1), 5, {"num_blocks": 2}),
        ((6, 1, 2), 5, {"num_blocks": 2}),
        ((3, 9, 1), 5, {}),
        ((3, 4, 3), 5, {"num_blocks": 2}),
    )
    steps_of = staticmethod(lambda model: False)
    recurrence = staticmethod(lstm_reference.diagonal_bilstm)

    def expected_dependencies(self, model):
        return dependency_sets.all_earlier(model.image_shape)


def test_diagonal_bilstm_has_no_steps_and_says_why():
    model = TestDiagonalBiLSTM().make_model((2, 2, 1), 5)
    assert not model.has_scan_steps
    with pytest.raises(ValueError, match=r"diagonals.*fixed_point"):
        model.sample(1, sampler="incremental")
    with pytest.raises(NotImplementedError, match="diagonals"):
        model.scan_steps()


def test_flops_by_hand():
    """Two channels: a quarter of what groups see of their own pixel is closed."""
    rows, diagonals = (
        conformance().make_model((2, 3, 2), 4, filters=4, head_filters=8)
        for conformance in (TestRowLSTM, TestDiagonalBiLSTM)
    )
    first = 2 * 8 * 4 + 2 * 8 // 4  # four taps, and the pixel for the second group
    upsampling = 4 * 8 * 3 // 4
    ends = 8 * 8 * 3 // 4 * 2 + 8 * 8 * 3 // 4
    row_lstm = 8 * 16 * (1 + 3 / 4) + 3 * 4 * 16
    assert rows.flops() == 2 * 6 * (first + row_lstm + upsampling + ends)
    diagonal = 2 * (8 * 16 * 3 / 4 + 2 * 4 * 16)
    # In the network one column more, where the cells from the right begin.
    body = 8 * (first + diagonal + upsampling)
    assert diagonals.flops() == 2 * (body + 6 * ends)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"filters": 8}, "filters must be a positive multiple of 3.*filters=8"),
        ({"head_filters": 8}, "head_filters must be a positive multiple of 3.*=8"),
        ({"cell": "lstm"}, "cell must be one of.*'lstm'"),
        ({"kernel_size": 4}, "kernel_size must be an odd integer.*4"),
        (
            {"cell": "diagonal_bilstm", "kernel_size": 3},
            'belongs to cell="row_lstm".*=3',
        ),
        ({"first_kernel_size": 1}, "odd integer of at least 3"),
    ],
)
def test_refuses(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.PixelRNN(**{"image_shape": (4, 4, 3), "filters": 6, **arguments})
