"""Scores a model on a split of a dataset, exactly over all images.

python -m trainers.evaluate --model=runs/digits/model.keras --dataset=digits

Models with labels score each image given its label; --unconditional scores one that
was trained with condition_dropout without them, --classify adds how many labels it
finds. --num_samples=1000 compares so many samples with the images, by Fréchet and
kernel distance, precision and recall; --quality=runs/digits/quality.json keeps that for
the run's report, with --train_split also a picture of samples, each before the training
images nearest to it.
"""

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("model", None, "The .keras file, or a preset's name.")
    flag_groups.define_data_flags(flag_values)
    define.count("batch_size", 64, "Images scored, and sampled, at once.")
    define.bool(
        "unconditional",
        False,
        "Scores a model trained with condition_dropout without its conditions.",
    )
    define.bool(
        "classify",
        False,
        "Tells for how many images the likeliest label is the right one. Costs as "
        "many passes as there are classes.",
    )
    define.integer(
        "num_samples",
        0,
        "Compares so many samples with the split's images. Default: none.",
        lower_bound=0,
    )
    define.string(
        "features",
        None,
        "What samples are compared by: a .keras file of a model that makes vectors of "
        "images of levels. Default: the pixels, which know nothing of what is shown.",
    )
    define.string(
        "train_split",
        None,
        "What the model was trained on, to tell whether samples are nearer to that "
        "than other images are. Default: not told.",
    )
    define.string(
        "quality",
        None,
        "JSON of the comparison to write; with --train_split also a picture, "
        "quality_nearest.png of quality.json. Default: not written.",
    )
    flag_groups.define_sampling_flags(flag_values)
    define.required(["model", "dataset"])
    define.check_together(
        ["num_samples", "features", "train_split", "quality"],
        lambda values: values.pop("num_samples") or not any(values.values()),
        "features, train_split and quality are for --num_samples above 0",
    )


def main(flag_values: flags.FlagValues) -> None:
    """Prints the scores."""
    import keras

    from keras_pixelcnn.pretrained import load_model_or_preset
    from trainers.scoring import sample_quality, scoring

    model, batch_size = load_model_or_preset(flag_values.model), flag_values.batch_size
    if flag_values.classify:
        scoring.check_takes_only_label(model)  # before the data is scored
    features = train = None  # what is missing is told before anything is scored
    if flag_values.features is not None:
        features = keras.models.load_model(flag_values.features)
    if flag_values.train_split is not None:
        train = flag_groups.load_examples(model, flag_values, flag_values.train_split)
    examples = flag_groups.load_examples(
        model,
        flag_values,
        labelled=flag_values.classify or not flag_values.unconditional,
    )
    conditions = scoring.conditions_of_score(
        model, flag_values.unconditional, examples.element_spec
    )
    result = scoring.score(model, examples, batch_size, flag_values.unconditional)
    print(f"bits per dimension  {result.bits_per_dim:.4f}")
    print(f"nats per image      {result.nats_per_image:.4f}")
    form = "x".join(map(str, model.image_shape))
    form += f", {model.num_levels} levels"
    print(f"images              {result.num_images} ({form})")
    if model.conditions.names:
        print(f"conditions          {', '.join(conditions) or 'none'}")
    if flag_values.classify:
        accuracy = scoring.accuracy(model, examples, batch_size)
        print(f"accuracy            {accuracy:.4f}")
    if flag_values.num_samples:
        compared = sample_quality.measure(
            model,
            examples,
            flag_values.num_samples,
            features,
            train,
            batch_size,
            **flag_groups.sampling_options(flag_values),
        )
        print(compared.quality)
        if flag_values.quality is not None:
            sample_quality.write(flag_values.quality, compared)


if __name__ == "__main__":
    programs.run(main, define_flags)
