"""Every combination of verdict, ticks, misses and reasons: the page refuses exactly what collection refuses.

The page is Label Studio's with the role guard, where `deploy/label_studio/answers.py` decides; collection is `read`.
"""

import json
import subprocess
import sys
from itertools import product
from typing import Any

import pytest

from chai_assets.annotation.results import Malformed, choices_part, texts_part
from chai_assets.critique import page as critique
from chai_assets.critique.findings import Finding
from chai_assets.review import feedback_page as feedback
from chai_assets.review import page as review
from chai_assets.workflow.rejection_reasons import REJECTION_REASONS
from chai_resources.environment import CHECKOUT

DRAFT = "A dog sleeps."
FINDINGS = [Finding.missing("drf_1", "Grass sways."), Finding.missing("drf_1", "It is dusk.")]
PROGRAM = """
import answers, json, sys
for config, data, result in json.load(sys.stdin):
    try:
        answers.check_answer({"result": result}, config, data, draft=False)
        print(json.dumps(None))
    except answers.NoAnswer as why:
        print(json.dumps(str(why)))
"""

Case = tuple[Any, str, dict[str, Any], list[dict[str, Any]]]
"""Page module, kind, task data, result."""


def _reviews() -> list[Case]:
    cases: list[Case] = []
    reasons = [(), *((reason,) for reason in REJECTION_REASONS), ("critique_incomplete", "model_ignored_critique")]
    for revision, found in product((None, "A rabbit sleeps."), (0, 2)):
        data: dict[str, Any] = review.task_data(
            candidate_id="cnd_1",
            draft_id="drf_1",
            draft=DRAFT,
            critique_id="crt_1",
            findings=FINDINGS[:found],
            revision_id=revision and "rev_1",
            revision=revision,
            grade=1,
        )
        ticks = [*product(("right", "wrong", None), repeat=found)]
        # One tick more than there are remarks.
        ticks += [("right",) * (found + 1), ("wrong",) * (found + 1)]
        verdicts, misses = (None, "approve", "reject"), ((), ("Snow lies.",), ("  ",))
        for verdict, ticked, missed, why in product(verdicts, ticks, misses, reasons):
            result = choices_part("verdict", "final", [verdict] if verdict else [])
            for at, tick in enumerate(ticked):
                result += choices_part(f"tick_{at}", f"finding_{at}", [tick] if tick else [])
            result += choices_part("reasons", "final", why) + texts_part("misses", "final", missed)
            cases.append((review, "review", data, result))
    return cases


def _feedbacks() -> list[Case]:
    results = [
        choices_part("answer", "draft", [answer] if answer else []) + texts_part("reason", "draft", [reason])
        for answer, reason in product((None, "understood", "request_regrade"), (None, "It does not snow.", "  "))
    ]
    return [(feedback, "feedback", {}, result) for result in results]


def _critiques() -> list[Case]:
    cases: list[Case] = []
    for seen, rating, missing in product((None, "rev_1"), (None, "1", "4", "5"), (None, "It is dusk.", " ")):
        data = {"draft_id": "drf_1", "draft": DRAFT, "seen_revision_id": seen}
        result = choices_part("rating", "draft", [rating] if rating else [])
        cases.append((critique, "critique", data, result + texts_part("missing", "draft", [missing])))
    return cases


LABELS: dict[str, Any] = {
    "labels": [
        {
            "key": "turns",
            "kind": "choice",
            "q": "Which way?",
            "agreed": ["pan right"],
            "marks": [],
            "options": [{"value": "pan left"}, {"value": "pan right"}, {"value": "tilt up"}],
        }
    ],
    "label_texts": [{"key": "who", "kind": "text", "q": "Who?", "agreed": ["n/a"], "marks": []}],
    "denied": [{"says": "pan left", "keys": ["turns"], "pattern": r"(?<![\w-])(?:pans? left)(?!\w)"}],
}
PANS = "The camera pans right. A dog sleeps."
FIXES = ("left", "left slowly", "softly", "never left", "")
PICKED = ((), ("pan left",), ("pan right",), ("pan left", "tilt up"), ("roll",))


