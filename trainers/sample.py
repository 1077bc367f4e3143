"""Draws images from a model, and writes them as a picture and as an array.

python -m trainers.sample --model=runs/digits/model.keras --output=samples.png
"""

import os

from absl import flags

from trainers import programs


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = {"flag_values": flag_values}
    flags.DEFINE_string("model", None, "The .keras file.", **define)
    flags.DEFINE_integer("num_samples", 64, "How many images.", lower_bound=1, **define)
    flags.DEFINE_integer("seed", 0, "The same seed gives the same images.", **define)
    flags.DEFINE_float(
        "temperature", 1.0, "Less than 1 draws closer to the modes.", **define
    )
    flags.DEFINE_string("output", "samples.png", "PNG of all images.", **define)
    flags.DEFINE_string(
        "array", None, ".npz of image and seed. Default: not written.", **define
    )
    flags.mark_flags_as_required(["model"], flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Draws and writes."""
    # Here, so that a mistyped flag is told before TensorFlow loads.
    from keras_pixelcnn.image_grid import save_image_grid
    from keras_pixelcnn.models import load_model

    model = load_model(flag_values.model)
    images = model.sample(
        flag_values.num_samples,
        seed=flag_values.seed,
        temperature=flag_values.temperature,
    ).numpy()
    save_image_grid(flag_values.output, images, model.num_levels)
    print(f"{len(images)} images in {flag_values.output}")
    if flag_values.array is not None:
        _save_array(flag_values.array, images, flag_values.seed)
        print(f"as an array in {flag_values.array}")


def _save_array(path: str | os.PathLike[str], images: object, seed: int) -> None:
    import numpy as np

    from keras_pixelcnn.files import replace_when_written

    # An open file, as NumPy would add a suffix to a name.
    with replace_when_written(path) as part, open(part, "wb") as file:
        np.savez_compressed(file, image=images, seed=np.int64(seed))


if __name__ == "__main__":
    programs.run(main, define_flags)
