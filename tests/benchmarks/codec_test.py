import pytest

from benchmarks import codec
from tests.benchmarks.tiny_network import NAME


def test_the_codec_divided_by_scoring():
    (record,) = codec.measure(1, [NAME], [2])
    for way in ("compress", "decompress"):
        ratio = record[f"{way}_seconds"] / record["score_seconds"]
        assert record[f"{way} / score"] == pytest.approx(ratio)
        rate = 2 / record[f"{way}_seconds"]
        assert record[f"{way}ed_per_second"] == pytest.approx(rate)
    assert "| 4x2x3 | 2 |" in codec.as_table([record])
