"""What a lead should look at about a batch's labels: where people, labels and captions do not say the same.

Nothing is changed here. A caption of another aspect that a corrected label denies is listed, never written anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypedDict

from chai_assets.core.rows import LabelCorrectionRow, read_rows
from chai_assets.critique.label_questions import contradictions, corrected_lines
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.spec.compile import derive
from chai_assets.spec.models import UNSURE, Spec
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.labels_in_force import LabelsInForce, answers_of, labels_in_force
from chai_assets.workflow.load import load_records
from chai_resources.tables import Tables

DoubtKind = Literal["contradicted", "both_right", "answered_differently", "not_applied"]
DOUBT_KINDS: dict[DoubtKind, str] = {
    "contradicted": "an approved caption says what a label denies since it was corrected: recall it, or leave it",
    "both_right": "a person says that a caption and the label it contradicts are both right: the linter or the "
    "specification is to be mended",
    "answered_differently": "two people answered a question differently",
    "not_applied": "a correction that a reviewer ticked right does not count, since the label was another one by then",
}


class LabelDoubt(TypedDict):
    """One doubt: about which clip and aspect, of which kind, and in words."""

    clip_id: str
    aspect: str
    kind: DoubtKind
    what: str


def batch_doubts(tables: Tables, batch: str, items: Sequence[Standing], spec: Spec) -> list[LabelDoubt]:
    """The doubts about a batch's labels; `items` are where it stands under `spec`."""
    corrections = read_rows(tables, LabelCorrectionRow, batch)
    doubts = [*_both_right(items), *_answered_differently(items, corrections)]
    if corrections or any(item.decisions.labels for item in items):
        doubts += [*_contradicted(items, spec), *_not_applied(labels_in_force(load_records(tables, batch)))]
    return sorted(doubts, key=lambda doubt: (list(DOUBT_KINDS).index(doubt["kind"]), doubt["clip_id"]))


def _contradicted(items: Iterable[Standing], spec: Spec) -> Iterator[LabelDoubt]:
    """Approved captions, of whatever aspect, that speak against an answer of the clip that was corrected."""
    by_clip: dict[str, list[Standing]] = defaultdict(list)
    for item in items:
        by_clip[item.clip_id].append(item)
    for clip in by_clip.values():
        approved = [item for item in clip if item.stage == "approved" and item.candidate]
        for source in clip:
            corrected = _corrected_questions(source)
            if not corrected:
                continue
            lexicon = lexicon_of(spec, source.aspect)
            states = derive(spec.aspects[source.aspect], source.answers)
            for item in approved:
                if item.candidate is None:
                    continue
                for row in contradictions(item.candidate.text, lexicon, states):
                    if corrected & set(row["keys"]) and row["primitive"] not in _explained(item):
                        what = f"the label of {source.aspect} was corrected, and the caption says {row['says']}"
                        yield LabelDoubt(clip_id=item.clip_id, aspect=item.aspect, kind="contradicted", what=what)


def _explained(item: Standing) -> set[str]:
    """Primitives of which a person has said why the approved caption and the label are both right."""
    approval = item.approval
    return set(approval["contradicts"] or ()) if approval and approval.get("label_stands") else set()


def _corrected_questions(item: Standing) -> set[str]:
    """The questions whose answer in force is another one than the person gave who labeled it last."""
    if item.label is None or item.given_label is None:
        return set()
    before, now = answers_of(item.given_label), answers_of(item.label)
    return {name for name in now if list(before.get(name, ())) != list(now[name])}


def _both_right(items: Iterable[Standing]) -> Iterator[LabelDoubt]:
    for item in items:
        said = [turn.answer for turn in item.turns if turn.kind in ("critique", "review") and turn.answer]
        reasons = [answer.get("label_stands") for answer in said]
        for reason in dict.fromkeys(reason for reason in reasons if reason):
            yield LabelDoubt(clip_id=item.clip_id, aspect=item.aspect, kind="both_right", what=str(reason))


def _answered_differently(items: Iterable[Standing], corrections: Iterable[LabelCorrectionRow]) -> Iterator[LabelDoubt]:
    """Questions that two people answered differently, in their labels or by a correction."""
    proposed: dict[str, list[LabelCorrectionRow]] = defaultdict(list)
    for row in corrections:
        proposed[row["label_id"]].append(row)
    for item in items:
        given: dict[str, dict[str, list[str]]] = defaultdict(dict)
        for label in item.given:
            for name, values in answers_of(label).items():
                if UNSURE in values:
                    continue
                given[name].setdefault(label["author"], list(values))
            for row in proposed.get(label["label_id"], ()):
                given[row["attribute"]].setdefault(row["author"], row["after"])
        for name, answers in given.items():
            if len({tuple(sorted(values)) for values in answers.values()}) > 1:
                told = "; ".join(f"{person}: {', '.join(values)}" for person, values in answers.items())
                what = f"{name.replace('_', ' ')}: {told}"
                yield LabelDoubt(clip_id=item.clip_id, aspect=item.aspect, kind="answered_differently", what=what)


def _not_applied(in_force: LabelsInForce) -> Iterator[LabelDoubt]:
    for row in in_force.disagreeing:
        [line] = corrected_lines([row])
        yield LabelDoubt(clip_id=row["clip_id"], aspect=row["aspect"], kind="not_applied", what=line)
