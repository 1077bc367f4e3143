"""One published model, which tests of publishing and of serving look at."""

import pytest

from savedmodels.publish.batching import Batching
from savedmodels.publish.publishing import publish
from tests.made_once import made_once
from tests.served import make_model

BATCHING = Batching(max_batch_size=3)


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """A model with all conditions, and the folder of its first version."""
    model = make_model("all_conditions")

    def make(folder):
        publish(
            model,
            folder / "clothes",
            label_names=["shirt", "shoe", "hat"],
            bits_per_dim=1.5,
            batching=BATCHING,
        )

    folder = made_once(tmp_path_factory, "published", make)
    return model, folder / "clothes" / "1"
