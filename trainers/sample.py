"""Samples images from a model, and writes them as a picture and as an array.

python -m trainers.sample --model=runs/digits/model.keras --output=samples.png

A model with labels samples a row for each of --label=0,3,5, --label=cat,dog (where the
model knows what its labels are called) or --label=all, one with captions for each
--caption="two small red circles". --complete
and --mask sample the rest of an image: what is white in the mask is kept, what is black
or transparent is not.
"""

from typing import Any

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("model", None, "The .keras file, or a preset's name.")
    define.count(
        "num_samples", 64, "How many images; with --label or --caption of each."
    )
    flag_groups.define_sampling_flags(flag_values)
    define.list(
        "label",
        None,
        'Labels, a row of images each: 3 or 0,3,5, their names, or "all".',
    )
    define.multi_string(
        "caption", None, "A caption; several times: a row of images for each."
    )
    define.string("embedding", None, ".npy of one vector, or of one for each image.")
    define.string("spatial", None, ".npy of one map, or of one for each image.")
    define.string("complete", None, "Image to sample the rest of; goes with --mask.")
    define.string("mask", None, "Image of what is known of it: white, else black.")
    define.string("output", "samples.png", "PNG of all images.")
    define.string("array", None, ".npz of image, seed and label. Default: not written.")
    define.required(["model"])
    define.check_together(
        ["complete", "mask"],
        lambda values: (values["complete"] is None) == (values["mask"] is None),
        "pass both: the image, and the mask of what is known of it",
    )


def _options(flag_values: flags.FlagValues) -> dict[str, Any]:
    """Returns how images are sampled: by a preset as its card shows, unless told."""
    from keras_pixelcnn.pretrained import presets

    options = flag_groups.sampling_options(flag_values)
    found = presets().get(flag_values.model)
    recommended = found.sampling if found and flag_values.label is not None else {}
    if recommended and not any(flag_values[name].present for name in recommended):
        options |= recommended
        told = " ".join(f"--{name}={value:g}" for name, value in recommended.items())
        print(f"Sampled with {told}, as the preset's card; pass flags for other ways.")
    return options


def main(flag_values: flags.FlagValues) -> None:
    """Samples and writes."""
    from keras_pixelcnn.datasets.image_file import read_known
    from keras_pixelcnn.files import read_array
    from keras_pixelcnn.image_grid import save_sample_grid
    from keras_pixelcnn.pretrained import load_model_or_preset
    from trainers.sampling import sampling

    model, known = load_model_or_preset(flag_values.model), None
    if flag_values.complete is not None:
        paths = flag_values.complete, flag_values.mask
        known = read_known(*paths, model.image_shape, model.num_levels)
    conditions = {
        name: read_array(name, flag_values[name].value)
        for name in ("embedding", "spatial")
        if flag_values[name].value is not None
    }
    samples = sampling.sample_images(
        model,
        flag_values.num_samples,
        flag_values.label,
        conditions,
        known,
        captions=flag_values.caption,
        **_options(flag_values),
    )
    drawn = samples.images, model.num_levels, samples.num_each
    save_sample_grid(flag_values.output, *drawn, known)
    print(f"{len(samples.images)} images in {flag_values.output}")
    if flag_values.array is not None:
        sampling.save_array(flag_values.array, samples, flag_values.seed)
        print(f"as an array in {flag_values.array}")


if __name__ == "__main__":
    programs.run(main, define_flags)
