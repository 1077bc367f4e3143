import pytest

from benchmarks import verbs
from tests.benchmarks.tiny_network import NAME


def check_ratio(record, ratio):
    above, below = (record[f"{name}_seconds"] for name in ratio.split(" / "))
    assert record[ratio] == pytest.approx(above / below)


def test_sampling_divided_by_scoring():
    (record,) = verbs.measure_sampling(1, [NAME], [2])
    check_ratio(record, "sample / score")
    check_ratio(record, "xla_sample / score")
    assert "| 4x2x3 | 2 |" in verbs.SAMPLING.as_table([record])


def test_sampling_codes_divided_by_scoring_them():
    tiny = {"filters": 2, "num_blocks": 1, "input_embedding_dim": 1}
    (record,) = verbs.measure_codes(1, [9], batch_size=2, arguments=tiny)
    check_ratio(record, "sample / score")
    assert "| 8x8 | 9 | 2 |" in verbs.CODES.as_table([record])


def test_whole_passes_are_scaled_to_all_pixels():
    records = verbs.measure_passes(1, [NAME], [2, 65])
    assert [record["pixels_measured"] for record in records] == [2, 1]
    for record in records:
        check_ratio(record, "passes / sample")
    assert "| 4x2x3 | 65 |" in verbs.PASSES.as_table(records)


def test_scoring_value_by_value_divided_by_scoring():
    (record,) = verbs.measure_values(1, [NAME], [2])
    check_ratio(record, "values / sum")
    assert "| 4x2x3 | 2 |" in verbs.VALUES.as_table([record])


def test_the_codec_divided_by_scoring():
    (record,) = verbs.measure_codec(1, [NAME], [2])
    for way in ("compress", "decompress"):
        check_ratio(record, f"{way} / score")
        rate = 2 / record[f"{way}_seconds"]
        assert record[f"{way}ed_per_second"] == pytest.approx(rate)
    assert "| 4x2x3 | 2 |" in verbs.CODEC.as_table([record])


def test_completion_labels_and_guidance_divided_by_a_plain_sample():
    (record,) = verbs.measure_requests(1, [NAME], [2])
    for way in ("complete", "label", "guided"):
        check_ratio(record, f"{way} / sample")
    assert "| 4x2x3 | 2 |" in verbs.REQUESTS.as_table([record])
