"""Every kind of model that is served, requests to it, and what Python answers."""

import json

import numpy as np
import tensorflow as tf

from keras_pixelcnn import GatedPixelCNN, bits_per_dim
from keras_pixelcnn.pixel_values import to_levels, to_pixels
from tests.test_case import op_by_op, randomize

KINDS = {
    "grey": {"image_shape": (3, 4, 1), "num_levels": 256},
    # Of more levels than a byte has, and of colours with transparency.
    "optional": {
        "image_shape": (2, 2, 4),
        "num_levels": 300,
        "embedding_dim": 2,
        "spatial_shape": (2, 1, 3),
        "likelihood": "logistic_mixture",
        "condition_dropout": 0.2,
    },
    "all_conditions": {
        "image_shape": (4, 2, 1),
        "num_levels": 5,
        "num_classes": 3,
        "embedding_dim": 2,
        "spatial_shape": (2, 1, 3),
        "vocabulary": ["a", "red", "square"],
        "caption_length": 3,
        "condition_dropout": 0.2,
    },
}


def make_model(kind, num_blocks=1, **other):
    """A tiny model far from uniform: fresh weights would hide most mistakes."""
    arguments = KINDS[kind]
    filters = 2 * arguments["image_shape"][-1]
    arguments = {"num_blocks": num_blocks, **arguments, **other}
    model = GatedPixelCNN(**arguments, filters=filters, kernel_size=3)
    return randomize(model, scale=0.3 if "likelihood" in arguments else 0.5)


def signature_names(model):
    """The signatures that a model must have."""
    names = {"sample", "sample_from_noise", "complete", "metadata"}
    names |= {"log_prob", "log_prob_per_value"}
    if model.image_shape[-1] in (1, 3, 4):
        names |= {"sample_png", "complete_png"}
    if "label" in model.conditions.shapes:
        names.add("classify")
    if "embedding" in model.conditions.shapes:
        names.add("interpolate")
    return names


def request(model, signature, rows=3, seed=0):
    """Inputs of a signature by name: arrays of the types that it takes."""
    rng = np.random.default_rng(seed)
    image = rng.integers(model.num_levels, size=(rows, *model.image_shape), dtype="i4")
    mask = rng.random((rows, *model.image_shape[:2])) < 0.5
    random = {
        "seed": rng.integers(-(2**62), 2**62, size=rows),
        "temperature": rng.uniform(0.5, 1.5, rows).astype("f4"),
    }
    conditions = _conditions(model, rng, rows)
    if signature == "metadata":
        return {"row": np.arange(rows, dtype="i4")}
    if signature == "classify":
        without = {k: v for k, v in conditions.items() if k != "label"}
        return {"image": image, **without}
    if signature in ("log_prob", "log_prob_per_value"):
        return {"image": image, **conditions}
    if signature == "sample_from_noise":
        noise = rng.random((rows, *model.image_shape), dtype="f4")
        return {"noise": noise, "temperature": random["temperature"], **conditions}
    if signature == "complete":
        return {"image": image, "mask": mask, **random, **conditions}
    if signature == "complete_png":
        files = {"image_bytes": encode(model, image), "mask_bytes": encode_masks(mask)}
        return {**files, **random, **conditions}
    if signature == "interpolate":
        shape = (rows, *model.conditions.shapes["embedding"])
        conditions.pop("embedding")
        way = {
            "embedding_a": rng.normal(size=shape).astype("f4"),
            "embedding_b": rng.normal(size=shape).astype("f4"),
            "position": np.linspace(0, 1, rows, dtype="f4"),
            "spherical": np.arange(rows) % 2 == 0,
        }
        return {**way, **random, **conditions}
    return {**random, **conditions}


def _conditions(model, rng, rows):
    given, shapes = {}, model.conditions.shapes
    if "label" in shapes:
        least = -1 if model.conditions.optional else 0
        classes = model.conditions.num_classes
        given["label"] = rng.integers(least, classes, size=rows, dtype="i4")
    for name in ("embedding", "spatial"):
        if name in shapes:
            given[name] = rng.normal(size=(rows, *shapes[name])).astype("f4")
    if "caption" in shapes:
        words = model.conditions.caption_text
        size = (rows, words.length)
        ids = rng.integers(words.least_id, words.num_ids, size=size, dtype="i4")
        ids[::2, -1] = 0  # some sentences are shorter
        given["caption"] = ids
    if model.conditions.optional and "label" not in shapes:
        given["has_condition"] = (np.arange(rows, dtype="i4") + 1) % 2
    return given


