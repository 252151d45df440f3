"""Histories of labels, critiques that correct them or not, reviews, regrades, recalls and deletions, drawn at random.

Whatever people do, no approved caption contradicts its labels in force unless a person said why both are right, and
nothing that was recorded is ever changed.
"""

import copy
import random
from collections import Counter
from pathlib import Path
from typing import Any

from chai_assets.annotation.results import Malformed
from chai_assets.critique import page as critique_page
from chai_assets.critique.label_answers import LabelAnswers
from chai_assets.demo.material import slips, truth
from chai_assets.demo.people import caption_of, differences, same_facts
from chai_assets.labeling import page as labeling_page
from chai_assets.review import feedback_page
from chai_assets.review import page as review_page
from chai_assets.spec.compile import statements
from chai_assets.spec.models import NOT_APPLICABLE
from tests.fuzz.cases import Cases
from tests.labels.loop import Loop, guard

ASPECTS = ("subject", "scene", "camera")
"""Those that rest on no other."""
STEPS = 16
ASKED_AT_THE_PAGE = ("contradicts an agreed answer", "which the agreed answers deny")
Answers = dict[str, list[str]]


class Crowd:
    """People who know the truth of one clip, and tell it as chance has it."""

    def __init__(self, draw: random.Random, loop: Loop, true: Answers, labeled: Answers) -> None:
        self.draw, self.loop, self.true, self.labeled = draw, loop, true, labeled
        self.caption = caption_of(loop.aspect, statements(loop.spec.aspects[loop.aspect], true))

    def answer(self, kind: str, data: dict[str, Any]) -> list[dict[str, Any]]:
        return {"primitives": self._label, "critique": self._critique, "review": self._review}.get(
            kind, self._feedback
        )(data)

    def _label(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        asked = self.loop.spec.aspects[self.loop.aspect].attributes
        given = {attribute.id: self.labeled.get(attribute.id) or [NOT_APPLICABLE] for attribute in asked}
        return labeling_page.write(data, labeling_page.Labels(given, None, None))

    def _critique(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        rows = [*data["labels"], *data["label_texts"]]
        right = {row["key"]: self.true.get(row["key"]) or [NOT_APPLICABLE] for row in rows}
        wrong = {row["key"]: right[row["key"]] for row in rows if sorted(right[row["key"]]) != sorted(row["agreed"])}
        if self.draw.random() < 0.4:
            wrong = {key: values for key, values in wrong.items() if self.draw.random() < 0.5}
        if self.draw.random() < 0.1:
            row = self.draw.choice(data["labels"])
            wrong[row["key"]] = [self.draw.choice(row["options"])["value"]]
        stands = "Both are right: look closely." if self.draw.random() < 0.15 else None
        findings = differences(data["draft_id"], data["draft"], self.caption)
        if self.draw.random() < 0.2:
            findings = findings[: self.draw.randint(0, len(findings))]
        perfect = not findings or same_facts(data["shown"], self.caption) or self.draw.random() < 0.2
        if perfect:
            said = critique_page.CritiqueAnswer(5, (), LabelAnswers(wrong, stands))
        else:
            said = critique_page.CritiqueAnswer(3, findings, LabelAnswers(wrong, stands))
        return critique_page.write(data, said)

    def _review(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        careless = self.draw.random() < 0.4
        approve = same_facts(data["final"], self.caption) or careless
        ticks = tuple((row["finding_id"], True) for row in data["findings"])
        corrections = tuple((row["correction_id"], self.draw.random() < 0.85) for row in data["corrections"])
        stands = "The linter errs." if self.draw.random() < 0.15 else None
        misses, reasons = ((), ()) if approve else (("Something is amiss.",), ("critique_incomplete",))
        verdict = "approve" if approve else "reject"
        said = review_page.ReviewAnswer(verdict, ticks, misses, reasons, None, corrections, stands)
        return review_page.write(data, said)

    def _feedback(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        if self.draw.random() < 0.5:
            return feedback_page.write(data, feedback_page.FeedbackAnswer("understood", None))
        return feedback_page.write(data, feedback_page.FeedbackAnswer("request_regrade", "It is as I said."))


def _recorded(loop: Loop) -> dict[str, list[Any]]:
    held = loop.records
    return {
        "labels": held.labels,
        "critiques": held.critiques,
        "corrections": held.corrections,
        "reviews": held.reviews,
        "drafts": held.drafts,
        "decisions": held.decisions,
        "revisions": held.revisions,
    }


def test_no_approved_caption_contradicts_its_labels_and_no_record_changes(cases: Cases, tmp_path: Path) -> None:
    known, wrong = truth(), slips()
    ends: Counter[str] = Counter()
    for name, draw in cases:
        shot = draw.choice(sorted(known))
        loop = Loop(tmp_path, aspect=draw.choice(ASPECTS))
        true = known[shot][loop.aspect]
        labeled = {**true, **wrong.get((*shot, loop.aspect), {})} if draw.random() < 0.9 else true
        crowd = Crowd(draw, loop, true, labeled)
        for _ in range(STEPS):
            before = copy.deepcopy(_recorded(loop))
            loop.write()
            if loop.item.waiting is not None:
                told = "; "
                try:
                    happened = f"{loop.submit(crowd.answer)} submitted"
                except guard.NoAnswer as why:
                    happened, told = "refused at the page", str(why)
                except Malformed as why:
                    happened, told = "given back", str(why)
                    # The page asks about these before an answer is sent.
                    assert not any(asked in told for asked in ASKED_AT_THE_PAGE), (name, told)
                ends[happened] += 1
                assert "; " in told, (name, told)
            if loop.records.reviews and draw.random() < 0.05:
                loop.delete(draw.choice(loop.records.reviews)["event_id"])
            assert loop.contradicting() == [], name
            for table, rows in _recorded(loop).items():
                assert rows[: len(before[table])] == before[table], (name, table)
            if loop.item.stage == "approved":
                if draw.random() < 0.7:
                    break
                loop.recall()
                assert loop.item.stage == "critique", name
                ends["recalled"] += 1
        ends[loop.item.stage] += 1
        ends["corrected"] += loop.item.label not in loop.item.given
        ends["explained"] += bool(loop.item.approval and loop.item.approval["label_stands"])
    print(dict(ends))
    if cases.count >= 1000:  # by chance a few cases may not come to each of these
        assert all(ends[what] for what in ("approved", "corrected", "explained", "recalled", "refused at the page"))
