"""The decisions that a lead may make, each checked against where its item stands; what follows is the walk's business.

A decision is one appended row. Where it is a verdict or an answer, a review or a label of the lead's own is appended
with it. A caption that loses its approval is withdrawn at once: no dataset waits for the next run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from chai_assets.core import ids
from chai_assets.core.rows import LabelRow, LeadDecisionRow, NewRow, ReviewRow, TripleRow, read_rows
from chai_assets.review.lead.contradictions import contradictions_if_approved
from chai_assets.review.lead.find import ItemName, find_item, item_of_record, standing_of
from chai_assets.spec.compile import check_answers, derive
from chai_assets.spec.models import NOT_APPLICABLE, UNSURE
from chai_assets.spec.resource import SpecRelease
from chai_assets.triples.join import triple_entry
from chai_assets.workflow.decisions import in_order, work_of
from chai_assets.workflow.item_state import OUT_OF_THE_LOOP, CritiqueTurn, ReviewTurn, Standing
from chai_resources.errors import NotAllowed, UnusableInput, one_line
from chai_resources.people import People, Person
from chai_resources.tables import Tables, now

Verdict = Literal["approve", "reject"]
LONGEST_REASON = 1000
"""Characters: a manifest quotes it, and a page shows it."""


class NothingToDecide(NotAllowed):
    """The item does not stand where this can be decided; the text says where it stands, and what can be done."""


def lead_of(people: People, who: str) -> Person:
    """The lead who decides: the one named, or the only one there is. Raises UnusableInput."""
    leads = [person.id for person in people.leads]
    if not leads:
        raise UnusableInput("nobody has the role lead: add it to somebody's roles in the people file, and run again")
    if not who and len(leads) > 1:
        raise UnusableInput(f"{len(leads)} people are leads: say who decides, with --by {' or --by '.join(leads)}")
    person = people.by_id(who or leads[0])
    if person is None or person.id not in leads:
        raise UnusableInput(f"{one_line(who)} is no lead: name one of {', '.join(leads)}, or add the role lead")
    return person


def checked_reason(reason: str) -> str:
    """The reason in one line. Raises UnusableInput for none, and for one that cannot be shown."""
    text = " ".join(reason.split())
    if not text:
        raise UnusableInput('a decision needs its reason: --reason "what is wrong"')
    if not text.isprintable():
        raise UnusableInput("the reason has characters that cannot be shown: write it again in plain text")
    if len(text) > LONGEST_REASON:
        raise UnusableInput(f"the reason has {len(text)} characters: keep it to {LONGEST_REASON}")
    return text


@dataclass(frozen=True)
class Lead:
    """A lead at work, on the tables as they are now. Each method appends one decision, or raises NothingToDecide."""

    tables: Tables
    release: SpecRelease
    people: People
    person: Person

    def recall(self, triple: str, reason: str) -> TripleRow:
        """Takes an approved caption back: its item reopens with another round of critique, which shows the reason.

        One of an imported corpus is withdrawn only. Raises UnknownItem.
        """
        if not triple.startswith("tri_"):
            item = find_item(self.tables, self.release, triple)
            raise UnusableInput(f"{one_line(triple)} is no triple: `chai show {item}` names those of the item")
        triple_id, item = item_of_record(self.tables, triple)
        entries = self._entries(item, triple_id)
        self._refuse_known_recall(item, entries)
        last = entries[-1]
        stands = standing_of(self.tables, self.release, item)
        if stands and (stands.approval is None or stands.approval["review_id"] != last["review_id"]):
            raise NothingToDecide(
                f"{triple_id} is approved no longer, its item stands at {stands.stage}: `chai advance {item.batch}` "
                f"withdraws it, `chai show {item}` says what happened"
            )
        self._decide(item, "recall", reason, refers_to=last["review_id"], triple=entries)
        return last

    def change_verdict(self, item: ItemName, verdict: Verdict, reason: str, label_stands: str | None = None) -> None:
        """Puts a verdict of the lead's own in the place of the last review, while nobody has built on that.

        To approve is to call the corrections of labels right that the review looked at. `label_stands` says why a
        caption that contradicts its labels even so is right, and so are they.
        """
        stands = self._standing(item)
        turn = self._last_review(item, stands)
        assert turn.answer
        review = stands.decisions.review_in_force(turn.answer)
        if review["verdict"] == verdict:
            raise NothingToDecide(f"the last review of {item} says {verdict} already: there is nothing to change")
        if self.person.id in stands.authors():
            raise NothingToDecide(f"{self.person.id} worked on {item}: another lead must decide about its review")
        denied: dict[str, str] = {}
        if verdict == "approve":
            denied = contradictions_if_approved(self.tables, self.release, item, stands, review)
        why = checked_reason(label_stands) if label_stands and denied else None
        if denied and not why:
            raise NothingToDecide(
                f"the caption of {item} contradicts its label ({'; '.join(denied.values())}): leave it to another "
                "round, where either is corrected, or say why both are right, with --label-stands"
            )
        decision = self._row(item, "change_verdict", reason, review["review_id"], verdict)
        entries = self._entries(item, review_id=review["review_id"])
        self._append(item, decision, entries, self._own_review(decision, review, verdict, sorted(denied), why))

    def reassign(self, item: ItemName, person_id: str, reason: str) -> str:
        """Gives the item's open task, and those that follow for the same work, to another person; gives its key."""
        stands = self._standing(item)
        turn = stands.waiting
        if turn is None:
            raise NothingToDecide(
                f"{item} stands at {stands.stage}: no task of it is open that somebody could be given"
            )
        if turn.unreadable:
            raise NothingToDecide(
                f"the {turn.kind} task of {item} holds an answer that could not be read ({turn.unreadable['reason']}): "
                "its author corrects it, or delete the answer in Label Studio"
            )
        work = work_of(turn.kind)
        able = {person.id for person in (self.people.reviewers if work == "reviewer" else self.people.annotators)}
        if isinstance(turn, ReviewTurn):
            able -= stands.authors() | ({turn.dispute.rejection["author"]} if turn.dispute else set())
        if person_id not in able:
            others = ", ".join(sorted(able)) or "nobody"
            raise NothingToDecide(f"{one_line(person_id)} may not do this {turn.kind} of {item}: {others} may")
        if (stands.decisions.assigned.get(work) or self._holder(item, turn.key)) == person_id:
            raise NothingToDecide(f"the {turn.kind} task of {item} is {person_id}'s already")
        self._decide(item, "reassign", reason, refers_to=turn.key, value=person_id)
        return turn.key

    def set_aside(self, item: ItemName, reason: str) -> None:
        """Takes an item out of the loop until it is taken back or dropped; its open tasks close."""
        stands = self._standing(item)
        if stands.stage in OUT_OF_THE_LOOP:
            raise NothingToDecide(f"{item} is {stands.stage} already: take it back or drop it")
        entries = self._entries(item, review_id=stands.approval["review_id"]) if stands.approval else []
        self._decide(item, "set_aside", reason, triple=entries)

    def take_back(self, item: ItemName, reason: str) -> None:
        """Puts an item that was set aside or dropped back where it was; where its clip had a problem, to labeling."""
        stands = self._standing(item)
        if stands.stage not in OUT_OF_THE_LOOP:
            raise NothingToDecide(f"{item} is not set aside, it stands at {stands.stage}: nothing is to take back")
        self._decide(item, "take_back", reason, refers_to=self._problem_task(stands))

    def drop(self, item: ItemName, reason: str) -> None:
        """Leaves an item that was set aside out for good: nobody is asked about it again."""
        stands = self._standing(item)
        if stands.stage != "set_aside":
            raise NothingToDecide(f"{item} stands at {stands.stage}: only what is set aside is dropped")
        self._decide(item, "drop", reason)

    def answer(self, item: ItemName, given: Mapping[str, list[str]], reason: str) -> None:
        """Answers questions that were answered `unsure`; `unsure` again settles that nobody can tell.

        Questions that only apply by those answers are answered with them.
        """
        stands = self._standing(item)
        label, completed = stands.label, stands.answered_label
        if label is None or completed is None or label["problem"]:
            raise NothingToDecide(f"{item} stands at {stands.stage}: it has no answers that count")
        answers = {answer["attribute"]: answer["values"] for answer in label["answers"]}
        doubted = [name for name, values in answers.items() if UNSURE in values]
        if not any(name in doubted for name in given):
            open_ones = f"unsure are {', '.join(doubted)}" if doubted else "none was answered unsure"
            raise NothingToDecide(f"no question of {item} that was answered unsure is among these: {open_ones}")
        if firm := [name for name in given if answers.get(name, []) not in ([], [UNSURE], [NOT_APPLICABLE])]:
            raise NothingToDecide(
                f"{', '.join(firm)} of {item}: answered by its annotator and not unsure, which a critique corrects"
            )
        settled = all(values == [UNSURE] for values in given.values())
        if not settled and any(UNSURE in values for values in given.values()):
            raise UnusableInput("answers, and questions that nobody can answer, are two decisions: give one at a time")
        decision = self._row(item, "resolve_unsure", reason, completed["label_id"], ids.canonical_json(dict(given)))
        self._append(item, decision, [], None if settled else self._own_label(completed, {**answers, **given}))

    def _standing(self, item: ItemName) -> Standing:
        stands = standing_of(self.tables, self.release, item)
        if stands is None:
            raise NothingToDecide(
                f"{item} is of an imported corpus, or of an aspect that is asked no more: nobody works on it"
            )
        return stands

    def _last_review(self, item: ItemName, stands: Standing) -> ReviewTurn:
        """The last review, if nobody has critiqued or reviewed since."""
        answered = [turn for turn in stands.turns if turn.answer and isinstance(turn, CritiqueTurn | ReviewTurn)]
        last = answered[-1] if answered else None
        review = stands.decisions.review_in_force(last.answer) if isinstance(last, ReviewTurn) and last.answer else None
        if not isinstance(last, ReviewTurn) or review is None or review["review_id"] in stands.decisions.recalls:
            raise NothingToDecide(
                f"{item} stands at {stands.stage}, and nobody has reviewed what it holds now: there is no verdict to "
                "change"
            )
        return last

    def _problem_task(self, stands: Standing) -> str | None:
        """Key of the labeling task whose answer says that the clip has a problem, if that is what stands."""
        label = stands.label
        return label["chai_key"] if label and label["problem"] else None

    def _holder(self, item: ItemName, key: str) -> str | None:
        tasks = self.tables.read("tasks", item.batch, columns=["chai_key", "assignee"])
        held = tasks.filter(tasks["chai_key"] == key)["assignee"]
        return held[-1] if len(held) else None

    def _entries(self, item: ItemName, triple_id: str = "", review_id: str = "") -> list[TripleRow]:
        """The entries of a triple, by its id or its review; none where it never was one."""
        rows = read_rows(self.tables, TripleRow, item.batch)
        return [row for row in rows if triple_id == row["triple_id"] or review_id == row["review_id"]]

    def _refuse_known_recall(self, item: ItemName, entries: list[TripleRow]) -> None:
        triple = entries[-1]
        decisions = in_order(read_rows(self.tables, LeadDecisionRow, item.batch))
        by = [row for row in decisions if row["triple_id"] == triple["triple_id"]]
        again = f"`chai show {item}` says where it stands"
        if by and (triple["standing"] == "withdrawn" or by[-1]["kind"] == "recall"):
            self._withdraw(entries)  # what a recall that was cut off did not come to
            was, when = by[-1], f"{by[-1]['recorded_at']:%Y-%m-%d %H:%M} UTC"
            raise NothingToDecide(
                f"{triple['triple_id']} was taken back already, by {was['author']} on {when} "
                f"({was['kind']}: {was['reason']}): {again}"
            )
        if triple["standing"] == "withdrawn":
            when = f"{triple['recorded_at']:%Y-%m-%d %H:%M} UTC"
            raise NothingToDecide(
                f"{triple['triple_id']} was withdrawn on {when}, when its item was reopened: datasets are without it, "
                f"and {again}"
            )

    def _decide(
        self,
        item: ItemName,
        kind: str,
        reason: str,
        refers_to: str | None = None,
        value: str | None = None,
        triple: list[TripleRow] | None = None,
    ) -> None:
        self._append(item, self._row(item, kind, reason, refers_to, value), triple or [], None)

    def _row(self, item: ItemName, kind: str, reason: str, refers_to: str | None, value: str | None) -> NewRow:
        row: NewRow = {"batch": item.batch, "kind": kind, "clip_id": item.clip_id, "aspect": item.aspect}
        return {**row, "refers_to": refers_to, "value": value, "reason": checked_reason(reason), "triple_id": None}

    def _append(
        self,
        item: ItemName,
        decision: NewRow,
        entries: list[TripleRow],
        own: Callable[[str], tuple[str, NewRow]] | None,
    ) -> None:
        """Appends a decision: what it rests on first, so that a decision without it is never read."""
        known = read_rows(self.tables, LeadDecisionRow, item.batch)
        number = sum((row["clip_id"], row["aspect"]) == (item.clip_id, item.aspect) for row in known)
        lost = entries[-1]["triple_id"] if entries and entries[-1]["standing"] == "verified" else None
        row = {**decision, "triple_id": lost, "author": self.person.id}
        row["decision_id"] = ids.decision_id(row, number)
        if own:
            table, record = own(row["decision_id"])
            self.tables.append(table, [record])
        self.tables.append("lead_decisions", [row])
        self._withdraw(entries)

    def _withdraw(self, entries: list[TripleRow]) -> None:
        if entries and entries[-1]["standing"] == "verified":
            gone = triple_entry({**entries[-1], "recorded_at": None}, "withdrawn", len(entries))
            self.tables.append("triples", [gone])

    def _own_review(
        self, decision: NewRow, review: ReviewRow, verdict: Verdict, denied: list[str], label_stands: str | None
    ) -> Callable[[str], tuple[str, NewRow]]:
        """The lead's review in place of another: it approves every remark and correction, or its note says why not."""
        looked_at = review.get("correction_ticks")
        if verdict == "approve" and looked_at:
            looked_at = [{**tick, "right": True} for tick in looked_at]

        def made(decision_id: str) -> tuple[str, NewRow]:
            row: NewRow = {
                **review,
                "event_id": decision_id,
                "grade": review["grade"] + 1,  # no two reviews of a candidate are one, however often they change
                "verdict": verdict,
                "ticks": [{**tick, "right": True} for tick in review["ticks"]],
                "correction_ticks": looked_at,
                "contradicts": denied if verdict == "approve" else review.get("contradicts"),
                "label_stands": label_stands,
                "misses": [],
                "reasons": [],
                "note": decision["reason"],
                "author": self.person.id,
                "submitted_at": now(),
                "lead_time_s": None,
                "recorded_at": None,
            }
            return "reviews", {**row, "review_id": ids.review_id(row)}

        return made

    def _own_label(self, label: LabelRow, answers: dict[str, list[str]]) -> Callable[[str], tuple[str, NewRow]]:
        """The label with the lead's answers. Raises UnusableInput where they do not fit together."""
        aspect = self.release.releases.load(label["spec_version"]).aspects[label["aspect"]]
        if problems := check_answers(aspect, answers):
            raise UnusableInput("; ".join(problems))
        states = [{"primitive": name, "state": state} for name, state in derive(aspect, answers).items()]
        asked = [attribute.id for attribute in aspect.attributes if attribute.id in answers]

        def made(decision_id: str) -> tuple[str, NewRow]:
            row: NewRow = {
                **label,
                "event_id": decision_id,
                "answers": [{"attribute": name, "values": answers[name]} for name in asked],
                "states": states,
                "author": self.person.id,
                "submitted_at": now(),
                "lead_time_s": None,
                "recorded_at": None,
            }
            return "primitives", {**row, "label_id": ids.label_id(row)}

        return made
