"""Tests of the program that scores each image."""

import csv
import sys

import numpy as np
import pytest
from PIL import Image

import keras_pixelcnn as kp
from keras_pixelcnn import anomaly, datasets, programs
from keras_pixelcnn.image_grid import image_grid
from keras_pixelcnn.pixel_values import to_pixels
from tests.datasets.image_folder import write_image
from tests.trainers.tiny_run import call, images_of, labels_of, tiny_model
from trainers import score as program
from trainers.scoring import score_maps


def read_scores(folder):
    with open(folder / "scores.csv", newline="") as file:
        return [
            [float(value) for value in row.values()] for row in csv.DictReader(file)
        ]


@pytest.fixture
def pictures(tmp_path):
    """Files of digits, whose names do not sort as the split's order is."""
    for number, image in enumerate(images_of("test")[:20]):
        name = ("three", "one")[number % 2]
        write_image(tmp_path / "pictures" / name / f"{number:02}.png", image[..., 0])
    return tmp_path / "pictures"


def read_picture(path):
    with Image.open(path) as picture:
        return np.asarray(picture)[np.newaxis, ..., np.newaxis]


def test_files_are_scored_by_name_all_of_them_and_as_their_own_class(
    pictures, tmp_path
):
    """A folder's own numbers of its classes are not the model's."""
    model = tiny_model(num_levels=256, num_classes=3, condition_dropout=0.5)
    model.label_names = ["one", "two", "three"]
    model.save(tmp_path / "model.keras")
    flags = [f"--model={tmp_path / 'model.keras'}", f"--dataset=folder:{pictures}"]
    call(program, *flags, f"--output={tmp_path}", "--batch_size=6")
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    paths = sorted(path.relative_to(pictures) for path in pictures.rglob("*.png"))
    assert [row["image"] for row in rows] == [path.as_posix() for path in paths]
    for row in rows:
        label = {"one": 0, "three": 2}[row["image"].split("/")[0]]
        nats = model.log_prob(read_picture(pictures / row["image"]), label=label)
        assert float(row["log_prob"]) == pytest.approx(float(nats[0]), rel=1e-4)
    expected = (tmp_path / "scores.csv").read_text()
    (pictures / "one").rename(pictures / "0")
    call(program, *flags, f"--output={tmp_path}", "--batch_size=6")
    assert sorted(expected.replace("one/", "0/").splitlines()) == sorted(
        (tmp_path / "scores.csv").read_text().splitlines()
    )
    (pictures / "0").rename(pictures / "four")
    told = r"folders of its classes, one, two, three\. Or .*uncondit.*Received: four"
    with pytest.raises(ValueError, match=told):
        call(program, *flags, f"--output={tmp_path}")
    call(program, *flags, f"--output={tmp_path}", "--unconditional")
    flags[1] = f"--dataset=folder:{pictures / 'four'}"
    with pytest.raises(ValueError, match="Received: no folders of classes"):
        call(program, *flags, f"--output={tmp_path}")


