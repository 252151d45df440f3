"""Critique tasks from items, and critiques from what people submit. Pure but for looking up the draft."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chai_assets.annotation.collect import ReadAnswer
from chai_assets.annotation.push import AssignedTask, BuildTask
from chai_assets.annotation.results import Malformed
from chai_assets.annotation.task_data import TaskContext
from chai_assets.core.ids import correction_id, critique_id
from chai_assets.core.rows import CritiqueRow, NewRow
from chai_assets.critique import page
from chai_assets.critique.findings import as_prose, as_sentence, findings_of
from chai_assets.critique.label_answers import LabelAnswers, corrections_of, findings_on
from chai_assets.critique.label_questions import contradictions, label_questions
from chai_assets.critique.lint import lint_critique, lint_findings
from chai_assets.linting.caption_lint import PrimitiveStates, lint_caption
from chai_assets.linting.lexicon import Lexicon, lexicon_of
from chai_assets.linting.lint_report import flag_lines
from chai_assets.spec.compile import derive, facts
from chai_assets.spec.versioning.releases import Releases
from chai_assets.workflow.item_state import CritiqueTurn, Standing
from chai_assets.workflow.labels_in_force import answers_of
from chai_assets.workflow.rejection_reasons import REJECTION_REASONS
from chai_resources.people import Person


def critique_task_builder(tasks: TaskContext) -> BuildTask[CritiqueTurn]:
    """Builds the critique task of an item: the draft in round 1, the last revision beside it in later rounds."""

    def build(item: Standing, turn: CritiqueTurn) -> AssignedTask:
        aspect, lexicon = tasks.spec.aspects[item.aspect], lexicon_of(tasks.spec, item.aspect)
        draft, states = turn.draft["text"], derive(aspect, item.answers)
        data = page.task_data(
            draft_id=turn.draft["draft_id"],
            draft=draft,
            round=turn.round,
            cause=turn.cause,
            facts=facts(aspect, item.answers),
            seen=_seen(turn),
            remarks=_remarks(turn, lexicon, states),
            remarks_title=page.RECALLED if turn.recall else page.REJECTED,
            hints=turn.previous["hints"] if turn.previous else (),
            doubts=flag_lines(lint_caption(draft, lexicon, states)),
            labels=label_questions(aspect, item.answers, draft, lexicon, map(answers_of, item.given)),
            contradictions=contradictions(turn.shown["text"] if turn.shown else draft, lexicon, states),
        )
        data["label_id"] = item.answered_label["label_id"] if item.answered_label else None
        findings = findings_of(turn.previous) if turn.previous else []
        prefill = page.prefill(data, findings, _said_of_labels(item.critiques))
        return tasks.assign(item, turn, tasks.annotator(item), data, prefill=prefill or None)

    return build


def critique_reader(drafts: dict[str, str], releases: Releases) -> ReadAnswer:
    """Reads a submitted page into the columns of the `critiques` table; `drafts` are the batch's texts by id.

    Corrected labels must go together under the release of `releases` that the task was made under.
    """

    def read(data: dict[str, Any], result: list[Any], author: Person) -> NewRow:
        if drafts.get(str(data.get("draft_id"))) != data.get("draft"):
            raise Malformed(
                f"the task shows a text that is not draft {data.get('draft_id')}",
                "the task was changed after it was pushed: delete it, and it is pushed again",
            )
        answer = page.read(data, result)
        revised = data["seen_revision_id"] is not None
        verdict = "change" if answer.rating < page.PERFECT else "accept" if revised else "perfect"
        findings = answer.findings if verdict == "change" else ()
        rows = [finding.value for finding in findings]
        row = {
            "draft_id": data["draft_id"],
            "round": data["round"],
            "cause": data["cause"],
            "verdict": verdict,
            "rating": answer.rating,
            "findings": rows,
            "text": as_prose(findings),
            "author": author.id,
            "label_id": data.get("label_id"),
            "corrections": _corrections(data, answer, releases),
            "label_stands": answer.labels.stands,
        }
        hints = [*lint_findings(rows, data["draft"]), *lint_critique(row["text"], data["draft"])]
        return {**row, "critique_id": critique_id(row), "hints": hints, "spec_version": data["spec_version"]}

    return read


_SAME = ["batch", "event_id", "clip_id", "aspect", "label_id", "critique_id", "spec_version", "author", "submitted_at"]
CORRECTING = [*_SAME, "corrections"]
"""The columns of critiques that `correction_rows` needs."""


def correction_rows(critiques: Iterable[Mapping[str, Any]]) -> list[NewRow]:
    """The rows of `label_corrections` that critiques ask for, one for each answer that they correct."""
    return [
        {
            **{name: critique[name] for name in _SAME},
            **correction,
            "correction_id": correction_id(critique["critique_id"], correction["attribute"]),
        }
        for critique in critiques
        for correction in critique["corrections"] or ()
    ]


def _corrections(data: dict[str, Any], answer: page.CritiqueAnswer, releases: Releases) -> list[NewRow] | None:
    """What is corrected, and the findings it follows from; None for a task of before labels could be corrected."""
    if data.get("label_id") is None:
        return None
    corrected = answer.labels.corrected
    if not corrected:
        return []
    aspect = releases.load(data["spec_version"]).aspects[data["aspect"]]
    return [
        {**correction, "finding_ids": findings_on(data, answer.findings, correction["attribute"])}
        for correction in corrections_of(data, aspect, corrected)
    ]


def _said_of_labels(critiques: Sequence[CritiqueRow]) -> LabelAnswers:
    """What the last of an item's critiques said of the labels, as the page of the next round shows it."""
    if not critiques:
        return LabelAnswers({})
    last = critiques[-1]
    return LabelAnswers({c["attribute"]: c["after"] for c in last["corrections"] or ()}, last["label_stands"])


def _seen(turn: CritiqueTurn) -> page.Seen | None:
    if turn.shown is None or turn.previous is None:
        return None
    took = {effect["finding_id"]: effect["took"] for effect in turn.shown["effects"]}
    findings = findings_of(turn.previous)
    effects = [(finding, took.get(finding.finding_id, False)) for finding in findings]
    return page.Seen(turn.shown["revision_id"], turn.shown["text"], effects)


def _remarks(turn: CritiqueTurn, lexicon: Lexicon, states: PrimitiveStates) -> list[str]:
    """What a rejecting reviewer said, or a lead who took the caption back; what a miss says against the labels too."""
    if turn.recall:
        return [turn.recall["reason"]]
    rejection = turn.rejection
    if rejection is None:
        return []
    findings = findings_of(turn.previous) if turn.previous else []
    sentences = {finding.finding_id: as_sentence(finding) for finding in findings}
    remarks = [REJECTION_REASONS[reason].capitalize() for reason in rejection["reasons"]]
    for miss in rejection["misses"]:
        against = [row["says"] for row in contradictions(miss, lexicon, states)]
        remarks.append(f"Missed: {miss}" + (f" (but {'; '.join(against)})" if against else ""))
    wrong = [tick["finding_id"] for tick in rejection["ticks"] if not tick["right"]]
    remarks += [f"Wrong: {sentences[finding_id]}" for finding_id in wrong if finding_id in sentences]
    return remarks + ([rejection["note"]] if rejection["note"] else [])
