"""Tests of what a run writes of itself: its history and TensorBoard's log."""

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_pixelcnn.training import RunState
from keras_pixelcnn.training.run_logger import EventLog, HistoryFile


def steps_of(folder, tag):
    log = EventAccumulator(str(folder))
    log.Reload()
    return [event.step for event in log.Tensors(tag)]


def test_the_history_is_cut_back_with_its_half_written_line(tmp_path):
    history = HistoryFile(tmp_path / "history.jsonl")
    history.cut(3)  # where there is none
    for step in range(6):
        history.append({"step": step, "loss": 1 / 3})
    with history.path.open("a") as file:
        file.write('{"step": 3, "lo')
    history.cut(3)
    assert history.rows() == [{"step": step, "loss": 1 / 3} for step in range(4)]
    history.append({"step": 4})
    assert len(history.path.read_text().splitlines()) == 5


@pytest.mark.parametrize(
    "line",
    [b'{"a\xff": 1, "step": 2}', b'{"step": null}', b'{"step": "2"}', b"[" * 20_000],
)
def test_a_damaged_line_of_the_history_does_not_stop_the_run(tmp_path, line):
    history = HistoryFile(tmp_path / "history.jsonl")
    history.path.write_bytes(line + b"\n")
    history.append({"step": 3})
    history.cut(3)
    assert history.rows()[-1] == {"step": 3}


def test_a_score_that_is_no_number_is_not_the_best_for_ever():
    state = RunState(step=1, validation=float("nan"))
    state.update_best(1)
    state.step, state.validation = 2, 3.0
    assert state.update_best(2)
    state.step, state.validation = 3, float("nan")
    assert not state.update_best(3)
    assert (state.best_score, state.best_step) == (3.0, 2)


@pytest.mark.parametrize("lost", [0, 7])
def test_the_log_is_cut_back_and_goes_on_with_nothing_twice(tmp_path, lost):
    log = EventLog(tmp_path)
    log.cut(3)  # where there is none
    for step in range(1, 7):
        log.scalars("train", {"loss": 0.5}, step)
    log.picture("samples", "samples", np.zeros((4, 4, 1), np.uint8), 6)
    log.close()
    (path,) = (tmp_path / "train").iterdir()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - lost])
    again = EventLog(tmp_path)
    again.cut(3)
    for step in range(4, 9):
        again.scalars("train", {"loss": 0.5}, step)
    again.close()
    assert steps_of(tmp_path / "train", "loss") == [*range(1, 9)]
    log = EventAccumulator(str(tmp_path / "samples"))
    log.Reload()
    assert log.Tags()["tensors"] == []
