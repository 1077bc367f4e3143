"""Publishes a saved model as the next version that a server picks up.

python -m savedmodels.export --model=runs/digits/model.keras --base=served/digits
"""

import pathlib

from absl import flags

from keras_pixelcnn import programs
from keras_pixelcnn.files import read_json


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("model", None, "The .keras file, or preset, to publish.")
    define.string(
        "base",
        None,
        "The folder of all versions, which a server watches; the new one appears in it "
        "as the next number.",
    )
    define.list(
        "signatures",
        None,
        "What callers can ask for, as sample,log_prob; the first is for requests that "
        "name none. Default: all.",
    )
    define.list(
        "label_names",
        None,
        "What the labels are called, as cat,dog. Default: as in the model.",
    )
    define.float(
        "bits_per_dim",
        None,
        "What the model reached on test data. Default: what metrics.json beside the "
        "model says, if it is there.",
    )
    define.integer("max_batch_size", 64, "Rows of the largest batch of a server.")
    define.integer(
        "batch_timeout_micros",
        5_000,
        "Microseconds that a request waits for others to share its batch.",
    )
    define.integer("max_enqueued_batches", 64, "Batches that may wait in a server.")
    define.list(
        "allowed_batch_sizes",
        None,
        "Sizes that batches are filled up to, the last one max_batch_size. Default: "
        "the powers of two.",
    )
    define.check(
        "allowed_batch_sizes",
        lambda sizes: sizes is None or all(map(str.isdigit, sizes)),
        "must be integers, as 1,8,64",
    )
    define.required(["model", "base"])


def main(flag_values: flags.FlagValues) -> None:
    """Publishes the model that the flags name."""
    from keras_pixelcnn.models import ImageModel
    from keras_pixelcnn.pretrained import find_preset, load_model_or_preset
    from savedmodels.publish.batching import Batching
    from savedmodels.publish.publishing import publish

    names = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches")
    limits = {name: flag_values[name].value for name in names}
    sizes = flag_values.allowed_batch_sizes
    batching = Batching(**limits, allowed_batch_sizes=sizes and tuple(map(int, sizes)))
    model = load_model_or_preset(flag_values.model, ImageModel)
    preset = find_preset(flag_values.model)
    bits_per_dim, label_names = flag_values.bits_per_dim, flag_values.label_names
    if preset is not None:
        bits_per_dim = bits_per_dim or preset.test_bits_per_dim
    elif bits_per_dim is None:
        bits_per_dim = recorded_bits_per_dim(pathlib.Path(flag_values.model))
    publish(
        model,
        flag_values.base,
        signatures=flag_values.signatures,
        label_names=label_names,
        bits_per_dim=bits_per_dim,
        batching=batching,
    )


def recorded_bits_per_dim(model: pathlib.Path) -> float | None:
    """Reads the test score of the run that made a model.

    Args:
        model: a file. What lies beside it counts only if it has the name that runs
            give to their model.

    Returns:
        Bits per dimension, or None when nobody wrote it down, or when they are given a
        latent, as an auto-encoder's: these compare with no other model's.

    Raises:
        ValueError: when the run's metrics are damaged.
    """
    metrics_file = model.with_name("metrics.json")
    if model.name != "model.keras" or not metrics_file.exists():
        return None
    metrics = read_json(metrics_file)
    if not isinstance(metrics, dict):
        raise ValueError(
            f"{metrics_file} must hold an object of scores by name, as runs write it. "
            f"Received: {metrics!r}"
        )
    if "given_latent_bits_per_dim" in metrics:
        return None
    return metrics.get("test_bits_per_dim")


if __name__ == "__main__":
    programs.run(main, define_flags)
