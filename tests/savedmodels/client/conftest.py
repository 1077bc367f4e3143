"""Servers that answer as told, by each protocol."""

import pytest

from tests.savedmodels.client.fakes import FAKES, GrpcFake, RestFake


@pytest.fixture(params=FAKES)
def fake(request):
    with FAKES[request.param]() as server:
        yield server


@pytest.fixture
def rest():
    with RestFake() as server:
        yield server


@pytest.fixture
def grpc_fake():
    with GrpcFake() as server:
        yield server
