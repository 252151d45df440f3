"""The plan: every row is decided as the rules decide it alone, however rows are grouped."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chai_assets.planning.effort import Medians, priced, summary
from chai_assets.planning.release_impact import LABEL_COLUMNS, decide_row, plan
from chai_assets.planning.standings_log import as_frame
from chai_assets.spec.authoring.release import release
from chai_assets.spec.compile import check_answers
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.spec.versioning.releases import Releases
from chai_resources.schemas import TABLES
from tests.spec.answers import form_answers, walker
from tests.spec.test_carry import ask_depth_otherwise, drop_question, exclude_more, grow_lens, narrow_focus_plane
from tests.spec.versions import rehearsal, specs_folder, write_version

OLD = {f"b{number}": "1.0.0" for number in range(3)}
TARGETS = {
    "rehearsal": "1.1.0",
    "option": "1.2.0",
    "exclusion": "1.3.0",
    "removal": "2.0.0",
    "meaning": "3.0.0",
    "narrower": "4.0.0",
}


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    root = specs_folder(tmp_path_factory.mktemp("plan"))
    rehearsal(root)
    for number, edit in [("1.2.0", grow_lens), ("1.3.0", exclude_more), ("2.0.0", drop_question)]:
        write_version(root, number, camera=edit)
    write_version(root, "3.0.0", camera=ask_depth_otherwise)
    write_version(root, "4.0.0", camera=narrow_focus_plane)
    return Releases(root)


def label(number: int, answers: dict[str, list[str]], aspect: str = "camera", version: str = "1.0.0") -> dict[str, Any]:
    rows = [{"attribute": key, "values": values} for key, values in answers.items()]
    key = f"primitives:c{number}:{aspect}:{version}"
    return {"label_id": f"l{number}", "chai_key": key, "aspect": aspect, "spec_version": version, "answers": rows}


def state(number: int, aspect: str = "camera", **changes: Any) -> dict[str, Any]:
    row = {"batch": f"b{number % 3}", "clip_id": f"c{number}", "aspect": aspect, "stage": "approved"}
    row |= {"label_id": f"l{number}", "asked_again": False, "draft_id": f"d{number}"}
    row |= {"drafted_from": f"l{number}", "draft_spec": "1.0.0", "critiqued": True, "triple_spec": "1.0.0"}
    return {**row, "moved_upstream": [], **changes}


def frames(states: list[dict[str, Any]], labels: list[dict[str, Any]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    empty = pl.from_arrow(TABLES["primitives"].schema.empty_table())
    assert isinstance(empty, pl.DataFrame)
    return as_frame(states), pl.DataFrame(labels, schema={name: empty.schema[name] for name in LABEL_COLUMNS})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), target=st.sampled_from(list(TARGETS.values())))
def test_rows_grouped_by_what_matters_are_decided_as_each_row_by_itself(
    data: st.DataObject, releases: Releases, target: str
) -> None:
    camera = releases.load("1.0.0").aspects["camera"]
    labels, states = [], []
    for number in range(data.draw(st.integers(1, 8))):
        answers = data.draw(form_answers(camera))
        assume(not check_answers(camera, answers))
        labels.append(label(number, answers))
        nothing = {"label_id": None, "draft_id": None, "drafted_from": None, "draft_spec": None, "triple_spec": None}
        undrafted = {"draft_id": None, "drafted_from": None, "draft_spec": None, "triple_spec": None}
        out = [{"stage": "set_aside"}, {"stage": "dropped", **nothing}]
        what = st.sampled_from([{}, nothing, undrafted, *out, {"triple_spec": None}])
        states.append(state(number, **data.draw(what)))
    found = plan(*frames(states, labels), OLD, releases, target)
    lineage, now = Lineage(releases, target), Lineage(releases, "1.0.0")
    by_id: dict[Any, Any] = {row["label_id"]: row for row in labels}
    alone = {}
    for row in states:
        decided = decide_row(row, by_id.get(row["label_id"]), by_id.get(row["drafted_from"]), lineage, now)
        if decided.action:
            alone[row["clip_id"]] = (decided.action, list(decided.questions))
    assert {row["clip_id"]: (row["action"], row["questions"]) for row in found.iter_rows(named=True)} == alone


def test_the_rehearsal_touches_only_camera_rows_and_asks_only_where_the_lens_zooms(releases: Releases) -> None:
    still = {"zoom": ["none"]}
    answers = {**walker()["camera"], **still}
    zooming = {**answers, "zoom": ["in"], "movement": ["slow"], "turns": ["none"]}
    labels = [label(0, answers), label(1, zooming), label(2, zooming), label(3, walker()["subject"], "subject")]
    states = [state(0), state(1), state(2, draft_id=None, draft_spec=None, triple_spec=None, drafted_from=None)]
    states += [state(3, "subject"), state(4, label_id=None, draft_id=None, draft_spec=None, triple_spec=None)]
    found = plan(*frames(states, labels), OLD, releases, "1.1.0")
    said = {row["clip_id"]: (row["action"], row["questions"]) for row in found.iter_rows(named=True)}
    assert said == {
        "c0": ("confirm", []),
        "c1": ("ask", ["zoom_pace"]),
        "c2": ("ask", ["zoom_pace"]),
        "c4": ("ask", []),
    }


def test_a_draft_that_rests_on_a_caption_written_again_waits_for_it(tmp_path: Path) -> None:
    root = specs_folder(tmp_path)

    def mean_more(aspect: dict[str, Any]) -> None:
        aspect["meaning"] = "2"

    write_version(root, "2.0.0", subject=mean_more)
    release(Releases(root), "2.0.0")
    labels = [label(1, walker()["subject"], "subject"), {**label(2, walker()["motion"], "motion"), "label_id": "m"}]
    motion = state(1, "motion", label_id="m", drafted_from="m", critiqued=False, triple_spec=None)
    found = plan(*frames([state(1, "subject"), motion], labels), OLD, Releases(root), "2.0.0")
    assert [(row["aspect"], row["action"]) for row in found.iter_rows(named=True)] == [
        ("motion", "wait"),
        ("subject", "draft"),
    ]
    critiqued = plan(
        *frames([state(1, "subject"), {**motion, "critiqued": True}], labels), OLD, Releases(root), "2.0.0"
    )
    assert critiqued["aspect"].to_list() == ["subject"]


def test_a_plan_is_priced_by_medians_and_by_what_is_certain_and_what_may_follow(releases: Releases) -> None:
    zooming = {**walker()["camera"], "zoom": ["in"], "movement": ["slow"], "turns": ["none"]}
    found = plan(*frames([state(1)], [label(1, zooming)]), OLD, releases, "1.1.0")
    spec = releases.read("1.1.0")
    minutes = {("primitives", "camera"): 8.0, ("critiques", "camera"): 4.0, ("reviews", "camera"): 2.0}
    [row] = priced(found, spec, Medians(minutes, {"camera": 100.0}, 3)).to_dicts()
    assert row["minutes"] == pytest.approx(8.0 / len(spec.aspects["camera"].attributes))
    assert (row["requests"], row["may_minutes"], row["may_requests"]) == (0, 6.0, 1)
    [total] = summary(priced(found, spec, Medians({}, {}, 0)), "aspect").to_dicts()
    assert (total["rows"], total["may_minutes"]) == (1, 8.0)


def test_nothing_is_behind_and_nothing_is_planned(releases: Releases) -> None:
    there = {"b1": "1.1.0"}
    assert plan(*frames([state(1)], [label(1, walker()["camera"])]), there, releases, "1.1.0").is_empty()
    assert plan(*frames([], []), OLD, releases, "1.1.0").is_empty()


def test_a_new_aspect_is_asked_of_every_clip_and_one_that_is_no_more_is_dropped(tmp_path: Path) -> None:
    root = specs_folder(tmp_path)
    folder = write_version(root, "2.0.0")
    (folder / "camera.yaml").rename(folder / "lens_work.yaml")
    for file, old, new in [("lens_work.yaml", "id: camera", "id: lens_work"), ("spec.yaml", "- camera", "- lens_work")]:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    found = plan(*frames([state(1)], [label(1, walker()["camera"])]), OLD, Releases(root), "2.0.0")
    actions = {row["aspect"]: row["action"] for row in found.iter_rows(named=True)}
    assert actions["camera"] == "drop"
    assert actions["lens_work"] == "ask"
