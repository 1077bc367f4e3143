"""Scores each image of a dataset, and shows where in the image the score comes from.

python -m trainers.score --model=gated_pixelcnn_fashion_mnist \
    --dataset=idx:/usr/share/datasets/fashion-mnist --maps --output=scores

Writes scores.csv, a line for each image, and with --maps maps.png: beside each image a
heat map, light where the model is surprised. `trainers.evaluate` prints the means.
"""

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("model", None, "The .keras file, or a preset's name.")
    flag_groups.define_data_flags(flag_values)
    define.string("output", None, "The folder to write to.")
    define.count("num_images", 32, "Scores the first of the split.")
    define.count("batch_size", 64, "Images scored at once.")
    define.bool("maps", False, "Draws heat maps too.")
    define.count(
        "map_size",
        1,
        "Averages the maps over squares of so many pixels, an odd number.",
    )
    define.bool(
        "unconditional",
        False,
        "Scores a model trained with condition_dropout without its conditions.",
    )
    define.required(["model", "dataset", "output"])
    flags.register_validator(
        "map_size",
        lambda size: size % 2 == 1,
        message="must be odd",
        flag_values=flag_values,
    )


def main(flag_values: flags.FlagValues) -> None:
    """Writes the scores."""
    # Here, so that a mistyped flag is told before all else loads.
    from keras_pixelcnn.pretrained import load_model_or_preset
    from trainers.scoring import score_maps

    if flag_values.maps:  # what is missing is told before anything is scored
        import matplotlib  # noqa: F401
    model = load_model_or_preset(flag_values.model)
    examples = flag_groups.load_examples(model, flag_values, cache=False)
    scored = score_maps.score_images(
        model,
        examples.take(flag_values.num_images),
        flag_values.batch_size,
        flag_values.unconditional,
    )
    print(score_maps.write_scores(flag_values.output, scored))
    if flag_values.maps:
        size = flag_values.map_size
        print(score_maps.write_maps(flag_values.output, scored, model.num_levels, size))


if __name__ == "__main__":
    programs.run(main, define_flags)
