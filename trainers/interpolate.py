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
    define.string("dataset", "digits", "A dataset with labels.")
    define.count("epochs", 40, "Epochs of training.")
    define.count("rows", 8, "Pairs of images.")
    define.integer("steps", 8, "Samples of a row.", lower_bound=2)
    define.enum("method", "linear", ["linear", "spherical"], "The way between them.")
    define.integer("seed", 0, "Of training, pairs and noise.")
    define.string("output", "interpolation.png", "PNG of all rows.")
    define.string(
        "model", None, "Where to save the model, a .keras file. Default: nowhere."
    )


def main(flag_values: flags.FlagValues) -> None:
    """Trains, samples and writes."""
    # Here, so that a mistyped flag is told before all else loads.
    from keras_pixelcnn.files import replace_when_written
    from keras_pixelcnn.image_grid import save_image_grid
    from trainers.sampling.interpolation import (
        load_arrays,
        sample_rows,
        train_on_embeddings,
    )

    data = load_arrays(flag_values.dataset)
    model, embed = train_on_embeddings(data, flag_values.epochs, flag_values.seed)
    if flag_values.model:
        with replace_when_written(flag_values.model) as part:
            model.save(part)
    rows = sample_rows(
        model,
        embed,
        data,
        flag_values.rows,
        flag_values.steps,
        flag_values.seed,
        flag_values.method,
    )
    columns = flag_values.steps + 2
    images = rows.reshape(-1, *model.image_shape)
    save_image_grid(flag_values.output, images, model.num_levels, columns=columns)
    print(f"{len(rows)} rows in {flag_values.output}")


if __name__ == "__main__":
    programs.run(main, define_flags)
