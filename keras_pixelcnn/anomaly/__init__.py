"""Anomaly scores: how strange an image is to a model.

All scores are made of log probabilities, higher for stranger images. The raw
`likelihood` is unsound; `likelihood_ratio` compares with a background model, trained on
images that `mutate` changed, `input_complexity` with a lossless codec, and `typicality`
with the surprise that is usual. `surprise_map` shows where an image is strange,
`heat_map` colours that. `p_values` tell of any score which single images are strange,
`auroc` how well it works, and `paint_defects` makes faults to be found.
"""

from keras_pixelcnn.anomaly.changed_images import mutate, paint_defects
from keras_pixelcnn.anomaly.maps import heat_map, surprise_map
from keras_pixelcnn.anomaly.scores import (
    auroc,
    input_complexity,
    likelihood,
    likelihood_ratio,
    p_values,
    typicality,
    typicality_threshold,
)

__all__ = [
    "auroc",
    "heat_map",
    "input_complexity",
    "likelihood",
    "likelihood_ratio",
    "mutate",
    "p_values",
    "paint_defects",
    "surprise_map",
    "typicality",
    "typicality_threshold",
]
