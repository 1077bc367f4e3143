"""Measures the accuracy of a classifier of real images on a model's samples.

python -m trainers.sample_accuracy --model=runs/digits_conditional/model.keras
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
    define = {"flag_values": flag_values}
    flags.DEFINE_string("model", None, "The .keras file, or a preset's name.", **define)
    flag_groups.define_data_flags(flag_values)
    flags.DEFINE_string(
        "train_split", "train", "The split that the classifier learns from.", **define
    )
    flags.DEFINE_integer(
        "max_train",
        20_000,
        "Learns from at most so many images: time grows with their square.",
        lower_bound=1,
        **define,
    )
    flags.DEFINE_integer(
        "num_samples", 500, "How many samples, labels in turn.", lower_bound=1, **define
    )
    flags.DEFINE_integer(
        "batch_size", 64, "Images sampled at once.", lower_bound=1, **define
    )
    flag_groups.define_sampling_flags(flag_values)
    flags.mark_flags_as_required(["model", "dataset"], flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Prints the accuracies."""
    # Here, so that a mistyped flag is told before TensorFlow loads.
    from keras_pixelcnn.pretrained import load_model_or_preset
    from trainers.scoring import classifier_accuracy, scoring

    model, dataset = load_model_or_preset(flag_values.model), flag_values.dataset
    scoring.check_takes_only_label(model)  # before the data is read
    options = flag_groups.data_options(flag_values)
    accuracy = classifier_accuracy.measure(
        model,
        scoring.load_examples(model, dataset, flag_values.train_split, **options),
        scoring.load_examples(model, dataset, flag_values.split, **options),
        flag_values.num_samples,
        max_train=flag_values.max_train,
        batch_size=flag_values.batch_size,
        **flag_groups.sampling_options(flag_values),
    )
    print(classifier_accuracy.format_table(accuracy))


if __name__ == "__main__":
    programs.run(main, define_flags)
