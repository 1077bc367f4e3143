"""Builders of tfds datasets, and checks that their data is whole."""

import contextlib
import difflib
import io
import os
import re
from collections.abc import Iterator
from typing import Any
from unittest import mock

from keras_pixelcnn.datasets.errors import DatasetUnavailableError

# tfds's own 10 take 205 seconds to find out that there is no internet.
_DOWNLOAD_RETRIES = 2
_MOST_FILES = 10

_MNIST_FAMILY = ("mnist", "fashion_mnist", "kmnist")
"""Datasets whose original files `idx` reads."""


def find_builder(name: str, data_dir: str | os.PathLike[str] | None) -> Any:
    """Returns the tfds builder of a dataset; downloads nothing.

    Args:
        name: name, with "/config" and ":version" where wanted.
        data_dir: where tfds keeps its data, or None for tfds's default.

    Returns:
        A `tfds.core.DatasetBuilder`.

    Raises:
        ValueError: if there is no such dataset, config or version.
        DatasetUnavailableError: if its data folder cannot be made sense of.
    """
    import tensorflow_datasets as tfds

    folder = os.path.expanduser(data_dir) if data_dir is not None else None
    try:
        return tfds.builder(name, data_dir=folder)
    except (AssertionError, ImportError, TypeError, ValueError) as error:
        known = tfds.list_builders(with_community_datasets=False)
        raise ValueError(_explain_name(name, known, error)) from error
    except Exception as error:  # half-written metadata fails in many ways
        raise DatasetUnavailableError(
            f"The data of {name!r} in {folder or 'the data folder of tfds'} cannot be "
            f"read ({_describe(error)}). Delete its folder there and load it again."
        ) from error


def prepare(name: str, builder: Any) -> None:
    """Downloads and prepares a dataset unless that was done before.

    Args:
        name: what the caller named the dataset.
        builder: a `tfds.core.DatasetBuilder`.

    Raises:
        DatasetUnavailableError: if that fails, or if an earlier attempt left a
            folder without its metadata.
    """
    if (builder.data_path / "dataset_info.json").exists():
        return
    if builder.data_path.exists():
        # tfds would take the folder's existence for success.
        raise DatasetUnavailableError(
            f"The data folder {builder.data_path} of {name!r} is not whole: "
            f"dataset_info.json is missing. {_ways_to_mend(name)}"
        )
    try:
        with _quietly():
            builder.download_and_prepare()
    except Exception as error:  # connections, checksums, disk space, missing packages
        raise DatasetUnavailableError(_explain_failure(name, builder, error)) from error


def check_data(name: str, builder: Any, split: str) -> None:
    """Checks that the files of a split are complete.

    Args:
        name: what the caller named the dataset.
        builder: a prepared `tfds.core.DatasetBuilder`.
        split: a split of the dataset, slices and sums of splits included.

    Raises:
        ValueError: if there is no such split.
        DatasetUnavailableError: if a file is missing or cut short.
    """
    splits = builder.info.splits
    if not splits:  # tfds.testing.mock_data gives examples without any files
        return
    try:
        wanted = splits[split]
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"`split` must be a split of {name!r}: "
            f"{', '.join(map(repr, splits))}, or a slice or sum of these such as "
            f"'train[:90%]', received {split!r}. {error}"
        ) from error
    missing = [path.name for path in wanted.filepaths if not path.exists()]
    lacking = f"{', '.join(missing)} missing" if missing else _cut_short(splits, wanted)
    if lacking:
        raise DatasetUnavailableError(
            f"The data folder {builder.data_path} of {name!r} is not whole: "
            f"{lacking}. {_ways_to_mend(name)}"
        )


def _cut_short(splits: Any, wanted: Any) -> str:
    """Names the splits whose files hold fewer bytes than were written."""
    paths = set(wanted.filepaths)
    short = [
        name
        for name, info in splits.items()
        if paths.issuperset(info.filepaths)
        and sum(path.stat().length for path in info.filepaths) < info.num_bytes
    ]
    return f"the files of {', '.join(map(repr, short))} are cut short" if short else ""


def _explain_name(name: str, known: list[str], error: Exception) -> str:
    base = re.split("[/:]", name)[0]
    if base in known:
        return f"tensorflow-datasets cannot load {name!r}: {error}"
    close = difflib.get_close_matches(base.lower(), ["digits", "captions", *known], n=5)
    closest = f" The closest names are {', '.join(map(repr, close))}." if close else ""
    if os.path.isdir(name):
        closest = f" There is a folder of this name: pass 'folder:{name}'."
    return (
        f"There is no dataset {name!r}.{closest} `name` must be 'digits', 'captions', "
        "a name that tensorflow-datasets knows, with '/config' and ':version' where "
        "wanted, 'emoji:PATH', 'folder:PATH', 'glyphs:PATH', 'idx:PATH' or "
        "'patches:PATH'."
    )


def _explain_failure(name: str, builder: Any, error: Exception) -> str:
    root, part = builder.data_dir_root, builder.info.full_name
    return (
        f"Dataset {name!r} is not prepared in {builder.data_path} and could not be "
        f"downloaded ({_describe(error)}).{_list_downloads(builder)} Without a "
        "connection, do one of these: on a machine that has one, run "
        f"tfds.load({name!r}, data_dir='DIR') and copy DIR/{part} to {root}/{part}; "
        f"put the files it needs into {root}/downloads/manual and load again, or "
        f"prepare it from another folder with tfds.builder({name!r}, "
        f"data_dir='{root}').download_and_prepare(download_config="
        "tfds.download.DownloadConfig(manual_dir='FOLDER')); or load "
        f"{_other_source(builder.name)}."
    )


def _other_source(name: str) -> str:
    if name not in _MNIST_FAMILY:
        return "images of your own with 'folder:PATH'"
    package = ""
    if name == "fashion_mnist":
        package = (
            "; Debian's package dataset-fashion-mnist puts them into "
            "/usr/share/datasets/fashion-mnist"
        )
    return f"the original files from a folder with 'idx:FOLDER'{package}"


def _list_downloads(builder: Any) -> str:
    files = [
        f"{file.filename or 'unnamed'} ({file.size}) from {url}"
        for url, file in (builder.url_infos or {}).items()
    ]
    more = f" and {len(files) - _MOST_FILES} more" if len(files) > _MOST_FILES else ""
    return f" It needs {', '.join(files[:_MOST_FILES])}{more}." if files else ""


def _ways_to_mend(name: str) -> str:
    return (
        "It may have been copied or written in part. Copy it again, or delete it and "
        f"load {name!r} again to download it."
    )


def _describe(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Silences progress bars and announcements, and shortens retries."""
    from tensorflow_datasets.core.download import downloader
    from tensorflow_datasets.core.utils import tqdm_utils

    with (
        contextlib.redirect_stdout(io.StringIO()),
        mock.patch.object(downloader, "MAX_RETRIES", _DOWNLOAD_RETRIES),
        mock.patch.object(tqdm_utils, "_active", False),
    ):
        yield
