"""Tests of the text files: batching parameters and which models to serve."""

import pytest

from savedmodels.server import BatchingParameters, ModelConfig
from savedmodels.server.batching_parameters import read_batching_parameters
from savedmodels.server.model_config import read_model_configs


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "file.txt"
        path.write_text(text)
        return path

    return write


def test_batching_parameters(file):
    path = file(
        """
        # As TensorFlow Serving has it.
        max_batch_size { value: 32 }
        batch_timeout_micros { value: 0 }
        max_enqueued_batches { value: 7 }
        num_batch_threads { value: 4 }
        thread_pool_name { value: "pool" }
        allowed_batch_sizes: 8
        allowed_batch_sizes: 32
        pad_variable_length_inputs: true
        """
    )
    expected = BatchingParameters(32, 0, 4, 7, (8, 32))
    assert read_batching_parameters(path) == expected
    assert [expected.padded(rows) for rows in (1, 8, 9, 32)] == [8, 8, 32, 32]


def test_parameters_that_are_missing_have_defaults(file):
    assert read_batching_parameters(file("")) == BatchingParameters()
    assert BatchingParameters().padded(13) == 13


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_batch_size: 32", "such as"),
        ("max_batch { value: 1 }", "max_batch"),
        ("max_batch_size { value: 0 }", "max_batch_size must be at least 1.*0"),
        ("num_batch_threads { value: -1 }", "num_batch_threads must be at least 1"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be at least"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: 4", "must increase.*8.*4"),
        ("allowed_batch_sizes: 64 allowed_batch_sizes: 64", "must increase"),
        ("allowed_batch_sizes: 0 allowed_batch_sizes: 64", "at least 1"),
    ],
)
def test_batching_parameters_that_are_impossible(file, text, words):
    with pytest.raises(ValueError, match=rf"(?s)must be a text file.*{words}"):
        read_batching_parameters(file(text))


def test_models(file, tmp_path):
    path = file(
        f"""model_config_list {{
          config {{ name: "a" base_path: "{tmp_path}" model_platform: "tensorflow" }}
          config {{
            name: "b" base_path: "{tmp_path}"
            model_version_policy {{ specific {{ versions: 2 versions: 5 }} }}
            version_labels {{ key: "stable" value: 2 }}
          }}
          config {{
            name: "c" base_path: "{tmp_path}" model_version_policy {{ all {{ }} }}
          }}
          config {{
            name: "d" base_path: "{tmp_path}"
            model_version_policy {{ latest {{ num_versions: 2 }} }}
          }}
        }}"""
    )
    base = str(tmp_path)
    assert read_model_configs(path) == {
        "a": ModelConfig(base),
        "b": ModelConfig(base, specific=(2, 5), version_labels={"stable": 2}),
        "c": ModelConfig(base, latest=None),
        "d": ModelConfig(base, latest=2),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models {}", "must be a text file"),
        ("custom_model_config {}", "model_config_list"),
        ('model_config_list { config { name: "m" base_path: "/no/where" } }', "folder"),
        ("model_config_list { config { base_path: '.' } }", "name.*at least one"),
        (
            "model_config_list { config { name: 'm' base_path: '.' } "
            "config { name: 'm' base_path: '.' } }",
            "once. Received: m twice",
        ),
        (
            "model_config_list { config { name: 'm' base_path: '.' "
            "model_version_policy { specific { } } } }",
            "specific must name versions",
        ),
    ],
)
def test_models_that_are_impossible(file, text, words):
    with pytest.raises(ValueError, match=words):
        read_model_configs(file(text))


@pytest.mark.parametrize("read", [read_batching_parameters, read_model_configs])
def test_files_that_cannot_be_read(read, tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "bytes"):
        with pytest.raises(ValueError, match=f"{path} must be a text file of Tensor"):
            read(path)
