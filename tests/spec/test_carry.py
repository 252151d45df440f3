"""Answers given under one version and what they are worth under the next."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chai_assets.spec.compile import check_answers
from chai_assets.spec.models import NOT_APPLICABLE, Aspect
from chai_assets.spec.versioning.carry import caption_content, carry, unchanged
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.spec.versioning.releases import Releases
from tests.spec.answers import form_answers, walker
from tests.spec.versions import Aspect as Content
from tests.spec.versions import Edit, attribute, primitive, rehearsal, reword, specs_folder, write_version


def grow_lens(aspect: Content) -> None:
    attribute(aspect, "lens")["options"].append("mirror")


def exclude_more(aspect: Content) -> None:
    primitive(aspect, "slow-motion").setdefault("excludes", []).append("fast-camera-movement")


def drop_question(aspect: Content) -> None:
    """The question on the focus plane goes, and what it alone gave."""
    gone = attribute(aspect, "focus_plane")
    aspect["attributes"].remove(gone)
    lost = [p["id"] for p in aspect["primitives"] if "focus_plane" in p["given_by"]]
    aspect["primitives"] = [p for p in aspect["primitives"] if p["id"] not in lost]
    for other in aspect["primitives"]:
        other["excludes"] = [name for name in other.get("excludes", []) if name not in lost]


def narrow_focus_plane(aspect: Content) -> None:
    """Where the depth of field is shallow, the plane is asked no more, and a sentence rests on both."""
    attribute(aspect, "focus_plane")["applies_when"] = {"depth_of_field": ["very shallow"]}


def ask_depth_otherwise(aspect: Content) -> None:
    attribute(aspect, "depth_of_field")["meaning"] = "2"


EDITS: dict[str, Edit] = {
    "wording": reword,
    "option": grow_lens,
    "exclusion": exclude_more,
    "removal": drop_question,
    "meaning": ask_depth_otherwise,
    "narrower": narrow_focus_plane,
}


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """Version 1.0.0, and one for each edit of the camera aspect, and the rehearsal, none of them released."""
    root = specs_folder(tmp_path_factory.mktemp("carry"))
    for number, edit in enumerate(EDITS.values(), start=1):
        write_version(root, f"2.{number}.0", camera=edit)
    rehearsal(root, "3.0.0")
    return Releases(root)


def pair(versions: Releases, name: str) -> tuple[Aspect, Aspect]:
    number = "3.0.0" if name == "rehearsal" else f"2.{list(EDITS).index(name) + 1}.0"
    return versions.read("1.0.0").aspects["camera"], versions.read(number).aspects["camera"]


def answers(**changes: list[str]) -> dict[str, list[str]]:
    return {**walker()["camera"], **changes}


STATIC = {"zoom": ["none"]}
ZOOMING = {"zoom": ["in"], "movement": ["slow"], "turns": ["none"]}


@pytest.mark.parametrize(
    ("name", "changes", "asks"),
    [
        ("wording", {}, ()),
        ("option", {}, ("lens",)),
        ("rehearsal", STATIC, ()),
        ("rehearsal", ZOOMING, ("zoom_pace",)),
        ("rehearsal", {**ZOOMING, "zoom": ["unsure"]}, ()),
        ("exclusion", {}, ()),
        ("exclusion", {"movement": ["fast"], "playback": ["slow motion"]}, ("movement", "playback")),
        ("removal", {}, ()),
        ("meaning", {}, ("depth_of_field", "focus_plane")),
    ],
)
def test_only_what_a_version_changes_for_these_answers_is_asked_again(
    versions: Releases, name: str, changes: dict[str, list[str]], asks: tuple[str, ...]
) -> None:
    old, new = pair(versions, name)
    found = carry(old, new, answers(**changes))
    assert found.ask == asks
    assert not set(found.answers) & set(asks)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from([*EDITS, "rehearsal"]))
def test_carried_answers_are_valid_once_the_questions_asked_again_are_answered(
    data: st.DataObject, versions: Releases, name: str
) -> None:
    old, new = pair(versions, name)
    given_then = data.draw(form_answers(old))
    assume(not check_answers(old, given_then))
    found = carry(old, new, given_then)
    assert set(found.answers) | set(found.ask) == {a.id for a in new.attributes}
    for key, values in found.answers.items():
        assert values in (given_then.get(key, values), [NOT_APPLICABLE])
    if not found.ask:
        assert check_answers(new, dict(found.answers)) == []
    problems = check_answers(new, dict(found.answers))
    assert all(any(key in problem for key in found.ask) or "cannot both hold" in problem for problem in problems)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_version_that_only_rewords_carries_everything_and_says_the_same(
    data: st.DataObject, versions: Releases
) -> None:
    old, new = pair(versions, "wording")
    given_then = data.draw(form_answers(old))
    assume(not check_answers(old, given_then))
    found = carry(old, new, given_then)
    assert (found.ask, dict(found.answers)) == ((), {a.id: given_then.get(a.id, []) for a in old.attributes})
    assert caption_content(old, given_then) == caption_content(new, found.answers)
    assert unchanged(old, new)


def label(version: str, **more: Any) -> dict[str, Any]:
    given_now = {**answers(**ZOOMING), **more.pop("answers", {})}
    rows = [{"attribute": key, "values": values} for key, values in given_now.items()]
    row = {"label_id": "l", "chai_key": "k", "aspect": "camera", "spec_version": version, "answers": rows}
    return {**row, **more}


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    """The rehearsal's 1.1.0 after 1.0.0, in force."""
    from chai_assets.spec.authoring.release import release

    root = specs_folder(tmp_path)
    rehearsal(root)
    release(Releases(root), "1.1.0")
    return Lineage(Releases(root), "1.1.0")


def test_tasks_are_named_after_the_release_in_which_their_questions_came_to_be(lineage: Lineage) -> None:
    assert lineage.question_versions("camera") == ["1.0.0", "1.1.0"]
    for aspect in ("subject", "scene", "motion", "spatial"):
        assert lineage.question_versions(aspect) == ["1.0.0"]


def test_a_draft_stands_until_new_answers_or_a_new_meaning_change_what_it_says(lineage: Lineage) -> None:
    old, draft = label("1.0.0"), {"spec_version": "1.0.0"}
    now = label("1.1.0", label_id="m", chai_key="later", answers={"zoom_pace": ["quick"]})
    assert not lineage.draft_still_valid(draft, old, now)
    still = {"zoom": ["none"], "movement": ["static"], "zoom_pace": ["n/a"]}
    before = label("1.0.0", answers={key: still[key] for key in ("zoom", "movement")})
    after = label("1.1.0", label_id="m", chai_key="later", answers=still)
    assert lineage.draft_still_valid(draft, before, after)
    assert lineage.draft_still_valid({"spec_version": "1.1.0"}, now, now)


def test_captions_of_an_untouched_aspect_count_under_the_new_version(lineage: Lineage) -> None:
    assert lineage.compatible("subject", "1.0.0")
    assert not lineage.compatible("camera", "1.0.0")
    assert lineage.compatible("camera", "1.1.0")
