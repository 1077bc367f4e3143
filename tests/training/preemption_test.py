"""Tests of the signals that ask a run to stop."""

import os
import signal

import pytest

from keras_pixelcnn.training import Preemption


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")]
)
def test_a_signal_is_remembered_while_deferred_and_else_ends_at_once(
    number, name, capsys
):
    with Preemption() as preemption, preemption.deferred():
        send(number)
        assert preemption.asked and preemption.signal_name == name
    with pytest.raises(SystemExit) as stop:
        preemption.stop_if_asked()
    assert stop.value.code == 0
    with pytest.raises(SystemExit) as stop, Preemption():
        send(number)
    assert stop.value.code == 0
    assert capsys.readouterr().out.count(f"Stopped by {name}.") == 2


def test_a_second_ctrl_c_ends_at_once():
    with pytest.raises(SystemExit) as stop:
        with Preemption() as preemption, preemption.deferred():
            send(signal.SIGINT)
            send(signal.SIGTERM)  # which a machine repeats
            send(signal.SIGINT)
    assert stop.value.code == 130


def test_the_handlers_before_come_back():
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    with Preemption():
        assert signal.getsignal(signal.SIGINT) != before[1]
    assert before == [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)]
