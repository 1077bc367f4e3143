"""Measures the accuracy of a classifier of real images on a model's samples.

python -m trainers.sample_accuracy --model=runs/digits_conditional/model.keras \
    --dataset=digits

A support vector classifier learns the classes from real training images. For a model
with labels, the share of samples whose class it finds says whether the model uses its
labels. Nothing is written.
"""

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("model", None, "The .keras file, or a preset's name.")
    flag_groups.define_data_flags(flag_values)
    define.string("train_split", "train", "The split that the classifier learns from.")
    define.count(
        "max_train",
        20_000,
        "Learns from at most so many images, chosen at random: time grows with their "
        "square.",
    )
    define.count("num_samples", 500, "How many samples, labels in turn.")
    define.count("batch_size", 64, "Images sampled at once.")
    flag_groups.define_sampling_flags(flag_values)
    define.required(["model", "dataset"])


def main(flag_values: flags.FlagValues) -> None:
    """Prints the accuracies."""
    from keras_pixelcnn.pretrained import load_model_or_preset
    from trainers.scoring import classifier_accuracy, scoring

    model = load_model_or_preset(flag_values.model)
    scoring.check_takes_only_label(model)  # before the data is read
    accuracy = classifier_accuracy.measure(
        model,
        flag_groups.load_examples(
            model, flag_values, flag_values.train_split, labelled=True
        ),
        flag_groups.load_examples(model, flag_values, labelled=True),
        flag_values.num_samples,
        max_train=flag_values.max_train,
        batch_size=flag_values.batch_size,
        **flag_groups.sampling_options(flag_values),
    )
    print(classifier_accuracy.format_table(accuracy, model.label_names))


if __name__ == "__main__":
    programs.run(main, define_flags)
