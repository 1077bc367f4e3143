"""Tests of the limits that an export gives to servers."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from savedmodels.publish.batching import Batching

NUMBERS = st.one_of(
    st.integers(-1, 9),
    st.sampled_from([2**31, 2**63 - 1, 2**63, 10**30, True, 1.0, "8", None, [8]]),
)


@pytest.mark.parametrize(
    ("largest", "sizes"),
    [(1, (1,)), (2, (1, 2)), (64, (1, 2, 4, 8, 16, 32, 64)), (10, (1, 2, 4, 8, 10))],
)
def test_sizes_are_powers_of_two_up_to_the_largest(largest, sizes):
    assert Batching(max_batch_size=largest).allowed_batch_sizes == sizes


def test_the_text_that_a_server_reads():
    batching = Batching(8, 2_000, 5, allowed_batch_sizes=[2, 8])
    assert batching.to_text() == (
        "max_batch_size { value: 8 }\n"
        "batch_timeout_micros { value: 2000 }\n"
        "max_enqueued_batches { value: 5 }\n"
        "allowed_batch_sizes: 2\n"
        "allowed_batch_sizes: 8\n"
    )


@pytest.mark.parametrize("sizes", [(), (4, 8, 7), (8, 4), (4, 4, 8), (8, 16)])
def test_sizes_increase_up_to_the_largest(sizes):
    with pytest.raises(ValueError, match="the last must be max_batch_size=8"):
        Batching(max_batch_size=8, allowed_batch_sizes=sizes)


@pytest.mark.parametrize(
    "limits",
    [
        {"max_batch_size": 0},
        {"max_batch_size": 1.5},
        {"batch_timeout_micros": -1},
        {"max_enqueued_batches": 0},
        {"max_batch_size": 8, "allowed_batch_sizes": (0, 8)},
    ],
)
def test_limits_are_integers(limits):
    with pytest.raises(
        ValueError, match=f"{list(limits)[-1]} must be an integer of at"
    ):
        Batching(**limits)


@settings(deadline=None)
@given(
    numbers=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    sizes=st.one_of(st.none(), NUMBERS, st.lists(NUMBERS, max_size=3)),
)
def test_a_server_reads_what_is_not_refused(numbers, sizes):
    try:
        batching = Batching(*numbers, allowed_batch_sizes=sizes)
    except ValueError as error:
        assert "must" in str(error)
        return
    told = re.findall(r"(\w+)(?: { value)?: (\d+)", batching.to_text())
    assert [int(number) for _, number in told] == [
        *numbers,
        *batching.allowed_batch_sizes,
    ]
    assert all(int(number) < 2**63 for _, number in told)
