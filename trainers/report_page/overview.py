"""The page's head: what the run is, how far it is, and its key figures."""

import base64
from typing import NamedTuple

from trainers.report_page import wording
from trainers.report_page.markup import Element, tag
from trainers.report_page.pictures import Picture
from trainers.report_page.run_reading import Run


class _Progress(NamedTuple):
    share: float | None  # of the whole training, in [0, 1]
    words: str
    seconds_left: float | None


def overview(run: Run) -> Element:
    """The head."""
    kind = " on ".join(filter(None, [_model(run), _dataset(run)]))
    left = tag(
        "div",
        tag("p", kind, class_="kind"),
        tag("h1", run.name),
        *_status(run),
        tag("dl", *[_figure(*each) for each in _figures(run)], class_="figures"),
        class_="facts",
    )
    return tag("header", left, _newest_samples(run))


def picture_element(picture: Picture, words: str) -> Element:
    """The picture inside the page itself."""
    data = base64.b64encode(picture.png).decode("ascii")
    return tag("img", src=f"data:image/png;base64,{data}", alt=words)


def training_seconds(run: Run) -> float | None:
    """How long the run has trained."""
    done = wording.finite(run.metrics.get("training_seconds"))
    return run.history.last("seconds") if done is None else done


def _model(run: Run) -> str:
    return str(run.known("model") or "")


def _dataset(run: Run) -> str:
    name = run.config.get("dataset", run.metrics.get("dataset"))
    if name is None:
        return ""
    details = [wording.shape(run.known("image_shape"))]
    levels = run.known("num_levels") or run.config.get("num_levels")
    if levels is not None:
        details.append(f"{wording.setting(levels)} levels")
    details = [detail for detail in details if detail]
    return f"{name} ({', '.join(details)})" if details else str(name)


def _status(run: Run) -> list[Element]:
    progress = _progress(run)
    if run.finished:
        chip = tag("span", "Finished", class_="chip done")
        return [tag("p", chip, f" {progress.words}", class_="status")]
    chip = tag("span", "Not finished", class_="chip")
    words = f" {progress.words}. The run is going on, or was interrupted."
    if run.written:
        words += f" Last entry: {run.written:%Y-%m-%d %H:%M} UTC."
    items = [tag("p", chip, words, class_="status")]
    if progress.share is not None:
        filled = tag("i", style=f"width: {100 * progress.share:.1f}%")
        items.append(tag("div", filled, class_="progress", aria_hidden="true"))
    return items


def _progress(run: Run) -> _Progress:
    step, epoch = run.history.last("step"), run.history.last("epoch")
    steps = wording.finite(run.environment.get("steps", run.config.get("steps")))
    # Where a config says steps, they count and not its epochs.
    epochs = None if steps else wording.finite(run.config.get("epochs"))
    share, parts = None, []
    if epoch is not None:
        part = f"epoch {wording.epoch(epoch)}"
        if epochs:
            share, part = epoch / epochs, f"{part} of {wording.epoch(epochs)}"
        parts.append(part)
    if step is not None:
        part = f"step {wording.count(step)}"
        if steps:
            share, part = step / steps, f"{part} of {wording.count(steps)}"
        parts.append(part)
    words = ", ".join(parts) or "no step is recorded"
    if share is not None:
        share = min(max(share, 0.0), 1.0)
    seconds = training_seconds(run)
    left = seconds * (1 - share) / share if seconds and share else None
    return _Progress(share, words, left)


def _figures(run: Run) -> list[tuple[str, str, str]]:
    """Name, value and remark of each key figure."""
    return [
        _test_figure(run),
        _validation_figure(run),
        _parameter_figure(run),
        _time_figure(run),
    ]


def _test_figure(run: Run) -> tuple[str, str, str]:
    bits = run.metrics.get("test_bits_per_dim")
    if wording.finite(bits) is None:
        return "Test bits/dim", wording.MISSING, "known when training has ended"
    images = run.metrics.get("test_images")
    return "Test bits/dim", wording.bits(bits), f"over {wording.count(images)} images"


def _validation_figure(run: Run) -> tuple[str, str, str]:
    title = "Validation bits/dim"
    averaged = run.history.points("validation_ema_bits_per_dim")
    points = averaged or run.history.points("validation_bits_per_dim")
    reported = run.metrics.get("validation_bits_per_dim")
    if wording.finite(reported) is not None:
        epoch = run.metrics.get("best_epoch")
        remark = "of the model that was kept"
        if wording.finite(epoch) is not None:
            remark += f", epoch {wording.epoch(epoch)}"
        return title, wording.bits(reported), remark
    if not points:
        return title, wording.MISSING, "none measured yet"
    step, bits = min(points, key=lambda point: point[1])
    remark = f"best so far, step {wording.count(step)}{', EMA' if averaged else ''}"
    return title, wording.bits(bits), remark


def _parameter_figure(run: Run) -> tuple[str, str, str]:
    parameters = run.known("parameters")
    remark = "" if wording.finite(parameters) is not None else "not recorded yet"
    return "Parameters", wording.count(parameters), remark


def _time_figure(run: Run) -> tuple[str, str, str]:
    seconds = training_seconds(run)
    left = _progress(run).seconds_left
    speeds = sorted(speed for _, speed in run.history.points("images_per_second"))
    remark = ""
    if speeds:
        median = speeds[len(speeds) // 2]
        speed = wording.count(median) if median >= 100 else wording.short(median)
        remark = f"{speed} images/s at the median"
    if left is not None and not run.finished:
        remark = f"about {wording.duration(left)} left"
    if seconds is None:
        remark = "not recorded"
    return "Training time", wording.duration(seconds), remark


def _figure(name: str, value: str, remark: str) -> Element:
    # One box a figure; a description list may group its pairs so.
    value = tag("dd", value, class_="value")
    return tag("div", tag("dt", name), value, tag("dd", remark, class_="remark"))


def _newest_samples(run: Run) -> Element | None:
    if run.samples:
        picture, words = run.samples, "Samples of the model that was kept"
    elif run.sample_pictures:
        picture = run.sample_pictures[-1]
        words = f"Samples at step {wording.count(picture.step)}"
    else:
        return None
    image = picture_element(picture, words)
    return tag("figure", image, tag("figcaption", words), class_="newest")
