"""Tests of the programs that compress: files under their names, datasets, tables."""

import os
import zlib

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from PIL import Image, ImageCms

from keras_pixelcnn.codecs import DamagedStreamError, read_header
from keras_pixelcnn.models import load_model
from tests.datasets.tiff_file import tiff
from tests.trainers.tiny_run import call, images_of, tiny_model
from trainers import compress, decompress
from trainers.compression import compressing, decompressing, picture_files


@pytest.fixture(scope="module")
def digits_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    tiny_model(num_classes=10, condition_dropout=0.1).save(path)
    return path


@pytest.fixture(scope="module", autouse=True)
def one_slice(module_monkeypatch):
    """Halves the time to trace."""
    module_monkeypatch.setattr(
        "keras_pixelcnn.codecs.pixelcnn_codec.most_slices_in_graphs", lambda: 1
    )


@pytest.fixture(scope="module")
def module_monkeypatch():
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield monkeypatch


def call_with_files(program, files, *arguments):
    values = flags.FlagValues()
    program.define_flags(values)
    rest = values([program.__name__, *map(str, [*arguments, *files])])
    program.main(values, rest[1:])


def picture(path, size=(8, 8), mode="L", levels=17, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = size if channels == 1 else (*size, channels)
    values = np.random.default_rng(len(path.name)).integers(0, levels, shape)
    Image.fromarray(values.astype("uint8"), mode).save(path, **options)
    return values.reshape(*size, channels)


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image).reshape(*image.size[::-1], -1)


def test_files_and_folders_come_back_under_their_names(digits_model, tmp_path, capsys):
    sizes = {
        "photos/a.png": (8, 8),
        "photos/deep/b.bmp": (9, 5),
        "photos/deep/c.png": (3, 20),
        "alone.png": (8, 8),
    }
    written = {name: picture(tmp_path / name, size) for name, size in sizes.items()}
    (tmp_path / "photos" / "notes.txt").write_text("left aside")
    picture(tmp_path / "photos" / ".hidden" / "d.png")
    stream, back = tmp_path / "images.kpxc", tmp_path / "back"
    flag = f"--model={digits_model}"
    files = [tmp_path / "photos", tmp_path / "alone.png"]
    call_with_files(compress, files, flag, f"--output={stream}")
    told = capsys.readouterr().out
    assert f"4 images in {stream}" in told
    for line in ("PNG", "WebP lossless", "JPEG XL", str(stream)):
        assert f"\n{line}" in told
    size, values = stream.stat().st_size, 64 + 45 + 60 + 64
    assert f"{size:,} bytes  {8 * size / values:7.4f} bits/dim" in told
    call(decompress, flag, f"--input={stream}", f"--output={back}")
    names = {name.replace(".bmp", ".bmp.png"): name for name in sizes}
    found = [p.relative_to(back).as_posix() for p in back.rglob("*") if p.is_file()]
    assert sorted(found) == sorted(names)
    for name, origin in names.items():
        np.testing.assert_array_equal(pixels(back / name), written[origin])
    with pytest.raises(FileExistsError, match="is there already"):
        call(decompress, flag, f"--input={stream}", f"--output={back}")


def test_a_dataset_comes_back_as_an_array_with_labels_or_without(
    digits_model, tmp_path, capsys
):
    stream, back = tmp_path / "test.kpxc", tmp_path / "test.npz"
    flag, images = f"--model={digits_model}", images_of("test")
    sizes = []
    for more in ([], ["--unconditional"]):
        arguments = [flag, f"--output={stream}", "--dataset=digits", "--nocompare"]
        call_with_files(compress, [], *arguments, "--batch_size=200", *more)
        sizes.append(len(read_header(stream.read_bytes()).conditions))
        call(decompress, flag, f"--input={stream}", f"--output={back}")
        np.testing.assert_array_equal(np.load(back)["image"], images)
    assert sizes[0] > 0 and sizes[1] == 0
    assert "PNG" not in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["a.png"]])
