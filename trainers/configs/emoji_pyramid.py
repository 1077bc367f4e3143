"""Emoji by category, coarse to fine: 8x8 pixels, those between them, and again.

Not among the paper's experiments; all is chosen. The whole of a picture is right sooner
than by `trainers.configs.emoji`, its surface later: docs/measured.md, "Emoji".
"""

from ml_collections import config_dict

from trainers.configs import emoji


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.emoji`, with a pyramid."""
    config = emoji.get_config()
    config.update(
        model_class="PyramidPixelCNN",
        batch_size=32,
        learning_rate=1.2e-3,
        ema_momentum=0.998,
    )
    # Numbers there; here one for each stage.
    del config.model.filters, config.model.num_blocks
    config.model.update(
        num_stages=3,
        filters=(96, 60, 48),
        num_blocks=(12, 8, 5),
        context_blocks=2,
        kernel_size=3,
        head_filters=132,
    )
    return config
