"""The signatures that score images, and that classify them."""

from typing import TYPE_CHECKING

import tensorflow as tf

from keras_pixelcnn.checks import checked
from keras_pixelcnn.export.signature import (
    Signature,
    Tensors,
    batch_of,
    condition_specs,
    make_signature,
)
from keras_pixelcnn.metrics import bits_per_dim

if TYPE_CHECKING:
    from keras_pixelcnn.models import ImageModel, LikelihoodModel, PixelCNNAutoencoder


def log_prob_signature(model: "LikelihoodModel") -> Signature:
    """Makes the signature `log_prob`; see `signatures`."""

    def log_prob(inputs: Tensors) -> Tensors:
        nats = model.log_prob(image_levels(model, inputs.pop("image")), **inputs)
        return {"log_prob": nats, "bits_per_dim": bits_per_dim(nats, model.num_dims)}

    return make_signature(log_prob, {**image_spec(model), **condition_specs(model)})


def log_prob_per_value_signature(model: "LikelihoodModel") -> Signature:
    """Makes the signature `log_prob_per_value`; see `signatures`."""

    def log_prob_per_value(inputs: Tensors) -> Tensors:
        image = image_levels(model, inputs.pop("image"))
        return {"log_prob_per_value": model.log_prob(image, reduce=False, **inputs)}

    specs = {**image_spec(model), **condition_specs(model)}
    return make_signature(log_prob_per_value, specs)


def classify_signature(model: "LikelihoodModel") -> Signature:
    """Makes the signature `classify` of a model that takes labels; see `signatures`."""

    def classify(inputs: Tensors) -> Tensors:
        image = image_levels(model, inputs.pop("image"))
        probabilities = model.classify(image, **inputs)
        label = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
        return {"probabilities": probabilities, "label": label}

    others = condition_specs(model, without=("label",))
    return make_signature(classify, {**image_spec(model), **others})


def elbo_signature(model: "PixelCNNAutoencoder") -> Signature:
    """Makes the signature `elbo` of a variational auto-encoder; see `signatures`."""

    def elbo(inputs: Tensors) -> Tensors:
        image = image_levels(model, inputs["image"])
        nats = model.elbo(image, seed=inputs["seed"])
        bits = bits_per_dim(nats, model.num_dims)
        return {"elbo": nats, "elbo_bits_per_dim": bits}

    seed = {"seed": batch_of(dtype=tf.int64)}
    return make_signature(elbo, {**image_spec(model), **seed})


def image_spec(model: "ImageModel", name: str = "image") -> dict[str, tf.TensorSpec]:
    """Returns the spec of a batch of the model's images, by its name."""
    return {name: batch_of(*model.image_shape, dtype=tf.int32)}


def image_levels(
    model: "ImageModel", image: tf.Tensor, name: str = "image"
) -> tf.Tensor:
    """Checks the levels of an input's images, and returns them."""
    rule = f"{name} must hold integers in [0, {model.num_levels})."
    return checked((image >= 0) & (image < model.num_levels), image, rule)
