import pytest

from tests.models.small_model import new_model
from tests.test_case import random_images


@pytest.fixture(scope="module")
def model():
    return new_model()


@pytest.fixture(scope="module")
def images(model):
    return random_images(model, 7).astype("uint8")


@pytest.fixture(scope="class")
def built_model(request):
    """One of the `cases` of a `ModelConformance`, shared by its checks."""
    conformance = request.cls()
    shape, levels, arguments = conformance.cases[request.param]
    return conformance.random_model(shape, levels, **arguments)
