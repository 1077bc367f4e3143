"""Compresses pictures without loss by a model, and compares with other codecs.

python -m trainers.compress --model=model.keras --output=images.kpxc picture.png folder
python -m trainers.compress --model=model.keras --output=test.kpxc --dataset=digits

The model is a .keras file or a preset. Files keep their names; those of a folder begin
with the folder's. trainers.decompress gives them back, with the same model, on the same
machine and build.
"""

import os
from collections.abc import Sequence

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("model", None, "A .keras file, or a preset's name.")
    define.string("output", None, "The file to write.")
    flag_groups.define_data_flags(flag_values)
    define.count("batch_size", 128, "Images, or tiles of larger ones, coded together.")
    define.bool(
        "unconditional",
        False,
        "Leaves a dataset's labels aside; for models trained with condition_dropout.",
    )
    define.bool(
        "compare",
        True,
        "Closes with a table of PNG, WebP and JPEG XL files of the same images.",
    )
    define.required(["model", "output"])


def main(flag_values: flags.FlagValues, arguments: Sequence[str]) -> None:
    """Compresses files and folders, or a dataset.

    Raises:
        ValueError: when both are given, or neither, or files with flags of datasets.
        IsADirectoryError: when the output is a folder.
    """
    if os.path.isdir(flag_values.output):
        raise IsADirectoryError(
            f"output must be a file. Received: the folder {flag_values.output}"
        )
    if bool(arguments) == (flag_values.dataset is not None):
        raise ValueError(
            "Pass files and folders, or a dataset. "
            f"Received: {'both' if arguments else 'neither'}"
        )
    of_datasets = ("split", "num_levels", "image_size", "data_dir", "unconditional")
    unused = [f"--{name}" for name in of_datasets if flag_values[name].present]
    if arguments and unused:
        raise ValueError(
            "Files are compressed as they are, so that they come back whole: leave out "
            f"what is for a dataset. Received: {', '.join(unused)}"
        )
    from keras_pixelcnn.codecs.range_coder import load_constriction
    from keras_pixelcnn.files import replace_when_written
    from keras_pixelcnn.pretrained import load_model_or_preset
    from trainers.compression import compressing
    from trainers.scoring.scoring import conditions_of_score

    load_constriction()  # what is missing is told before anything is read
    model = load_model_or_preset(flag_values.model)
    if arguments:
        source = compressing.from_files(model, arguments, flag_values.color_mode)
    else:
        names = conditions_of_score(model, flag_values.unconditional)
        examples = flag_groups.load_examples(
            model, flag_values, labelled="label" in names
        )
        notes = {"dataset": flag_values.dataset, "split": flag_values.split}
        source = compressing.from_examples(examples, names, notes)
    print(compressing.expected(model, source), flush=True)
    data = compressing.compress(model, source, flag_values.batch_size)
    with replace_when_written(flag_values.output) as part:
        part.write_bytes(data)
    print(f"{len(source.images)} images in {flag_values.output}")
    sizes = [(flag_values.output, len(data), None)]
    if flag_values.compare:
        sizes += compressing.sizes_of_others(source, model.num_levels)
    print(compressing.size_table(sizes, source.num_values))


if __name__ == "__main__":
    programs.run(main, define_flags, takes_arguments=True)
