"""Gives back the pictures that trainers.compress has compressed.

python -m trainers.decompress --model=model.keras --input=images.kpxc --output=folder
python -m trainers.decompress --model=model.keras --input=test.kpxc --output=test.npz

Pictures come as PNG files, under their names, into a new folder; with an .npz file as
output as one array "image".
"""

from absl import flags

from keras_pixelcnn import programs


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("model", None, "A .keras file, or a preset's name.")
    define.string("input", None, "What trainers.compress wrote.")
    define.string("output", None, "A new folder, or an .npz file.")
    define.required(["model", "input", "output"])


def main(flag_values: flags.FlagValues) -> None:
    """Decompresses a file."""
    import pathlib

    from keras_pixelcnn.codecs import read_header
    from keras_pixelcnn.pretrained import load_model_or_preset
    from trainers.compression import compressing, decompressing

    data = pathlib.Path(flag_values.input).read_bytes()
    header = read_header(data)
    notes = decompressing.unpack(header.metadata, header.num_images)
    decompressing.check_output(flag_values.output, header, notes.get("names"))
    model = load_model_or_preset(flag_values.model)
    images = decompressing.decompress(model, data, header)
    decompressing.save(flag_values.output, images, notes.get("names"))
    print(f"{len(images)} images in {flag_values.output}")
    if header.num_values:
        sizes = [(flag_values.input, len(data), None)]
        print(compressing.size_table(sizes, header.num_values))


if __name__ == "__main__":
    programs.run(main, define_flags)