def test_images_are_told_how_strange_they_are(pictures, tmp_path, capsys, caplog):
    model = tiny_model(num_levels=256)
    model.save(tmp_path / "model.keras")
    flags = [f"--model={tmp_path / 'model.keras'}", f"--dataset=folder:{pictures}"]
    flags += [f"--reference=folder:{pictures}", "--reference_split=all"]
    flags += ["--maps", "--num_maps=3"]
    call(program, *flags, f"--output={tmp_path}", "--num_reference=15")
    assert "images of the reference are scored, too" in caplog.text
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    split = datasets.load(f"folder:{pictures}", "all", shuffle=False)
    usual = np.stack([each["image"] for each in split.take(15).as_numpy_iterator()])
    images = np.concatenate([read_picture(pictures / row["image"]) for row in rows])
    with Image.open(tmp_path / "maps.png") as picture:
        first = np.asarray(picture)[: 8 * 8 : 8, : 8 * 8 : 8, 0]
        assert picture.size == (2 * 65 - 1, 3 * 65 - 1)
    np.testing.assert_array_equal(first, images[0, ..., 0])
    nats, usual_nats = model.log_prob(images), model.log_prob(usual)
    expected = {
        "input_complexity": (
            anomaly.input_complexity(nats, images, 256),
            anomaly.input_complexity(usual_nats, usual, 256),
        ),
        "typicality": (
            anomaly.typicality(nats, usual_nats),
            anomaly.typicality(usual_nats, usual_nats),
        ),
    }
    for name, (scores, usual_scores) in expected.items():
        found = [[float(row[name + end]) for row in rows] for end in ("", "_p_value")]
        np.testing.assert_allclose(found[0], scores, rtol=1e-3, atol=1e-2)
        shares = anomaly.p_values(scores, usual_scores)
        np.testing.assert_allclose(found[1], shares, atol=1.1 / 16)
    printed = capsys.readouterr().out
    for name in expected:
        found = sum(float(row[f"{name}_p_value"]) <= 1 / 16 for row in rows)
        assert f"{name}_p_value: {found} of 20 images at most 0.0625" in printed
    assert "15 usual images give no p-value below 0.0625: 0.01 needs 99" in printed
    columns = {"a": np.ones(3), "a_p_value": np.array([0.005, 0.01, 0.011])}
    counted = score_maps.count_strange(columns, 200)
    assert counted == "a_p_value: 2 of 3 images at most 0.01"


def test_each_image_has_a_line_and_a_map(tmp_path, capsys):
    model = tiny_model()
    model.save(tmp_path / "model.keras")
    flags = [f"--model={tmp_path / 'model.keras'}", "--dataset=digits"]
    folder = tmp_path / "scores"
    call(program, *flags, f"--output={folder}", "--maps", "--num_images=8")
    images = images_of("test")[:8]
    nats = model.log_prob(images)
    np.testing.assert_allclose(
        read_scores(folder),
        np.stack([np.arange(8), nats, kp.bits_per_dim(nats, 64)], axis=1),
        rtol=1e-4,
    )
    assert capsys.readouterr().out.splitlines() == [
        str(folder / "scores.csv"),
        str(folder / "maps.png"),
    ]
    heat = anomaly.heat_map(
        anomaly.surprise_map(model.log_prob(images, reduce=False), 1)
    )
    grey = np.repeat(to_pixels(images, 17), 3, axis=-1)
    pairs = np.stack([grey, heat], axis=1).reshape(16, 8, 8, 3)
    with Image.open(folder / "maps.png") as picture:
        np.testing.assert_array_equal(
            np.asarray(picture), image_grid(pairs, columns=4, min_side=64)
        )


def test_images_are_scored_given_their_labels(tmp_path):
    model = tiny_model(num_classes=10, condition_dropout=0.5)
    model.save(tmp_path / "model.keras")
    flags = [f"--model={tmp_path / 'model.keras'}", "--dataset=digits"]
    flags += [f"--output={tmp_path}", "--num_images=5", "--batch_size=3"]
    call(program, *flags)
    images, labels = images_of("test")[:5], labels_of("test")[:5]
    found = [row[1] for row in read_scores(tmp_path)]
    np.testing.assert_allclose(found, model.log_prob(images, label=labels), rtol=1e-5)
    assert not (tmp_path / "maps.png").exists()
    call(program, *flags, "--unconditional")
    found = [row[1] for row in read_scores(tmp_path)]
    np.testing.assert_allclose(found, model.log_prob(images), rtol=1e-5)


def test_a_square_without_a_middle_is_told_at_once():
    with pytest.raises(Exception, match=r"map_size.*must be odd"):
        call(program, "--model=a", "--dataset=digits", "--output=b", "--map_size=2")


def test_what_maps_need_is_told_before_anything_is_scored(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError) as error:
        call(program, "--model=nowhere", "--dataset=digits", "--output=x", "--maps")
    told = programs.missing_extra(error.value)
    assert 'Run: pip install "keras-pixelcnn[report]"' in told
