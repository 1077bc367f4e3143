"""The signatures that read images: their scores, and the labels they may have."""

from typing import Any

import tensorflow as tf

from keras_pixelcnn.export.signature import (
    Signature,
    Tensors,
    batch_of,
    condition_specs,
    make_signature,
)
from keras_pixelcnn.graph_checks import checked
from keras_pixelcnn.metrics import bits_per_dim


def log_prob_signature(model: Any) -> Signature:
    """The signature `log_prob`; see `signatures`."""

    def log_prob(inputs: Tensors) -> Tensors:
        nats = model.log_prob(image_levels(model, inputs.pop("image")), **inputs)
        return {"log_prob": nats, "bits_per_dim": bits_per_dim(nats, model.num_dims)}

    return make_signature(log_prob, {**image_spec(model), **condition_specs(model)})


def log_prob_per_value_signature(model: Any) -> Signature:
    """The signature `log_prob_per_value`; see `signatures`."""

    def log_prob_per_value(inputs: Tensors) -> Tensors:
        image = image_levels(model, inputs.pop("image"))
        return {"log_prob_per_value": model.log_prob(image, reduce=False, **inputs)}

    specs = {**image_spec(model), **condition_specs(model)}
    return make_signature(log_prob_per_value, specs)


def classify_signature(model: Any) -> Signature:
    """The signature `classify` of a model that takes labels; see `signatures`."""

    def classify(inputs: Tensors) -> Tensors:
        image = image_levels(model, inputs.pop("image"))
        probabilities = model.classify(image, **inputs)
        label = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
        return {"probabilities": probabilities, "label": label}

    others = condition_specs(model, without=("label",))
    return make_signature(classify, {**image_spec(model), **others})


def elbo_signature(model: Any) -> Signature:
    """The signature `elbo` of a variational auto-encoder; see `signatures`."""

    def elbo(inputs: Tensors) -> Tensors:
        image = image_levels(model, inputs["image"])
        nats = model.elbo(image, seed=inputs["seed"])
        bits = bits_per_dim(nats, model.num_dims)
        return {"elbo": nats, "elbo_bits_per_dim": bits}

    seed = {"seed": batch_of(dtype=tf.int64)}
    return make_signature(elbo, {**image_spec(model), **seed})


def image_spec(model: Any, name: str = "image") -> dict[str, tf.TensorSpec]:
    """A batch of the model's images as an input of that name."""
    return {name: batch_of(*model.image_shape, dtype=tf.int32)}


def image_levels(model: Any, image: tf.Tensor, name: str = "image") -> tf.Tensor:
    """The images of an input of that name, once their levels are checked."""
    rule = f"{name} must hold integers in [0, {model.num_levels})."
    return checked((image >= 0) & (image < model.num_levels), image, rule)
