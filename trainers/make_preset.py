"""Makes a preset from a finished run: weights, record, card and samples.

python -m trainers.make_preset --workdir=runs/digits --name=gated_pixelcnn_digits \
    --description="..." --data="..."

The optimizer's state is left out. The record takes its numbers from the run's metrics.
"""

from absl import flags

from keras_pixelcnn import programs

SAMPLING = ("guidance_scale", "top_p", "temperature")
"""Arguments of `sample` that a preset can recommend."""


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("workdir", None, "Folder of the finished run.")
    define.string("name", None, "What from_preset shall take: letters, digits, _.")
    define.string("description", None, "One sentence.")
    define.string("data", None, "Name, source and licence of the training data.")
    define.list("label_names", None, "Names of the classes. Default: the model's.")
    define.string("commit", None, "Commit that trained it, if the run does not know.")
    define.string("output", None, "Folder of all presets. Default: the package's.")
    for argument in SAMPLING:
        define.float(
            argument,
            None,
            "It draws best so: the preset's picture is drawn so, its card says it, and "
            "trainers.sample does it with labels. Default: as trained.",
        )
    define.required(["workdir", "name", "description", "data"])


def main(flag_values: flags.FlagValues) -> None:
    """Makes the preset."""
    from trainers.presets.preset_making import make_preset

    sampling = {name: flag_values[name].value for name in SAMPLING}

    folder = make_preset(
        flag_values.workdir,
        flag_values.name,
        flag_values.description,
        flag_values.data,
        label_names=flag_values.label_names,
        commit=flag_values.commit,
        output=flag_values.output,
        sampling={name: value for name, value in sampling.items() if value is not None},
    )
    print(f"{flag_values.name} in {folder}")


if __name__ == "__main__":
    programs.run(main, define_flags)