def test_files_or_a_dataset_are_asked_for(arguments, tmp_path):
    both = ["--dataset=digits"] if arguments else []
    with pytest.raises(ValueError, match="files and folders, or a dataset"):
        output = f"--output={tmp_path / 'x'}"
        call_with_files(compress, arguments, "--model=x.keras", output, *both)


def test_flags_of_datasets_are_not_for_files(tmp_path):
    """Once they were taken for nothing."""
    given = ["--image_size=16", "--unconditional"]
    with pytest.raises(ValueError, match="Received: --image_size, --unconditional"):
        output = f"--output={tmp_path / 'x'}"
        call_with_files(compress, ["a.png"], "--model=x.keras", output, *given)


def test_an_output_that_is_a_folder_is_told_at_once(tmp_path):
    with pytest.raises(IsADirectoryError, match="output must be a file"):
        arguments = ["--model=x.keras", f"--output={tmp_path}"]
        call_with_files(compress, ["a.png"], *arguments)


# Pictures that would not come back whole.


@pytest.mark.parametrize(
    ("mode", "told"), [("RGBA", "transparency"), ("LA", "transparency")]
)
def test_transparency_is_refused(tmp_path, mode, told):
    picture(tmp_path / "a.png", mode=mode)
    with pytest.raises(ValueError, match=told):
        picture_files.read(tmp_path / "a.png")


def test_other_than_8_bits_and_several_pictures_are_refused(tmp_path, monkeypatch):
    deep = Image.fromarray(np.full((4, 4), 40_000, "uint16"))
    deep.save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match="16 bits for each value"):
        picture_files.read(tmp_path / "deep.png")
    frames = [Image.new("L", (4, 4), value) for value in (1, 90)]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="2 pictures"):
        picture_files.read(tmp_path / "two.gif")
    told = r"2 of 2 files do not fit\. .*deep\.png .*two\.gif "
    with pytest.raises(ValueError, match=told):
        compressing.from_files(tiny_model(), [str(tmp_path)])
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ValueError, match=r"broken\.png cannot be read"):
        picture_files.read(tmp_path / "broken.png")
    Image.new("1", (20, 20)).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match=r"huge\.png cannot be read"):
        picture_files.read(tmp_path / "huge.png")


def test_colours_of_more_than_8_bits_are_refused(tmp_path):
    """Once their low bytes were lost: Pillow opens such files as RGB."""
    deep = np.arange(4 * 5 * 3).reshape(4, 5, 3) * 1000 % 65_536
    (tmp_path / "a.png").write_bytes(tf.io.encode_png(deep.astype("u2")).numpy())
    ppm = {65_535: "16", 1023: "10"}
    for most in ppm:
        content = b"P6\n5 4\n%d\n" % most + (deep % (most + 1)).astype(">u2").tobytes()
        (tmp_path / f"{most}.ppm").write_bytes(content)
    (tmp_path / "text.ppm").write_text("P3 2 1 65535 256 1 2 65535 300 301")
    told = {
        "a.png": "16",
        "text.ppm": "16",
        **{f"{most}.ppm": bits for most, bits in ppm.items()},
    }
    for name, bits in told.items():
        with pytest.raises(ValueError, match=f"{bits} bits for each value"):
            picture_files.read(tmp_path / name)


@pytest.mark.parametrize(("bits", "photometric", "samples"), [(8, 2, 4), (8, 1, 2)])
def test_values_that_are_no_colours_are_refused(tmp_path, bits, photometric, samples):
    values = bytes(range(2 * samples))
    file = tiff(2, 1, values, bits, photometric, samples)
    (tmp_path / "a.tif").write_bytes(file)
    with pytest.raises(ValueError, match="more values a pixel"):
        picture_files.read(tmp_path / "a.tif")


