"""The discretised mixture of logistics in float64, written without the library."""

import numpy as np


def level_log_prob(levels, loc, log_scale, num_levels):
    """Log probability of levels in one component, all in levels, float64."""
    levels, loc, log_scale = (
        np.asarray(x).astype("float64") for x in (levels, loc, log_scale)
    )
    upper = np.where(levels == num_levels - 1, np.inf, levels + 0.5)
    lower = np.where(levels == 0, -np.inf, levels - 0.5)
    upper, lower = (upper - loc) / np.exp(log_scale), (lower - loc) / np.exp(log_scale)
    # From the side on which less is cut off: sigmoid(near) - sigmoid(far), whose ratio
    # loses its digits where the two are next to each other.
    is_above = upper + lower > 0
    near = np.where(is_above, -lower, upper)
    far = np.where(is_above, -upper, lower)
    log_near = -np.logaddexp(0, -near)
    ratio = np.maximum(-np.logaddexp(0, -far), -1e300) - log_near
    is_wide = ratio > -1e-3
    opposite = -np.logaddexp(0, far)  # of 1 - sigmoid(far)
    wide = np.log(-np.expm1(-np.exp(-log_scale))) + opposite
    log_1_minus_ratio = np.where(
        ratio > -0.7,
        np.log(-np.expm1(np.where(is_wide, -1.0, ratio))),
        np.log1p(-np.exp(ratio)),
    )
    return log_near + np.where(is_wide, wide, log_1_minus_ratio)


def log_prob(parameters, values, num_levels, channels, num_mixtures):
    """Log probability of pixels from a network's outputs, (..., n) and (..., C)."""
    y = np.asarray(parameters).astype("float64")
    y = y.reshape(*y.shape[:-1], -1, num_mixtures)
    values = np.asarray(values).astype("float64")
    half = (num_levels - 1) / 2
    apart = np.linspace(-1, 1, 2 * num_mixtures + 1)[1::2]
    nats = y[..., 0, :] - np.logaddexp.reduce(y[..., 0, :], axis=-1, keepdims=True)
    row = 1 + 2 * channels
    for channel in range(channels):
        mean = y[..., 1 + channel, :] + apart
        for earlier in range(channel):
            scaled = values[..., earlier, None] / half - 1
            mean = mean + np.tanh(y[..., row, :]) * scaled
            row += 1
        initial = num_levels * max(1 / (2 * num_mixtures), 0.1)
        raised = y[..., 1 + channels + channel, :] + np.log(initial / 0.05)
        log_scale = np.log(0.05) + np.logaddexp(0, raised)
        nats = nats + level_log_prob(
            values[..., channel, None], (mean + 1) * half, log_scale, num_levels
        )
    return np.logaddexp.reduce(nats, axis=-1)
