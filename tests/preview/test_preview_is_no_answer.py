"""What a preview leaves in an annotation is nothing that anybody said."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chai_assets.annotation.results import MOST_PARTS, Malformed
from chai_assets.critique import page
from chai_assets.critique.findings import Finding, in_order
from chai_assets.critique.tasks import critique_reader
from chai_assets.spec.versioning.releases import releases_in
from chai_resources.people import Person

DRAFT_ID, DRAFT = "drf_1", "A red ball rolls slowly across the beautiful floor."
DATA = page.task_data(draft_id=DRAFT_ID, draft=DRAFT, round=1, cause=DRAFT_ID, facts=[]) | {"spec_version": "1.0.0"}
ANN = Person(id="ann", name="Ann", email="ann@example.com", roles=("annotator",))

FINDINGS = st.lists(
    st.sampled_from(
        [
            Finding.mark(DRAFT_ID, DRAFT, "wrong", 2, 5, "blue"),
            Finding.mark(DRAFT_ID, DRAFT, "subjective", 35, 44),
            Finding.missing(DRAFT_ID, "It stops at the wall."),
        ]
    ),
    unique=True,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
REAL = st.lists(st.text(), max_size=4).map(page.preview)
MADE_UP = st.lists(st.dictionaries(st.sampled_from(["id", "type", "to_name", "value"]), JSON), max_size=3)
PREVIEWS = REAL | MADE_UP.map(lambda parts: [part | {"from_name": page.PREVIEW} for part in parts])


def collected(result: list[dict[str, Any]]) -> object:
    """The row of the critique, its id among it; or why it cannot be read."""
    try:
        return critique_reader({DRAFT_ID: DRAFT}, releases_in())(DATA, result, ANN)
    except Malformed as problem:
        return (problem.reason, problem.remedy)


@given(FINDINGS, st.sampled_from([1, 3, 5]), PREVIEWS, st.integers(0, 10))
def test_a_preview_changes_nothing_of_what_is_collected(
    findings: list[Finding], rating: int, preview: list[dict[str, Any]], at: int
) -> None:
    result = page.write(DATA, page.CritiqueAnswer(rating, in_order(findings)))
    assert collected([*result[:at], *preview, *result[at:]]) == collected(result)


def test_a_heap_of_previews_makes_no_answer_unreadable() -> None:
    result = page.write(DATA, page.CritiqueAnswer(3, (Finding.missing(DRAFT_ID, "It stops at the wall."),)))
    assert collected(result + (MOST_PARTS + 1) * page.preview(["x"])) == collected(result)
