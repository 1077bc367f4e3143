"""What ends a run in the middle, as a power cut does."""

import contextlib

import pytest

from keras_pixelcnn.training import TrainStep


class PowerCutError(Exception):
    pass


@contextlib.contextmanager
def power_cut(monkeypatch, step):
    """Ends what is run inside before its step of this number, counted from 1."""
    call, taken = TrainStep.__call__, []

    def interrupted(self, *arguments):
        taken.append(1)
        if len(taken) == step:
            raise PowerCutError
        return call(self, *arguments)

    with monkeypatch.context() as patch, pytest.raises(PowerCutError):
        patch.setattr(TrainStep, "__call__", interrupted)
        yield
