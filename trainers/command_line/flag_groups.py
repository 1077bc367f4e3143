"""Flags that several programs share."""

import os
import pathlib
from collections.abc import Iterable
from typing import Any

from absl import flags
from ml_collections import config_flags
from ml_collections.config_flags.config_flags import ConfigFileFlagParser

from keras_pixelcnn import programs
from keras_pixelcnn.checks import near_name

CONFIGS = pathlib.Path(__file__).parents[1] / "configs"

STRATEGIES = {
    "auto": "as many as there are",
    "one": "a single one",
    "mirrored": "all GPUs of this machine, or its CPUs if it has none",
    "multi_worker": "those of the machines that TF_CONFIG names",
    "parameter_server": "refused, with the reason",
}


def define_config_flag(flag_values: flags.FlagValues) -> None:
    """Adds the flag of the config, whose fields become flags, too."""
    config_flags.DEFINE_config_file(
        "config",
        help_string="The run's config: the name of one of the package's, such as "
        '"folder" for your own pictures, or a Python file with get_config().',
        flag_values=flag_values,
    )
    flag_values["config"].parser = _ConfigParser("config")


class _ConfigParser(ConfigFileFlagParser):
    """Finds configs of the package by their names, and others by their paths."""

    def parse(self, path: str) -> Any:
        """Loads the config; see `ConfigFileFlagParser`.

        Raises:
            FileNotFoundError: when there is no such file, and none of that name.
        """
        name, *argument = path.split(":", 1)
        known = sorted(file.stem for file in CONFIGS.glob("[a-z]*.py"))
        if name in known and not os.path.isfile(name):
            name = str(CONFIGS / f"{name}.py")
        elif name.removesuffix(".py") == name and not os.path.isfile(name):
            raise FileNotFoundError(
                "--config must be the path of a Python file, or one of the names "
                f"{', '.join(known)}. Received: {name!r}{near_name(name, known)}"
            )
        return super().parse(":".join([name, *argument]))


def define_run_flags(
    flag_values: flags.FlagValues, strategies: Iterable[str] = STRATEGIES
) -> None:
    """Adds the flags that say what is trained, where, and what may go wrong.

    Args:
        flag_values: to add to.
        strategies: names that --strategy takes. Empty: only --config and --workdir are
            added.
    """
    define = programs.FlagDefiner(flag_values)
    define_config_flag(flag_values)
    define.string("workdir", None, "Folder of the run: its results, checkpoints, logs.")
    define.required(["config", "workdir"])
    names = list(strategies)
    if not names:
        return
    define.enum(
        "strategy",
        "auto",
        names,
        "Which devices train. "
        + "; ".join(f"{name}: {STRATEGIES[name]}" for name in names)
        + ".",
    )
    define.enum(
        "on_nonfinite",
        "stop",
        ["stop", "skip"],
        "What to do at a step whose loss or gradient is not a finite number: stop with "
        "an error, or skip the step and go on.",
    )


def define_data_flags(
    flag_values: flags.FlagValues,
    split: str | None = "test",
    split_help: str = "The split of the dataset, of tfds also as train[:90%].",
) -> None:
    """Adds the flags that say which images, and in which form."""
    define = programs.FlagDefiner(flag_values)
    define.string(
        "dataset",
        None,
        'Which images: "digits", "captions", a tfds name, emoji:PATH, folder:PATH, '
        "glyphs:PATH, idx:PATH, patches:PATH.",
    )
    define.string("split", split, split_help)
    define.integer(
        "num_levels",
        None,
        "Merges pixel values to so many levels, which must be as many as the model's. "
        "Default: the model's.",
        lower_bound=2,
    )
    define.list(
        "image_size",
        None,
        "height,width to scale to, or one number for both, which must be the model's. "
        "Default: the model's.",
    )
    define.enum(
        "color_mode",
        None,
        ["grayscale", "rgb"],
        "Colours to convert to. Default: the model's, but files to compress keep "
        "their own.",
    )
    define.string(
        "data_dir",
        None,
        "Where tfds keeps its data. Default: TFDS_DATA_DIR, or ~/tensorflow_datasets.",
    )
    define.check(
        "image_size",
        lambda size: (
            size is None or (len(size) in (1, 2) and all(map(str.isdigit, size)))
        ),
        "must be height,width, as 32,24, or one number for both, as 32",
    )


def load_examples(
    model: Any,
    flag_values: flags.FlagValues,
    split: str | None = None,
    dataset: str | None = None,
    **options: Any,
) -> Any:
    """Loads the images that the flags name, in a model's form.

    Args:
        model: whose shape and levels they must have.
        flag_values: of `define_data_flags`, parsed.
        split: the split of the dataset. Default: the one that the flags name.
        dataset: its name. Default: the one that the flags name.
        **options: labelled, cache and with_path, as of `scoring.load_examples`.

    Raises:
        ValueError: as that does.
    """
    from trainers.scoring import scoring  # which loads TensorFlow

    size = flag_values.image_size
    return scoring.load_examples(
        model,
        flag_values.dataset if dataset is None else dataset,
        flag_values.split if split is None else split,
        num_levels=flag_values.num_levels,
        image_size=size and (int(size[0]), int(size[-1])),
        color_mode=flag_values.color_mode,
        data_dir=flag_values.data_dir,
        **options,
    )


def define_sampling_flags(flag_values: flags.FlagValues) -> None:
    """Adds the flags that say how images are sampled."""
    define = programs.FlagDefiner(flag_values)
    define.integer("seed", 0, "The same seed gives the same images.")
    define.float("temperature", 1.0, "Above 0; below 1 samples closer to the modes.")
    define.float(
        "top_p",
        None,
        "Samples each value from the likeliest levels that together have this "
        "probability, in (0, 1]. Default: from all.",
    )
    define.float(
        "guidance_scale",
        None,
        "Above 1 exaggerates what the conditions change, 0 leaves them aside, at up to "
        "twice the time; for models trained with condition_dropout. Default: neither.",
    )


def sampling_options(flag_values: flags.FlagValues) -> dict[str, Any]:
    """Returns how images are sampled, as a model's `sample` takes it."""
    names = ("seed", "temperature", "top_p", "guidance_scale")
    return {name: flag_values[name].value for name in names}
