"""Critique tasks from items, and critiques from what people submit. Pure but for looking up the draft."""

from typing import Any

from chai_assets.annotation.collect import ReadAnswer
from chai_assets.annotation.push import AssignedTask, BuildTask
from chai_assets.annotation.results import Malformed
from chai_assets.annotation.task_data import TaskContext
from chai_assets.core.ids import critique_id
from chai_assets.core.rows import NewRow
from chai_assets.critique import page
from chai_assets.critique.findings import as_prose, as_sentence, findings_of
from chai_assets.critique.lint import lint_critique, lint_findings
from chai_assets.linting.caption_lint import lint_caption
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.linting.lint_report import flag_lines
from chai_assets.spec.compile import derive, facts
from chai_assets.workflow.item_state import CritiqueTurn, Standing
from chai_assets.workflow.rejection_reasons import REJECTION_REASONS
from chai_resources.people import Person


def critique_task_builder(tasks: TaskContext) -> BuildTask[CritiqueTurn]:
    """Builds the critique task of an item: the draft in round 1, the last revision beside it in later rounds."""

    def build(item: Standing, turn: CritiqueTurn) -> AssignedTask:
        aspect, lexicon = tasks.spec.aspects[item.aspect], lexicon_of(tasks.spec, item.aspect)
        data = page.task_data(
            draft_id=turn.draft["draft_id"],
            draft=turn.draft["text"],
            round=turn.round,
            cause=turn.cause,
            facts=facts(aspect, item.answers),
            seen=_seen(turn),
            remarks=_remarks(turn),
            remarks_title=page.RECALLED if turn.recall else page.REJECTED,
            hints=turn.previous["hints"] if turn.previous else (),
            doubts=flag_lines(lint_caption(turn.draft["text"], lexicon, derive(aspect, item.answers))),
        )
        prefill = page.prefill(data, findings_of(turn.previous)) if turn.previous else None
        return tasks.assign(item, turn, tasks.annotator(item), data, prefill=prefill)

    return build


def critique_reader(drafts: dict[str, str]) -> ReadAnswer:
    """Reads a submitted page into the columns of the `critiques` table; `drafts` are the batch's texts by id."""

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
        }
        hints = [*lint_findings(rows, data["draft"]), *lint_critique(row["text"], data["draft"])]
        return {**row, "critique_id": critique_id(row), "hints": hints, "spec_version": data["spec_version"]}

    return read


def _seen(turn: CritiqueTurn) -> page.Seen | None:
    if turn.shown is None or turn.previous is None:
        return None
    took = {effect["finding_id"]: effect["took"] for effect in turn.shown["effects"]}
    findings = findings_of(turn.previous)
    effects = [(finding, took.get(finding.finding_id, False)) for finding in findings]
    return page.Seen(turn.shown["revision_id"], turn.shown["text"], effects)


def _remarks(turn: CritiqueTurn) -> list[str]:
    """What a rejecting reviewer said, or a lead who took the caption back, one remark a line."""
    if turn.recall:
        return [turn.recall["reason"]]
    rejection = turn.rejection
    if rejection is None:
        return []
    findings = findings_of(turn.previous) if turn.previous else []
    sentences = {finding.finding_id: as_sentence(finding) for finding in findings}
    remarks = [REJECTION_REASONS[reason].capitalize() for reason in rejection["reasons"]]
    remarks += [f"Missed: {miss}" for miss in rejection["misses"]]
    wrong = [tick["finding_id"] for tick in rejection["ticks"] if not tick["right"]]
    remarks += [f"Wrong: {sentences[finding_id]}" for finding_id in wrong if finding_id in sentences]
    return remarks + ([rejection["note"]] if rejection["note"] else [])
