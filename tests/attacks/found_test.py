"""What damaged inputs have found, and a few new ones: see `tests.attacks.fuzz`."""

import pathlib
import random

import pytest

from tests.attacks.targets import TARGETS

FOUND = pathlib.Path(__file__).parent / "found"
SOME = 40


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_damaged_is_refused_with_an_error_of_its_own(name, tmp_path):
    target, chance = TARGETS[name](tmp_path), random.Random(0)
    for content in target.corpus:
        target.read(content)
    damaged = [target.mutate(chance, target.corpus) for _ in range(SOME)]
    found = [path.read_bytes() for path in sorted((FOUND / name).glob("*"))]
    refused = 0
    for content in [*damaged, *found]:
        try:
            target.read(content)
        except target.errors:
            refused += 1
    assert refused >= SOME // 4
