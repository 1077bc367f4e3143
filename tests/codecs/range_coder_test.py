"""Values to bytes and back by tables."""

import sys

import numpy as np
import pytest

from keras_pixelcnn.codecs.range_coder import (
    PRECISION,
    ValueEncoder,
    frequency_tables,
)


def random_tables(count, num_levels, sharpness=3):
    generator = np.random.default_rng(num_levels)
    weights = generator.random((count, num_levels), "float32") ** sharpness
    return frequency_tables(weights).numpy()


@pytest.mark.parametrize("num_levels", [2, 256])
def test_the_bytes_are_those_that_the_integers_say(num_levels):
    """Were tables rounded again on the way, rare values would cost more or less."""
    tables = np.zeros((2000, num_levels), "float32")
    tables[:, 0] = 2.0**PRECISION - num_levels
    encoder = ValueEncoder()
    encoder.encode(np.ones(2000, "int32"), tables)
    assert abs(8 * len(encoder.finish()) - 2000 * PRECISION) <= 64
    tables = random_tables(2000, num_levels)
    values = np.random.default_rng(0).integers(0, num_levels, 2000).astype("int32")
    encoder = ValueEncoder()
    encoder.encode(values, tables)
    chosen = tables[np.arange(2000), values].astype("float64") + 1
    bits = (PRECISION - np.log2(chosen)).sum()
    assert abs(8 * len(encoder.finish()) - bits) <= 64


def test_without_constriction_it_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "constriction", None)
    with pytest.raises(ImportError, match="pip install constriction"):
        ValueEncoder()