def test_colour_profiles_are_told(digits_model, tmp_path, caplog):
    picture(tmp_path / "a.png")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture(tmp_path / "b.png", icc_profile=profile)
    compressing.from_files(load_model(digits_model), [tmp_path])
    assert "1 of 2 files have colour profiles" in caplog.text
    assert "/b.png" in caplog.text and "/a.png" not in caplog.text


def test_a_pipe_is_told_and_not_read(tmp_path):
    picture(tmp_path / "a.png")
    os.mkfifo(tmp_path / "x.png")
    (_, pipe) = picture_files.find([tmp_path])
    with pytest.raises(ValueError, match="no regular file"):
        picture_files.read(pipe.path)


def test_pictures_that_do_not_fit_the_model_are_told(digits_model, tmp_path):
    model = load_model(digits_model)
    picture(tmp_path / "bright.png", levels=256)
    with pytest.raises(ValueError, match=r"in \[0, 17\)"):
        compressing.from_files(model, [tmp_path / "bright.png"])
    picture(tmp_path / "color.png", mode="RGB")
    with pytest.raises(ValueError, match=r"1 channels, and .* has 3"):
        compressing.from_files(model, [tmp_path / "color.png"])
    converted = compressing.from_files(model, [tmp_path / "color.png"], "grayscale")
    assert converted.images[0].shape == (8, 8, 1)


def test_a_model_that_needs_labels_takes_no_files(tmp_path):
    picture(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"needs the conditions \['label'\]"):
        compressing.from_files(tiny_model(num_classes=3), [tmp_path / "a.png"])


def test_missing_files_and_names_that_are_the_same_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        picture_files.find([tmp_path / "nothing.png"])
    with pytest.raises(FileNotFoundError, match="no picture in"):
        picture_files.find([tmp_path])
    for folder in ("a", "b"):
        picture(tmp_path / folder / "same.png")
    with pytest.raises(ValueError, match="names of their own"):
        picture_files.find([tmp_path / "a/same.png", tmp_path / "b/same.png"])


@pytest.mark.parametrize(
    "names",
    [
        ("IMG.png", "img.png"),
        ("a.bmp", "a.bmp.png"),
        ("A.bmp", "a.bmp.PNG"),
        ("\N{LATIN SMALL LETTER E WITH ACUTE}.png", "e\N{COMBINING ACUTE ACCENT}.png"),
    ],
)
def test_names_under_which_files_could_not_come_back_are_refused(tmp_path, names):
    """When they are compressed, not when it is too late."""
    for name in names:
        picture(tmp_path / name)
    with pytest.raises(ValueError, match="names of their own"):
        picture_files.find([tmp_path])


def test_a_file_named_as_the_folder_of_another_is_refused(tmp_path):
    picture(tmp_path / "a.png" / "b.png")
    picture(tmp_path / "c" / "A.png")
    with pytest.raises(ValueError, match="none of them another's folder"):
        picture_files.find([tmp_path / "a.png", tmp_path / "c" / "A.png"])


# Streams that anybody can have made.


