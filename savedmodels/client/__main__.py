"""Samples images from a served model, and writes them as a picture.

python -m savedmodels.client --address=http://127.0.0.1:8501 --model=digits --label=3

A model with labels samples a row for each of --label=0,3,5 or --label=all, one with
captions for each --caption="two small red circles". --complete
and --mask draw the rest of an image: what is white in the mask is kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import flags

from keras_pixelcnn import programs
from savedmodels.client import Client, ClientError
from savedmodels.client.conditions import label_numbers


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string(
        "address",
        "http://127.0.0.1:8501",
        "Of the server: http://host:port for REST, grpc://host:port for gRPC.",
    )
    define.string("model", "pixelcnn", "The model's name.")
    define.integer("version", None, "Of the model. Default: the newest.")
    define.string("version_label", None, 'Label of the version, as "stable".')
    define.float("timeout", 60.0, "Seconds for all images.")
    define.count(
        "num_samples", 16, "How many images; with --label or --caption of each."
    )
    define.integer("seed", 0, "The same seed gives the same images.")
    define.float("temperature", 1.0, "Above 0; below 1 closer to the modes.")
    define.list(
        "label",
        None,
        'Labels, a row of images each: 3 or 0,3,5, or names of the model, or "all".',
    )
    define.multi_string(
        "caption", None, "A caption; several times: a row of images for each."
    )
    define.check_together(
        ["label", "caption"],
        lambda values: values["label"] is None or values["caption"] is None,
        "each asks for rows of images: pass one of them",
    )
    for name, what in {"embedding": "vector", "spatial": "map"}.items():
        help_text = f".npy of one {what}, or of one for each image."
        define.string(name, None, help_text)
    define.string("complete", None, "Image to sample the rest of; goes with --mask.")
    define.string("mask", None, "Image of what is known of it: white, else black.")
    define.string("output", "samples.png", "PNG of all images.")
    define.check_together(
        ["complete", "mask"],
        lambda values: (values["complete"] is None) == (values["mask"] is None),
        "pass both: the image, and the mask of what is known of it",
    )


def main(flag_values: flags.FlagValues) -> None:
    """Samples and writes."""
    server = ("address", "model", "version", "version_label", "timeout")
    try:
        with Client(**{name: flag_values[name].value for name in server}) as client:
            _sample(client, flag_values)
    except ClientError as error:
        # Which the program tells in one line, whatever its kind.
        raise ValueError(str(error)) from error


def _sample(client: Client, flag_values: flags.FlagValues) -> None:
    # First, so that a mistyped address is told before all else loads.
    document = client.metadata()
    from keras_pixelcnn.datasets.image_file import read_known
    from keras_pixelcnn.files import read_array
    from keras_pixelcnn.image_grid import save_sample_grid

    per_row, count = flag_values.num_samples, flag_values.num_samples
    given = {"seed": flag_values.seed, "temperature": flag_values.temperature}
    for name in ("embedding", "spatial"):
        if flag_values[name].value is not None:
            given[name] = read_array(name, flag_values[name].value)
    num_each, known = None, None
    if flag_values.label is not None:
        given["label"] = np.repeat(_labels(document, flag_values.label), per_row)
        count, num_each = len(given["label"]), per_row
    if flag_values.caption is not None:
        given["caption"] = np.repeat(flag_values.caption, per_row)
        count, num_each = len(given["caption"]), per_row
    if flag_values.complete is None:
        samples = client.sample(count, **given)
    else:
        form = document["image_shape"], document["num_levels"]
        known = read_known(flag_values.complete, flag_values.mask, *form)
        image = np.repeat(known.image[np.newaxis], count, axis=0)
        samples = client.complete(image, known.mask, **given)
    levels = document["num_levels"]
    save_sample_grid(flag_values.output, samples, levels, num_each, known)
    print(f"{count} images in {flag_values.output}")


def _labels(document: Mapping[str, Any], labels: Sequence[str]) -> np.ndarray:
    condition = document["conditions"].get("label")
    if condition is None:
        raise ValueError(f"The served model takes no labels. Received: {list(labels)}")
    if list(labels) == ["all"]:
        return np.arange(condition["num_classes"])
    try:
        return label_numbers(labels, document)
    except ValueError as error:
        raise ValueError(f'--label: {error} "all" is a row of each.') from None


if __name__ == "__main__":
    programs.run(main, define_flags)
