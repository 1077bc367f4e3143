"""A comparison of two tiny models, which many tests look at."""

from trainers.configs import compare_digits
from trainers.configs.compare_digits import a_model

TINY = {"filters": 4, "num_blocks": 1, "first_kernel_size": 3}


def tiny_comparison(**fields):
    config = compare_digits.get_config()
    config.update(
        steps=3,
        batch_size=16,
        num_samples=2,
        scored_train_images=48,
        timed_samples=2,
        timing_runs=1,
        # Else operations stay deterministic in this process; see `tiny_run`.
        deterministic=False,
    )
    config.models = {
        "wide": a_model("A wide one", "GatedPixelCNN", **TINY | {"filters": 6}),
        "narrow": a_model("A narrow one", "GatedPixelCNN", **TINY),
    }
    config.update(fields)
    return config
