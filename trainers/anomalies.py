"""Tells how well strange images are told from usual ones, by each anomaly score.

python -m trainers.train --config=fashion_mnist_background \
    --config.dataset=idx:/usr/share/datasets/fashion-mnist --workdir=runs/background
python -m trainers.anomalies --model=gated_pixelcnn_fashion_mnist \
    --background=runs/background/model.keras \
    --dataset=idx:/usr/share/datasets/fashion-mnist

Strange images are those of --anomalous: digits that stand in for MNIST, which needs a
download ("enlarged_digits" are scikit-learn's, "font_digits" those of --fonts), or any
datasets of the model's shape. AUROC 0.5 is chance, 1 is perfect. --defects paints
faults into usual images and looks for them in the map of the surprise.
"""

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("model", None, "The .keras file, or a preset's name.")
    define.string(
        "background",
        None,
        "The .keras file, or a preset's name, of a model that was trained with "
        "config.mutation_rate, for the likelihood ratio. Default: that is left out.",
    )
    flag_groups.define_data_flags(flag_values)
    define.string(
        "reference_split",
        "train",
        "The split of the dataset on which the usual likelihood is measured.",
    )
    define.list(
        "anomalous",
        ["enlarged_digits", "font_digits"],
        "Strange images: enlarged_digits, font_digits, or datasets as of --dataset; "
        "none (--anomalous=) with --defects, which then stands alone.",
    )
    define.string("fonts", "/usr/share/fonts", "The folder of font_digits' fonts.")
    define.bool("defects", False, "Paints faults into usual images and looks for them.")
    define.count(
        "defect_size",
        3,
        "Height and width of a fault, and of the squares that surprise is averaged "
        "over; an odd number.",
    )
    define.integer(
        "max_images",
        2000,
        "Takes at most so many images of each set, the first ones.",
        lower_bound=2,
    )
    define.count("batch_size", 64, "Images scored at once.")
    define.required(["model", "dataset"])
    define.check("defect_size", lambda size: size % 2 == 1, "must be odd")
    define.check_together(
        ["anomalous", "defects"],
        lambda values: values["anomalous"] or values["defects"],
        "anomalous must name strange images, or be empty with --defects",
    )


def main(flag_values: flags.FlagValues) -> None:
    """Prints the tables."""
    import numpy as np

    from keras_pixelcnn.pretrained import load_model_or_preset
    from trainers.runs.data import as_arrays
    from trainers.scoring import anomalies, digit_pictures

    model = load_model_or_preset(flag_values.model)
    background = None
    if flag_values.background is not None:
        background = load_model_or_preset(flag_values.background)

    def load(name: str, split: str = flag_values.split) -> np.ndarray:
        form = model.image_shape, model.num_levels
        if name == "enlarged_digits":
            images = digit_pictures.enlarged_digits(*form)
        elif name == "font_digits":
            images = digit_pictures.font_digits(flag_values.fonts, *form)
        else:
            examples = flag_groups.load_examples(
                model, flag_values, split, name, cache=False
            )
            images = as_arrays(examples.take(flag_values.max_images)).image
        return images[: flag_values.max_images]

    usual = load(flag_values.dataset)
    if flag_values.anomalous:
        detection = anomalies.compare(
            model,
            usual,
            load(flag_values.dataset, flag_values.reference_split),
            {name: load(name) for name in flag_values.anomalous},
            background,
            flag_values.batch_size,
        )
        print(anomalies.format_detection(detection))
    if flag_values.defects:
        found = anomalies.find_defects(
            model,
            usual,
            flag_values.defect_size,
            flag_values.batch_size,
        )
        print(anomalies.format_defects(found))


if __name__ == "__main__":
    programs.run(main, define_flags)
