"""Scores each image of a dataset, and shows where in the image the score comes from.

python -m trainers.score --model=gated_pixelcnn_fashion_mnist \
    --dataset=folder:pictures --output=scores

Writes scores.csv, a line for each image with the name of its file, and with --maps
maps.png: beside each image a heat map, light where the model is surprised. With
--reference, usual images, each line also tells how strange the image is beside them.
`trainers.evaluate` prints the means.
"""

from absl import flags, logging

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("model", None, "The .keras file, or a preset's name.")
    flag_groups.define_data_flags(
        flag_values, None, "The split. Default: all images of a folder, else test."
    )
    define.string("output", None, "The folder to write to.")
    define.integer(
        "num_images",
        None,
        "Scores so many images, the first of the split. Default: all.",
        lower_bound=1,
    )
    define.count("batch_size", 64, "Images scored at once.")
    define.bool("maps", False, "Draws heat maps too.")
    define.count(
        "num_maps", 32, "How many images --maps draws, those of the first lines."
    )
    define.count(
        "map_size",
        1,
        "Averages the maps over squares of so many pixels, an odd number.",
    )
    define.string(
        "reference",
        None,
        "A dataset of usual images, as the model was trained on: adds anomaly scores, "
        "and the share of usual images that are as strange.",
    )
    define.string(
        "reference_split",
        "test",
        "The split of the usual images, best one that the model was not trained on.",
    )
    define.integer(
        "num_reference",
        2000,
        "Takes at most so many usual images, the first of their split.",
        lower_bound=2,
    )
    define.bool(
        "unconditional",
        False,
        "Scores a model trained with condition_dropout without its conditions.",
    )
    define.required(["model", "dataset", "output"])
    define.check("map_size", lambda size: size % 2 == 1, "must be odd")


def main(flag_values: flags.FlagValues) -> None:
    """Writes the scores."""
    from keras_pixelcnn.pretrained import load_model_or_preset
    from trainers.scoring import score_maps

    with_maps, output = flag_values.maps, flag_values.output
    if with_maps:  # what is missing is told before anything is scored
        import matplotlib  # noqa: F401
    model = load_model_or_preset(flag_values.model)

    def score(
        dataset: str, split: str, most: int | None, keep_images: bool
    ) -> score_maps.ScoredImages:
        examples = flag_groups.load_examples(
            model,
            flag_values,
            split,
            dataset,
            labelled=not flag_values.unconditional,
            cache=False,
            with_path=dataset.startswith("folder:"),
        )
        return score_maps.score_images(
            model,
            examples if most is None else examples.take(most),
            flag_values.batch_size,
            flag_values.unconditional,
            keep_images,
        )

    is_folder = flag_values.dataset.startswith("folder:")
    split = flag_values.split or ("all" if is_folder else "test")
    compared = flag_values.reference is not None
    same = compared and flag_values.reference == flag_values.dataset
    splits = {split, flag_values.reference_split}
    if same and ("all" in splits or len(splits) == 1):
        logging.warning(
            "images of the reference are scored, too, and each finds one as strange as "
            "it is: itself. Choose another --split or --reference_split."
        )
    scored = score(
        flag_values.dataset,
        split,
        flag_values.num_images,
        with_maps or compared,
    )
    columns = {}
    if compared:
        reference = score(
            flag_values.reference,
            flag_values.reference_split,
            flag_values.num_reference,
            True,
        )
        columns = score_maps.anomaly_scores(model, scored, reference)
    print(score_maps.write_scores(output, scored, model.num_dims, columns))
    if with_maps:
        options = flag_values.map_size, flag_values.num_maps
        print(score_maps.write_maps(output, model, scored, *options))
    if compared:
        print(score_maps.count_strange(columns, len(reference.nats)))


if __name__ == "__main__":
    programs.run(main, define_flags)
