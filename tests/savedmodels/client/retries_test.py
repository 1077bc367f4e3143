"""Tests of deadlines and retries, by a clock that only moves when it is told to."""

import itertools
import sys

import pytest

from savedmodels.client.errors import (
    DeadlineExceededError,
    InvalidRequestError,
    UnavailableError,
)
from savedmodels.client.retries import RetryPolicy


class Clock:
    """Time passes by sleeping, and by what requests take."""

    def __init__(self):
        self.now, self.delays = 100.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.delays.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


def policy(clock, retries=5, **options):
    return RetryPolicy(retries, sleep=clock.sleep, clock=clock, **options)


def failing(times, error=UnavailableError):
    """A request that fails so often, and then gives its number."""
    numbers = itertools.count(1)

    def send(seconds):
        number = next(numbers)
        if number <= times:
            raise error("Not now.")
        return number

    return send


def test_what_succeeds_is_sent_once_and_waits_for_nothing(clock):
    made = policy(clock)
    assert made.call(failing(0), made.deadline(10)) == 1
    assert clock.delays == []


def test_it_is_sent_again_until_it_succeeds(clock):
    made = policy(clock)
    assert made.call(failing(3), made.deadline(10)) == 4
    assert len(clock.delays) == 3


def test_delays_double_up_to_the_longest_and_are_spread(clock):
    made = policy(clock, 200, first_delay=0.5, longest_delay=4.0)
    with pytest.raises(UnavailableError):
        made.call(failing(1000), made.deadline(1e6))
    assert len(clock.delays) == 200
    longest = [0.5, 1.0, 2.0] + [4.0] * 197
    shares = [delay / most for delay, most in zip(clock.delays, longest)]
    assert 0.5 <= min(shares) < 0.6
    assert 0.9 < max(shares) <= 1


def test_after_the_last_retry_the_error_tells_how_often(clock):
    made = policy(clock, 2)
    with pytest.raises(UnavailableError, match=r"^Not now\. Tried 3 times\.$"):
        made.call(failing(3), made.deadline(10))
    made = policy(clock, 0)
    with pytest.raises(UnavailableError, match=r"Tried once\.$"):
        made.call(failing(1), made.deadline(10))


def test_other_errors_are_raised_at_once(clock):
    made = policy(clock)
    with pytest.raises(InvalidRequestError, match="Not now"):
        made.call(failing(1, InvalidRequestError), made.deadline(10))
    assert clock.delays == []


def test_no_delay_goes_beyond_the_deadline(clock):
    made = policy(clock, 50, first_delay=0.4)
    with pytest.raises(DeadlineExceededError, match=r"its 2 s\. .* Not now\.") as error:
        made.call(failing(1000), made.deadline(2))
    assert isinstance(error.value.__cause__, UnavailableError)
    assert 2 <= len(clock.delays) <= 4
    assert clock.now < 102


def test_requests_get_what_is_left_of_the_time(clock):
    made, given = policy(clock), []

    def send(seconds):
        given.append(seconds)
        clock.now += 3
        if len(given) < 3:
            raise UnavailableError("Not now.")

    deadline = made.deadline(10)
    made.call(send, deadline)
    first, second, third = given
    assert first == 10
    assert second == pytest.approx(7 - clock.delays[0])
    assert third == pytest.approx(4 - sum(clock.delays))
    assert deadline.remaining() == pytest.approx(1 - sum(clock.delays))


def test_nothing_is_sent_after_the_deadline(clock):
    made = policy(clock)
    deadline = made.deadline(1)
    clock.now += 1
    with pytest.raises(DeadlineExceededError, match="Pass a longer timeout"):
        made.call(pytest.fail, deadline)


@pytest.mark.parametrize("retries", [-1, 1.5, None, True, "3"])
def test_impossible_numbers_of_retries_are_refused(retries):
    with pytest.raises(ValueError, match="retries must be an integer of at least 0"):
        RetryPolicy(retries)


def test_that_tenacity_is_missing_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "tenacity", None)
    made = RetryPolicy()
    sentence = r'The client needs tenacity, .* pip install "keras-pixelcnn\[serving\]"'
    with pytest.raises(ModuleNotFoundError, match=sentence):
        made.call(pytest.fail, made.deadline(10))
