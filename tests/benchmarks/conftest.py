import pytest

from benchmarks import timing
from tests.benchmarks.tiny_network import ARGUMENTS, NAME


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch):
    monkeypatch.setitem(timing.MODELS, NAME, ARGUMENTS)
