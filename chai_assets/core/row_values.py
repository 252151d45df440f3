"""What rows hold inside a column, as types: answers, findings, ticks and the like. The rows are in `rows.py`."""

from typing import TypedDict


class AnswerValue(TypedDict):
    """The values chosen for one attribute."""

    attribute: str
    values: list[str]


class StateValue(TypedDict):
    """One primitive: present, absent or not applicable."""

    primitive: str
    state: str


class FindingValue(TypedDict):
    """One remark on a draft. `start` and `end` are code points of the quoted span, null for what is missing."""

    finding_id: str
    kind: str
    quote: str | None
    start: int | None
    end: int | None
    fix: str | None


class EffectValue(TypedDict):
    """Whether a finding took in a revision, and where that shows."""

    finding_id: str
    took: bool
    evidence: str


class ChangeValue(TypedDict):
    """A change of a text: the words before, and the words after."""

    before: str
    after: str


class TickValue(TypedDict):
    """A reviewer's judgment of one finding."""

    finding_id: str
    right: bool


class CorrectionValue(TypedDict):
    """An answer of a label that a critique corrects: the values before, the right ones, the findings on it."""

    attribute: str
    before: list[str]
    after: list[str]
    finding_ids: list[str]


class CorrectionTickValue(TypedDict):
    """A reviewer's judgment of one correction of a label."""

    correction_id: str
    right: bool


class CheckValue(TypedDict):
    """What was checked of a polished critique, and whether it held."""

    check: str
    held: bool


class WrittenValue(TypedDict):
    """What a model wrote for an item: the task, hashes of the templates, whether a person has answered it."""

    task: str
    templates: list[str]
    answered: bool
