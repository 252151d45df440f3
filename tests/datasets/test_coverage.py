"""Coverage: clips by primitive and side, the file of targets, and what to label next, as `chai status` says it."""

from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from chai_assets.cli.labels import show_coverage
from chai_assets.datasets.coverage.coverage import PrimitiveCoverage, coverage, read_coverage, summary
from chai_assets.datasets.coverage.targets import Target, Targets, TargetsRefused, read_targets
from chai_assets.datasets.select.selection import Selection
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.settings import Settings
from chai_resources.tables import Tables
from tests.datasets.factory import NOON, clip
from tests.datasets.labels import label
from tests.spec.answers import walker

SPEC = load_spec()
CAMERA = SPEC.aspects["camera"]
TARGETS = Targets(default=Target(train=2, eval=1), primitives={"whip-pan": Target(train=0, eval=0)})


def covered(found: list[PrimitiveCoverage]) -> dict[str, PrimitiveCoverage]:
    return {one.primitive: one for one in found}


def labels_of(rows: list[tuple[str, str, list[str]]]) -> pl.DataFrame:
    schema = {"clip_id": pl.String, "aspect": pl.String, "present": pl.List(pl.String)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def placed(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"clip_id": pl.String, "batch": pl.String, "split": pl.String}, orient="row")


CLIPS = placed(*((f"c{n}", "b1" if n < 4 else "b2", "eval" if n in (3, 7) else "train") for n in range(8)))
LABELS = labels_of(
    [
        ("c0", "camera", ["pan-left", "static-camera"]),
        ("c1", "camera", ["pan-left"]),
        ("c2", "camera", ["tilt-up", "no-such-primitive"]),
        ("c3", "camera", ["pan-left", "tilt-up"]),
        ("c3", "scene", []),
    ]
)


def test_clips_are_counted_by_side_and_the_rarest_come_first() -> None:
    found = coverage(LABELS, CLIPS, SPEC, TARGETS)
    assert len(found) == 269
    by_name = covered(found)
    counts = {name: {split: side.present for split, side in by_name[name].sides.items()} for name in by_name}
    assert counts["pan-left"] == {"train": 2, "eval": 1}
    assert counts["tilt-up"] == {"train": 1, "eval": 1}
    assert counts["static-camera"] == {"train": 1, "eval": 0}
    assert counts["roll-clockwise"] == {"train": 0, "eval": 0}
    assert {name: by_name[name].missing for name in ("pan-left", "tilt-up", "static-camera", "whip-pan")} == {
        "pan-left": 0,
        "tilt-up": 1,
        "static-camera": 2,
        "whip-pan": 0,
    }
    order = [one.primitive for one in found]
    # No clip at all, then none on one side, then half of the target, then all that is asked for.
    places = [order.index(name) for name in ("roll-clockwise", "static-camera", "tilt-up", "pan-left")]
    assert places == sorted(places)
    assert order[-2:] in (["whip-pan", "pan-left"], ["pan-left", "whip-pan"])
    assert summary(found) == "267 of 269 primitives have fewer clips than their targets"


def test_what_to_label_next_names_unlabeled_clips_of_the_side_that_is_short() -> None:
    by_name = covered(coverage(LABELS, CLIPS, SPEC, TARGETS))
    # Of three clips in train that were looked at, one tilts up: another three may give the one that is missing.
    assert by_name["tilt-up"].label_next == "train: label camera in b2 (3 left), about 3 clips by the share so far"
    assert by_name["static-camera"].label_next == (
        "train: label camera in b2 (3 left), about 3 clips by the share so far; eval: label camera in b2 (1 left)"
    )
    assert by_name["pan-left"].label_next == ""
    whole = labels_of([(f"c{n}", "camera", []) for n in range(8)])
    advice = covered(coverage(whole, CLIPS, SPEC, TARGETS))["tilt-up"].label_next
    assert advice == "train and eval: every clip is labeled, ingest some that have it"


