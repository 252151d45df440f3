"""The practice people of the demo correct every label that is planted wrong, through critiques, and explain nothing."""

from pathlib import Path

import pytest

from chai_assets.demo.material import slips, truth
from chai_assets.demo.people import Script, respond
from tests.labels.loop import Loop

SLIPPED = sorted({(stem, shot) for stem, shot, _ in slips()})


# Every fifth, since `make test-demo` runs all of them through a deployment.
@pytest.mark.parametrize("shot", SLIPPED[::5], ids=lambda shot: f"{shot[0]}-{shot[1]}")
def test_every_slip_of_a_clip_is_corrected_and_no_caption_contradicts_its_labels(
    tmp_path: Path, shot: tuple[str, int]
) -> None:
    loop = Loop(tmp_path)
    script = Script(loop.spec, {loop.clip_id: shot})
    assert shot in truth()
    for aspect in loop.spec.aspects:
        loop.aspect = aspect
        for _ in range(12):
            loop.write()
            if loop.item.waiting is None:
                break
            loop.submit(lambda kind, data: respond(script, kind, data))  # type: ignore[arg-type]
        item = loop.item
        assert item.stage == "approved"
        assert loop.contradicting() == []
        assert item.approval is not None
        assert item.approval["label_stands"] is None
        answers = {name: list(values) for name, values in item.answers.items()}
        assert script.labeled_right(loop.clip_id, aspect, answers), aspect
    slipped = {aspect for stem, number, aspect in slips() if (stem, number) == shot}
    assert {row["aspect"] for row in loop.records.corrections} == slipped
