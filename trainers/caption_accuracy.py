"""Measures how many of a model's pictures show what their captions say.

python -m trainers.train --config=captions --workdir=runs/captions
python -m trainers.caption_accuracy --model=runs/captions/model.keras \
    --guidance_scale=1.5 --output=captions.png

The captions are those of the test split, about combinations of colour and shape that no
training picture shows. A program counts and locates the shapes.
"""

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("model", None, "The .keras file, or a preset's name.")
    define.enum(
        "split", "test", ["train", "validation", "test"], "The split of the captions."
    )
    define.count("num_samples", 500, "How many pictures, one for each caption.")
    define.count("batch_size", 100, "Pictures sampled at once.")
    define.string("output", None, "PNG of all pictures. Default: not written.")
    flag_groups.define_sampling_flags(flag_values)
    define.required(["model"])


def main(flag_values: flags.FlagValues) -> None:
    """Prints the shares."""
    from keras_pixelcnn.image_grid import save_image_grid
    from keras_pixelcnn.pretrained import load_model_or_preset
    from trainers.scoring import caption_accuracy

    model = load_model_or_preset(flag_values.model)
    found = caption_accuracy.measure(
        model,
        flag_values.num_samples,
        flag_values.split,
        flag_values.batch_size,
        **flag_groups.sampling_options(flag_values),
    )
    print(f"right colours and shapes  {found.kinds:.4f}")
    print(f"and numbers and sizes     {found.counts:.4f}")
    print(f"and places                {found.places:.4f}")
    print(f"samples                   {len(found.images)}")
    if flag_values.output is not None:
        save_image_grid(flag_values.output, found.images, model.num_levels)
        print(f"pictures in {flag_values.output}, in rows; the first captions:")
        print("\n".join(found.captions[:10]))


if __name__ == "__main__":
    programs.run(main, define_flags)