def test_it_is_read_from_the_labels_in_force_of_our_own_batches(tmp_path: Path) -> None:
    tables = Tables(root=str(tmp_path))
    one, other, foreign = clip(0, 1), clip(1, 1), clip(2, 1, batch="import-old")
    still = walker()["camera"] | {"movement": ["static"], "turns": ["none"], "travel": ["none"], "zoom": ["none"]}
    still |= {"playback": ["none"], "tracking": ["none"]}
    rows = [label(one, CAMERA, SPEC, still), label(foreign, CAMERA, SPEC, still), label(other, CAMERA, SPEC, still)]
    tables.append("clips", [one, other, foreign])
    tables.append("primitives", rows)
    gone = {"batch": "b1", "kind": "primitives", "chai_key": rows[2]["chai_key"], "annotation_id": 5, "epoch": None}
    submitted = gone | {"event_id": rows[2]["event_id"], "what": "submitted"}
    tables.append("annotation_events", [submitted, gone | {"event_id": "evt-gone", "what": "deleted"}])
    found = covered(read_coverage(tables, SpecRelease(), Targets(), Selection()))
    assert sum(side.present for side in found["static-camera"].sides.values()) == 1
    assert sum(side.labeled for side in found["static-camera"].sides.values()) == 1
    assert sum(sum(side.unlabeled.values()) for side in found["static-camera"].sides.values()) == 1
    assert (
        covered(read_coverage(tables, SpecRelease(), Targets(), Selection(pins=(one["clip_id"],))))["static-camera"]
        .sides["eval"]
        .present
    )


GOOD = "default: {train: 20, eval: 5}\nprimitives:\n  whip-pan: {train: 50}\n"
BAD = {
    "primitives: {whip-pann: {train: 5}}": r"line 1: there is no primitive 'whip-pann', did you mean 'whip-pan'\?",
    "primitives:\n  whip-pan: {}\n  zzz: {train: 1}\n  qqq: {}": r"line 3: there is no primitive 'zzz' \(and 1 more\)",
    "default: {train: -1}": "greater than or equal to 0",
    "default: {train: many}": "valid integer",
    "default: {trian: 5}": "write 'train'",
    "targets: {}": "unknown key",
    "[1, 2]": "must be a mapping",
    "default: [": "is not YAML",
    "": "must be a mapping",
}


def test_targets_of_a_file_count_and_every_other_primitive_has_the_default(tmp_path: Path) -> None:
    (tmp_path / "targets.yaml").write_text(GOOD)
    targets = read_targets(str(tmp_path / "targets.yaml"), SPEC)
    assert (targets.of("whip-pan").train, targets.of("whip-pan").eval) == (50, 1)
    assert (targets.of("pan-left").train, targets.of("pan-left").eval) == (20, 5)
    assert (read_targets("", SPEC).of("pan-left").train, read_targets("", SPEC).of("pan-left").eval) == (1, 1)


@pytest.mark.parametrize(("text", "why"), BAD.items(), ids=range(len(BAD)))
def test_targets_that_cannot_be_used_are_one_clear_line(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "targets.yaml"
    path.write_text(text)
    with pytest.raises(TargetsRefused, match=why) as refused:
        read_targets(str(path), SPEC)
    assert str(path) in str(refused.value)
    assert "CHAI_COVERAGE_TARGETS" in str(refused.value)
    assert "\n" not in str(refused.value)
    path.unlink()
    with pytest.raises(TargetsRefused, match="CHAI_COVERAGE_TARGETS"):
        read_targets(str(path), SPEC)


def shown(**settings: Any) -> str:
    screen = StringIO()
    show_coverage(Settings.from_env(**settings), Console(width=200, file=screen))
    return screen.getvalue()


def test_status_shows_the_rarest_with_their_targets_or_why_it_cannot(tmp_path: Path) -> None:
    home = {"CHAI_HOME": str(tmp_path / "home")}
    tables = Tables(root=Settings.from_env(**home).tables)
    tables.append("clips", [clip(number, 1) for number in range(3)])
    tables.append("primitives", [label(clip(0, 1), CAMERA, SPEC, at=NOON)])
    (tmp_path / "targets.yaml").write_text(
        "default: {train: 0, eval: 0}\nprimitives: {whip-pan: {train: 7, eval: 0}}\n"
    )
    said = shown(**home, CHAI_COVERAGE_TARGETS=str(tmp_path / "targets.yaml"))
    assert "0 of 7" in said
    assert "1 of 269 primitives have fewer clips than their targets" in said
    assert said.count("in b1") == 1
    (tmp_path / "targets.yaml").write_text("primitives: {whippan: {train: 7}}\n")
    said = shown(**home, CHAI_COVERAGE_TARGETS=str(tmp_path / "targets.yaml"))
    assert "did you mean 'whip-pan'?" in said
    assert len(said.strip().splitlines()) == 1
