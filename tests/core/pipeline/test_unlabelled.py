"""No input sees a label, whether it fits or prepares."""

from mmx import Sample
from mmx.pipeline.model_inputs import UnlabelledSamples


def test_samples_come_without_their_labels_one_by_one_and_together() -> None:
    samples = [
        Sample(str(row), "g", record={"age": float(row)}, label="ill", labels={"a": 1.0})
        for row in range(4)
    ]
    blind = UnlabelledSamples(samples)
    assert len(blind) == 4
    assert [one.id for one in blind] == ["0", "1", "2", "3"]
    assert [one.record["age"] for one in blind[1:3]] == [1.0, 2.0]
    for one in (blind[0], blind[-1], *blind[:2], *blind):
        assert one.label is None
        assert one.labels == {}
    assert samples[0].label == "ill"
