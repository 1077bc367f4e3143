import numpy as np

from keras_pixelcnn.layers.color_groups import color_group_mask


def test_mask_of_three_channels():
    a = color_group_mask(3, 6, color_groups=3, mask_type="A")
    b = color_group_mask(3, 6, color_groups=3, mask_type="B")
    np.testing.assert_array_equal(
        a, [[0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0]]
    )
    np.testing.assert_array_equal(
        b, [[1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1]]
    )


def test_mask_of_one_group_is_open_or_shut():
    assert not color_group_mask(4, 4, color_groups=1, mask_type="A").any()
    assert color_group_mask(4, 4, color_groups=1, mask_type="B").all()
