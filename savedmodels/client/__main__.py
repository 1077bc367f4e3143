"""Draws images by a served model, and writes them as a picture.

python -m savedmodels.client --address=http://127.0.0.1:8501 --model=digits --label=3

A model with labels draws a row for each of --label=0,3,5 or --label=all. --complete and
--mask draw the rest of an image: what is white in the mask is kept.
"""

from absl import flags

from savedmodels.client import Client, ClientError
from trainers.command_line import programs


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    _define_server_flags(flag_values)
    define = {"flag_values": flag_values}
    flags.DEFINE_integer(
        "num_samples",
        16,
        "How many images; with --label of each label.",
        lower_bound=1,
        **define,
    )
    flags.DEFINE_integer("seed", 0, "The same seed gives the same images.", **define)
    flags.DEFINE_float(
        "temperature", 1.0, "Less than 1 draws closer to the modes.", **define
    )
    flags.DEFINE_list(
        "label", None, 'Labels, a row of images each: 3 or 0,3,5, or "all".', **define
    )
    for name, what in {"embedding": "vector", "spatial": "map"}.items():
        help_text = f".npy of one {what}, or of one for each image."
        flags.DEFINE_string(name, None, help_text, **define)
    flags.DEFINE_string("complete", None, "Image to draw the rest of.", **define)
    flags.DEFINE_string(
        "mask", None, "Image of what is known of it: white, else black.", **define
    )
    flags.DEFINE_string("output", "samples.png", "PNG of all images.", **define)
    flags.register_multi_flags_validator(
        ["complete", "mask"],
        lambda values: (values["complete"] is None) == (values["mask"] is None),
        message="pass both: the image, and the mask of what is known of it",
        flag_values=flag_values,
    )


def _define_server_flags(flag_values: flags.FlagValues) -> None:
    define = {"flag_values": flag_values}
    flags.DEFINE_string(
        "address",
        "http://127.0.0.1:8501",
        "Of the server: http://host:port for REST, grpc://host:port for gRPC.",
        **define,
    )
    flags.DEFINE_string("model", "pixelcnn", "The model's name.", **define)
    flags.DEFINE_integer("version", None, "Default: the newest.", **define)
    flags.DEFINE_string(
        "version_label", None, 'Label of the version, as "stable".', **define
    )
    flags.DEFINE_float("timeout", 60.0, "Seconds for all images.", **define)


def main(flag_values: flags.FlagValues) -> None:
    """Draws and writes."""
    server = ("address", "model", "version", "version_label", "timeout")
    try:
        with Client(**{name: flag_values[name].value for name in server}) as client:
            _draw(client, flag_values)
    except ClientError as error:
        # Which the program tells in one line, whatever its kind.
        raise ValueError(str(error)) from error


def _draw(client: Client, flag_values: flags.FlagValues) -> None:
    # Here, so that a mistyped address is told before TensorFlow loads.
    client.metadata()
    from savedmodels.client import pictures
    from trainers.sampling import sampling

    known = None
    if flag_values.complete is not None:
        known = pictures.read_known_image(
            client, flag_values.complete, flag_values.mask
        )
    samples = pictures.draw(
        client,
        flag_values.num_samples,
        flag_values.label,
        sampling.read_arrays(
            embedding=flag_values.embedding, spatial=flag_values.spatial
        ),
        known,
        seed=flag_values.seed,
        temperature=flag_values.temperature,
    )
    sampling.save_picture(flag_values.output, samples, known)
    print(f"{len(samples.images)} images in {flag_values.output}")


if __name__ == "__main__":
    programs.run(main, define_flags)
