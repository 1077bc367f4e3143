"""The loader without Python, built once."""

import pytest

from savedmodels.build_loader import build_loader, find_compiler


@pytest.fixture(scope="session")
def compiler():
    try:
        return find_compiler()
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def loader(compiler, tmp_path_factory):
    """The loader, built with all warnings as errors."""
    path = tmp_path_factory.mktemp("loader") / "bin" / "loader"
    strict = f"{compiler} -Wall -Wextra -Wpedantic -Werror"
    assert build_loader(str(path), strict) == path
    assert [file.name for file in path.parent.iterdir()] == ["loader"]
    return path
