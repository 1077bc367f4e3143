"""Scores a model on a split of a dataset, exactly over all images.

python -m trainers.evaluate --model=runs/digits/model.keras --dataset=digits
"""

from absl import flags

from trainers import programs


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = {"flag_values": flag_values}
    flags.DEFINE_string("model", None, "The .keras file.", **define)
    flags.DEFINE_string(
        "dataset", None, 'What to score: "digits", a tfds name, folder:PATH.', **define
    )
    flags.DEFINE_string("split", "test", "The split of the dataset.", **define)
    flags.DEFINE_integer(
        "batch_size", 64, "Images scored at once.", lower_bound=1, **define
    )
    flags.DEFINE_integer(
        "num_levels",
        None,
        "Merges pixel values to so many levels. Default: as stored.",
        lower_bound=2,
        **define,
    )
    flags.DEFINE_list(
        "image_size", None, "height,width to scale to. Default: as stored.", **define
    )
    flags.DEFINE_enum(
        "color_mode",
        None,
        ["grayscale", "rgb"],
        "Colours to convert to. Default: as stored.",
        **define,
    )
    flags.DEFINE_string("data_dir", None, "Where tfds keeps its data.", **define)
    flags.register_validator(
        "image_size",
        lambda size: size is None or (len(size) == 2 and all(map(str.isdigit, size))),
        message="must be height,width, as 32,32",
        flag_values=flag_values,
    )
    flags.mark_flags_as_required(["model", "dataset"], flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Prints the scores."""
    # Here, so that a mistyped flag is told before TensorFlow loads.
    from keras_pixelcnn.models import load_model
    from trainers.scoring import score_split

    result = score_split(
        load_model(flag_values.model),
        flag_values.dataset,
        flag_values.split,
        batch_size=flag_values.batch_size,
        num_levels=flag_values.num_levels,
        image_size=_as_integers(flag_values.image_size),
        color_mode=flag_values.color_mode,
        data_dir=flag_values.data_dir,
    )
    print(f"bits per dimension  {result.bits_per_dim:.4f}")
    print(f"nats per image      {result.nats_per_image:.4f}")
    print(f"images              {result.num_images}")


def _as_integers(size: list[str] | None) -> tuple[int, ...] | None:
    return None if size is None else tuple(map(int, size))


if __name__ == "__main__":
    programs.run(main, define_flags)
