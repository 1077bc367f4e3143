"""Trains a model on embeddings of images, and samples interpolations between them.

python -m trainers.interpolate --dataset=digits --output=interpolation.png

The embedding is scikit-learn's linear discriminant analysis: the directions in which
the classes differ, so that an embedding says what an image shows and not how. A row of
the picture begins and ends with two images of the test split; between them are samples,
all of a row with the same noise, on the way from one embedding to the other.
"""

from absl import flags

from keras_pixelcnn import programs


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string(
        "dataset", "digits", "A dataset with labels, and the splits train and test."
    )
    define.count("epochs", 40, "Epochs of training.")
    define.count("rows", 8, "Pairs of images.")
    define.integer("steps", 8, "Samples of a row.", lower_bound=2)
    define.enum(
        "method",
        "linear",
        ["linear", "spherical"],
        "The way between embeddings: a straight line, or an arc.",
    )
    define.integer("seed", 0, "Of training, pairs and noise.")
    define.string("output", "interpolation.png", "PNG of all rows.")
    define.string(
        "model", None, "Where to save the model, a .keras file. Default: nowhere."
    )


def main(flag_values: flags.FlagValues) -> None:
    """Trains, samples and writes."""
    from keras_pixelcnn.datasets import native_num_levels
    from keras_pixelcnn.files import replace_when_written
    from trainers.sampling import interpolation
    from trainers.sampling.pictures import save_rows

    train, test = interpolation.load_splits(flag_values.dataset)
    levels, seed = native_num_levels(flag_values.dataset), flag_values.seed
    model, embed = interpolation.train_on_embeddings(
        train, levels, flag_values.epochs, seed
    )
    if flag_values.model:
        with replace_when_written(flag_values.model) as part:
            model.save(part)
    steps, method = flag_values.steps, flag_values.method
    rows = interpolation.sample_rows(
        model, embed, test, flag_values.rows, steps, seed, method
    )
    save_rows(flag_values.output, rows, model.num_levels)
    print(f"{len(rows)} rows in {flag_values.output}")


if __name__ == "__main__":
    programs.run(main, define_flags)