@op_by_op()
def answer(model, signature, inputs):
    """What Python gives for a request, as arrays; PNG files as their levels."""
    inputs, share = dict(inputs), {}
    if signature == "metadata":
        return {}
    if signature == "classify":
        probabilities = model.classify(**inputs).numpy()
        return {"probabilities": probabilities, "label": probabilities.argmax(-1)}
    if signature == "log_prob":
        nats = model.log_prob(**inputs)
        bits = bits_per_dim(nats, model.num_dims)
        return {"log_prob": nats.numpy(), "bits_per_dim": bits.numpy()}
    if signature == "log_prob_per_value":
        return {signature: model.log_prob(**inputs, reduce=False).numpy()}
    if signature == "sample_from_noise":
        return {"image": model.sample_from_noise(**inputs).numpy()}
    if signature == "interpolate":
        return {"image": _interpolate(model, inputs)}
    if signature == "complete_png":
        inputs["image"] = decode(model, inputs.pop("image_bytes"))
        inputs["mask"] = decode_masks(inputs.pop("mask_bytes"))
        share = {"known_share": inputs["mask"].mean((1, 2)).astype("f4")}
    if signature in ("complete", "complete_png"):
        mask = np.repeat(inputs.pop("mask")[..., None], model.image_shape[-1], axis=-1)
        image = model.complete(inputs.pop("image"), mask, **inputs).numpy()
    else:
        image = model.sample(len(inputs["seed"]), **inputs).numpy()
    return {"image_bytes" if signature.endswith("_png") else "image": image, **share}


def _interpolate(model, inputs):
    """Row i's image is the i-th on its way; requests are made so."""
    steps = max(len(inputs.pop("position")), 2)
    spherical = inputs.pop("spherical")
    a, b = inputs.pop("embedding_a"), inputs.pop("embedding_b")
    images = []
    for row, is_spherical in enumerate(spherical):
        own = {name: values[row] for name, values in inputs.items()}
        method = "spherical" if is_spherical else "linear"
        way = model.interpolate(a[row], b[row], steps, [own.pop("seed")], method, **own)
        images.append(way[row].numpy())
    return np.stack(images)


def check(model, signature, expected, outputs):
    """Compares what a signature gave with what Python gives.

    Args:
        model: in Python.
        signature: its name.
        expected: of `answer`.
        outputs: arrays by name, PNG files as bytes.
    """
    if signature == "metadata":
        _check_metadata(model, outputs)
        return
    assert set(outputs) == set(expected)
    for name, values in expected.items():
        given = outputs[name]
        if name == "image_bytes":
            given = decode(model, given)
        if values.dtype.kind == "f":
            np.testing.assert_allclose(given, values, rtol=1e-4, atol=1e-4)
        else:
            np.testing.assert_array_equal(given, values)


def _check_metadata(model, outputs):
    assert set(outputs) == {"metadata"}
    documents = [json.loads(text) for text in outputs["metadata"]]
    assert documents
    for document in documents:
        assert document["image_shape"] == list(model.image_shape)
        assert document["num_levels"] == model.num_levels
        assert document["num_parameters"] == model.count_params()
        assert set(document["signatures"]) == signature_names(model) - {"metadata"}


# PNG files, by TensorFlow outside of any graph of the model.


def _bits(model):
    return 8 if model.num_levels <= 256 else 16


def encode(model, images):
    pixels = to_pixels(images, model.num_levels, _bits(model))
    return np.array([tf.io.encode_png(image).numpy() for image in pixels], object)


def encode_masks(masks):
    pixels = np.where(masks[..., None], np.uint8(255), np.uint8(0))
    return np.array([tf.io.encode_png(mask).numpy() for mask in pixels], object)


def decode(model, files):
    dtype = tf.uint8 if _bits(model) == 8 else tf.uint16
    channels = model.image_shape[-1]
    pixels = [tf.io.decode_png(file, channels, dtype).numpy() for file in files]
    return to_levels(np.stack(pixels), model.num_levels, _bits(model))


def decode_masks(files):
    masks = [tf.io.decode_png(file, 1).numpy()[..., 0] >= 128 for file in files]
    return np.stack(masks)
