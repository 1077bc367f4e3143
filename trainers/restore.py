"""Restores degraded images, and compares with a method that learns nothing.

python -m trainers.train --config=restore:inpainting \
    --config.dataset=idx:/usr/share/datasets/fashion-mnist --workdir=runs/inpainting
python -m trainers.restore --task=inpainting --model=runs/inpainting/model.keras \
    --dataset=idx:/usr/share/datasets/fashion-mnist --output=restored

Prints the peak signal-to-noise ratio of the baseline, of a sample and of the mean of
several, and the exact bits per dimension of the originals given the degraded images (of
images with holes, of what the holes hide); writes them as restored.json beside the
picture restored.png.
"""

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("model", None, "The .keras file, or a preset's name.")
    define.string("task", None, "What config.task was in training, as denoising.")
    flag_groups.define_data_flags(flag_values)
    define.string("output", None, "The folder to write to.")
    define.count("num_images", 200, "Restores so many images, the first of the split.")
    define.count("num_samples", 8, "Samples of each image.")
    define.count("batch_size", 64, "Images sampled at once.")
    flag_groups.define_sampling_flags(flag_values)
    define.required(["model", "task", "dataset", "output"])


def main(flag_values: flags.FlagValues) -> None:
    """Restores, writes and prints."""
    from keras_pixelcnn.pretrained import load_model_or_preset
    from trainers.restoration import restoring
    from trainers.runs.data import as_arrays

    model = load_model_or_preset(flag_values.model)
    examples = flag_groups.load_examples(model, flag_values, cache=False)
    restored = restoring.restore(
        model,
        flag_values.task,
        as_arrays(examples.take(flag_values.num_images)).image,
        flag_values.num_samples,
        flag_values.batch_size,
        **flag_groups.sampling_options(flag_values),
    )
    for name, figure in restored.figures().items():
        print(f"{name:40}{figure:8.4f}")
    print(restoring.write(flag_values.output, restored))


if __name__ == "__main__":
    programs.run(main, define_flags)