@pytest.mark.parametrize(
    "name",
    [
        *("../a.png", "/a.png", "a/../../b", "a//b", "", ".", "a\\b", "C:a", "a\0"),
        *("a\n", "CON.png", "a/nul", "com1.tar.png", "a./x.png", "a /x.png", "a."),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="below their folder"):
        picture_files.write(tmp_path / "out", [np.zeros((2, 2, 1), int)], [name])
    assert not list(tmp_path.iterdir())


def test_nothing_is_half_written(tmp_path):
    images = [np.zeros((2, 2, 1), int), np.zeros((2, 2, 2), int)]
    with pytest.raises(ValueError, match="PNG files have 1 or 3 channels"):
        picture_files.write(tmp_path / "out", images, ["a", "b"])
    for names in (["a", "A.png"], ["a", "a"], ["a.png/b", "A"]):
        with pytest.raises(ValueError, match="names of their own"):
            picture_files.write(tmp_path / "out", images[:1] * 2, names)
    assert not list(tmp_path.iterdir())


def test_more_than_8_bits_are_written_as_16(tmp_path):
    image = np.array([[[0], [65_535]], [[256], [7]]])
    picture_files.write(tmp_path / "out", [image], ["a.png"])
    np.testing.assert_array_equal(pixels(tmp_path / "out" / "a.png"), image)


@pytest.mark.parametrize(
    "metadata",
    [
        b"names",
        compressing.pack({"names": ["a"]}),
        compressing.pack({"names": [1, 2]}),
        compressing.pack({"names": "ab"}),
        compressing.pack({"names": {"a": 1, "b": 2}}),
        zlib.compress(b"[]"),
        zlib.compress(b"[" * 200_000),
        zlib.compress(b"[" + b"[]," * 2**20 + b"[]]"),
    ],
    ids=lambda metadata: f"{len(metadata)} bytes",
)
def test_notes_that_make_no_sense_are_told(metadata):
    with pytest.raises(DamagedStreamError, match=r"notes|name for each"):
        decompressing.unpack(metadata, 2)


def test_notes_that_could_not_be_read_again_are_refused():
    with pytest.raises(ValueError, match="leave some out"):
        compressing.pack({"names": ["a" * 2000] * 5000})


def test_an_array_holds_images_of_one_size(tmp_path):
    images = [np.zeros((2, 2, 1), int), np.zeros((2, 3, 1), int)]
    with pytest.raises(ValueError, match="images of one size"):
        decompressing.save(str(tmp_path / "a.npz"), images, None)


# The command.


def test_the_command_takes_files(run, tmp_path):
    result = run("compress", "--model=m.keras", "--output=x", str(tmp_path / "a.png"))
    assert result.returncode == 1
    assert "error: m.keras must be a .keras file" in result.stderr
    refused = run("decompress", "--model=m", "--input=x", "--output=y", "z.png")
    assert "Only flags are expected. Received: z.png" in refused.stderr


def test_what_cannot_be_written_is_told_before_anything_is_decoded(
    digits_model, tmp_path, monkeypatch
):
    picture(tmp_path / "in" / "a.png")
    stream = tmp_path / "a.kpxc"
    arguments = [f"--model={digits_model}", f"--output={stream}", "--nocompare"]
    call_with_files(compress, [tmp_path / "in"], *arguments)
    monkeypatch.setattr(decompressing, "decompress", lambda *_: pytest.fail("decoded"))
    with pytest.raises(FileExistsError, match="is there already"):
        call(
            decompress,
            f"--model={digits_model}",
            f"--input={stream}",
            f"--output={tmp_path / 'in'}",
        )


# What is told before, during and after.


def test_without_a_terminal_a_line_tells_of_progress_at_times(monkeypatch, capsys):
    monkeypatch.setattr(compressing, "_SECONDS_BETWEEN_LINES", 0.0)
    progress = compressing.CodingProgress(200, 64)
    progress(50, 400)
    progress.close()
    assert "50 of 200 tiles, 1.000 bits/dim, about" in capsys.readouterr().err


def test_the_table_says_what_it_means_where_others_are_smaller():
    sizes = [("out.kpxc", 100, None), ("PNG", 90, None), ("WebP lossless", 120, None)]
    assert "Smaller without the model: PNG." in compressing.size_table(sizes, 100)
    assert "Smaller" not in compressing.size_table(sizes[::2], 100)


def test_the_time_that_is_foretold_holds_the_making_of_the_graph(monkeypatch):
    model = tiny_model()
    images = images_of("test")[:8].astype("uint8")
    moments = iter([0.0, 5.0, 6.0])
    monkeypatch.setattr(compressing.time, "monotonic", lambda: next(moments, 6.0))
    source = compressing.Source(list(images), {}, {})
    guess = compressing.estimate(model, source)
    assert guess.seconds == pytest.approx(3.2 * 1.0 + 3.0 * 4.0)
