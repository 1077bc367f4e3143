"""One published model, which tests of publishing, serving and asking look at."""

import pytest

from savedmodels.publish import verify_export
from savedmodels.publish.batching import Batching
from savedmodels.publish.publishing import publish
from tests.made_once import made_once
from tests.served import make_model
from tests.test_case import op_by_op

BATCHING = Batching(max_batch_size=3)


@pytest.fixture(scope="session", autouse=True)
def expected_op_by_op():
    """Each answer that an export is compared with is asked of the model only once."""
    with pytest.MonkeyPatch.context() as patch:
        once = op_by_op()(verify_export.expected_outputs)
        patch.setattr(verify_export, "expected_outputs", once)
        yield


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """A model with all conditions but captions, and the folder of its first version."""
    model = make_model("all_conditions", vocabulary=None, caption_length=None)

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