def _labeled_critiques() -> list[Case]:
    """Findings and ratings against agreed answers: corrected or not, with and without a reason."""
    cases: list[Case] = []
    contradicted = ([], [{"primitive": "pan-left", "keys": ["turns"], "says": "“pans left” says pan left"}])
    start = PANS.index("right")
    for fix, picked, stands in product(FIXES, PICKED, (None, "Look closely.", " ")):
        data = {"draft_id": "drf_1", "draft": PANS, "seen_revision_id": None, **LABELS, "contradictions": []}
        kind = "wrong" if fix else "redundant"
        result = critique.prefill(data, [Finding.mark("drf_1", PANS, kind, start, start + 5, fix)])
        result += choices_part("label_0", "label_q_0", picked) + texts_part("label_stands", "draft", [stands])
        cases.append((critique, "critique", data, result + choices_part("rating", "draft", ["3"])))
    for missing, picked in product(("It pans left.", "It does not pan left.", "Grass sways."), PICKED):
        data = {"draft_id": "drf_1", "draft": PANS, "seen_revision_id": None, **LABELS, "contradictions": []}
        result = texts_part("missing", "draft", [missing]) + choices_part("label_0", "label_q_0", picked)
        cases.append((critique, "critique", data, result + choices_part("rating", "draft", ["3"])))
    for against, picked, stands, who in product(contradicted, PICKED, (None, "Look."), ("N/A", "a dog", None)):
        data = {"draft_id": "drf_1", "draft": PANS, "seen_revision_id": "rev_1", **LABELS, "contradictions": against}
        result = choices_part("label_0", "label_q_0", picked) + texts_part("label_stands", "draft", [stands])
        result += texts_part("label_text_0", "label_text_q_0", [who])
        cases.append((critique, "critique", data, result + choices_part("rating", "draft", ["5"])))
    return cases


def _labeled_reviews() -> list[Case]:
    """Verdicts on corrected labels and on captions that contradict them."""
    cases: list[Case] = []
    for against, said, verdict, ticked, stands in product(
        ((), [{"primitive": "pan-left", "keys": ["turns"], "says": "“pans left” says pan left"}]),
        (None, "Look closely."),
        ("approve", "reject"),
        ((), ("right",), ("wrong",), (None,), ("right", "right")),
        (None, "Both are right."),
    ):
        data = review.task_data(
            candidate_id="cnd_1",
            draft_id="drf_1",
            draft=DRAFT,
            critique_id="crt_1",
            findings=[],
            revision_id=None,
            revision=None,
            grade=1,
            corrections=[("cor_1", 'turns: "pan right" becomes "pan left"')] if ticked else [],
            contradictions=against,
            label_stands=said,
        )
        result = choices_part("verdict", "final", [verdict]) + texts_part("label_stands", "final", [stands])
        result += choices_part("reasons", "final", ["critique_incomplete"] if verdict == "reject" else [])
        for at, tick in enumerate(ticked):
            result += choices_part(f"correct_{at}", f"correction_{at}", [tick] if tick else [])
        cases.append((review, "review", data, result))
    return cases


CASES = [*_reviews(), *_feedbacks(), *_critiques(), *_labeled_critiques(), *_labeled_reviews()]


def _at_collection(case: Case) -> bool:
    page, _, data, result = case
    try:
        page.read(data, result)
    except Malformed:
        return False
    return True


@pytest.fixture(scope="module")
def at_the_page() -> list[str | None]:
    """What the guard's module says to each case: a sentence, or None where it accepts."""
    asked = [(page.config(), data | {"chai_kind": kind}, result) for page, kind, data, result in CASES]
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=CHECKOUT / "deploy" / "label_studio",
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [json.loads(line) for line in told.splitlines()]


def test_the_page_and_collection_say_the_same_of_every_combination(at_the_page: list[str | None]) -> None:
    collected = [_at_collection(case) for case in CASES]
    differ = [
        case[1:] for case, page, read in zip(CASES, at_the_page, collected, strict=True) if (page is None) != read
    ]
    assert differ == []
    assert {kind for (_, kind, _, _), read in zip(CASES, collected, strict=True) if read} == {
        "review",
        "feedback",
        "critique",
    }


def test_an_approval_holds_nothing_against_what_it_approves(at_the_page: list[str | None]) -> None:
    accepted = [json.dumps(result) for (_, kind, _, result), why in zip(CASES, at_the_page, strict=True) if not why]
    approvals = [text for text in accepted if '"approve"' in text]
    assert approvals
    assert not any('"wrong"' in text or '"reasons"' in text or "Snow" in text for text in approvals)


def test_every_refusal_says_what_to_do(at_the_page: list[str | None]) -> None:
    assert all("; " in why for why in at_the_page if why)
