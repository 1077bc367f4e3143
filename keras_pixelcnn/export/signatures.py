"""The functions that a server runs: checked in the graph, batch first, no Python.

Every input is checked by operations, which answer INVALID_ARGUMENT with a sentence that
names the input, the rule and what came.
"""

from typing import TYPE_CHECKING

from keras_pixelcnn.export.autoencoding import AutoencodingSignatures
from keras_pixelcnn.export.sampling_signatures import SamplingSignatures
from keras_pixelcnn.export.scoring_signatures import (
    classify_signature,
    log_prob_per_value_signature,
    log_prob_signature,
)
from keras_pixelcnn.export.signature import Signature

if TYPE_CHECKING:
    from keras_pixelcnn.models import ImageModel


def signatures(model: "ImageModel") -> dict[str, Signature]:
    """Makes the signatures of a model, by name.

    All inputs and outputs lead with the batch; an image is (batch, height, width,
    channels), uint8 where the levels fit, else int32.

    - `sample`: seed int64 (batch,), temperature float32 (batch,) to image.
    - `sample_png`: the same to image_bytes string (batch,), PNG files.
    - `sample_from_noise`: noise float32, in [0, 1), of an image's shape, and
      temperature to image. It has no random operations; `sample` is this with
      `keras_pixelcnn.example_uniforms(seed, image_shape)`.
    - `complete`: image int32, mask bool (batch, height, width), True where it is known,
      seed and temperature to image.
    - `complete_png`: image_bytes and mask_bytes string (batch,), PNG files of the
      image's size, the mask white where the image is known and black or transparent
      where it is not, seed and temperature to image_bytes and known_share float32
      (batch,), the share of the pixels that are known: exactly 1 where a mask keeps
      all, and exactly 0 where it keeps nothing.
    - `log_prob`: image int32 to log_prob float32 (batch,), in nats, and bits_per_dim
      float32 (batch,).
    - `log_prob_per_value`: image int32 to log_prob_per_value float32 (batch, height,
      width, channels), in nats, which sum to log_prob: where an image is surprising.
    - `classify`, of models that take labels: image int32 to probabilities float32
      (batch, num_classes) and label int32 (batch,), the likeliest.
    - `interpolate`, of models that take embeddings: embedding_a, embedding_b, position
      float32 (batch,) from 0 to 1, spherical bool (batch,), seed and temperature to
      image.

    All also take the model's conditions, but for those that they find themselves: label
    int32 (batch,), embedding float32 (batch, d), spatial float32 (batch, h', w', c'),
    caption int32 (batch, length), the numbers of words. A model that can do without
    these takes has_condition int32 (batch,) where there is no label to be -1: 1 for the
    rows that have their condition, 0 for others. The PNG signatures are those of models
    of 1, 3 or 4 channels and at most 65,536 levels.

    Those of auto-encoders, whose latents are float32 (batch, latent_dim):

    - `encode`: image int32 to latent.
    - `decode`: latent, seed and temperature to image.
    - `reconstruct`: image, seed and temperature to image: `decode` of `encode`.
    - `interpolate`: image_a, image_b int32, position float32 (batch,) from 0 to 1, seed
      and temperature to image, of the latent that far along the line between theirs.
    - `log_prob`, where the latent is a function of the image: as above, given it.
    - `elbo`, where it is drawn: image and seed to elbo float32 (batch,), in nats, and
      elbo_bits_per_dim float32 (batch,).

    Those of an `MSEAutoencoder` are the first four, without seed and temperature.

    Args:
        model: an `AutoregressiveImageModel`, or an auto-encoder.
    """
    if hasattr(model, "latent_dim"):
        return AutoencodingSignatures(model).all()
    made = {
        **SamplingSignatures(model).all(),
        "log_prob": log_prob_signature(model),
        "log_prob_per_value": log_prob_per_value_signature(model),
    }
    if "label" in model.conditions.shapes:
        made["classify"] = classify_signature(model)
    return made
