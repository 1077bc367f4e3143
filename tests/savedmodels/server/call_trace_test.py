"""A request is answered by few files, so that its way is easy to walk."""

from benchmarks.call_trace import trace_request
from keras_pixelcnn import GatedPixelCNN


def test_a_request_over_rest_touches_few_files(tmp_path):
    model = GatedPixelCNN((4, 4, 1), 4, filters=2, num_blocks=1)
    model.export(tmp_path / "1", verbose=False, signatures=["sample"])
    trace = trace_request(tmp_path)
    assert "server/batching.py" in trace.files  # what other threads do is seen
    assert 4 <= len(trace.files) <= 8, trace.files
