"""Writes a saved model as a SavedModel, for TF Serving and programs without Python.

python -m savedmodels.export --model=model.keras --output=served/pixelcnn/1
"""

from absl import flags

from trainers import programs


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = {"flag_values": flag_values}
    flags.DEFINE_string("model", None, "The .keras file to export.", **define)
    flags.DEFINE_string(
        "output",
        None,
        "The directory to write, which must not exist; for TF Serving "
        "<base>/<version number>.",
        **define,
    )
    flags.mark_flags_as_required(["model", "output"], flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Exports the model that the flags name."""
    from keras_pixelcnn.models import load_model

    load_model(flag_values.model).export(flag_values.output)


if __name__ == "__main__":
    programs.run(main, define_flags)
