import pytest

from benchmarks import networks
from tests.benchmarks.tiny_network import ARGUMENTS, NAME


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch):
    monkeypatch.setitem(networks.MODELS, NAME, ARGUMENTS)
