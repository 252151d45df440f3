"""CameraBench's two evaluation formats, made from the labels of a dataset: binary classification, and pairs. Pure.

The fields and folders are those that the benchmark's public scripts read (folder `camerabench` of the repository
linzhiqiu/t2v_metrics): `binary_classification/<Task>.jsonl` and `vqa_and_retrieval/<skill>/<task>.jsonl`. A video is a
key of the media store, whose root is the scripts' `--video_dir`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chai_assets.core.ids import sha256_text
from chai_assets.datasets.read.label_questions import LabelQuestions
from chai_assets.spec.models import Primitive
from chai_assets.spec.questions import NO, YES

BINARY, PAIRS = "binary_classification", "vqa_and_retrieval"
Clips = Mapping[str, Mapping[str, list[str]]]
"""Videos by primitive and answer."""


@dataclass(frozen=True)
class TaskFile:
    """One file of the benchmark: its path under a split's folder, and its rows."""

    path: str
    rows: list[dict[str, str | list[str]]]


@dataclass(frozen=True)
class _Side:
    """One side of a pair: what it is called, what is asked and said, and which videos it is true of."""

    question: str
    text: str
    videos: list[str]


def binary_files(asked: LabelQuestions, split: str) -> Iterator[TaskFile]:
    """A file for each primitive that some clips of the split have and others have not."""
    clips = asked.clips(split)
    for question in asked.asked.iter_rows(named=True):
        name = question["primitive"]
        if not (clips[name][YES] and clips[name][NO]):
            continue
        task = " ".join(word.capitalize() for word in name.split("-"))
        label_name = f"{question['aspect']}.{_slug(question['sub_aspect'])}.{_slug(name)}"
        asks = question["question"]
        rows: list[dict[str, str | list[str]]] = [
            {"image": video, "question": asks, "label": label, "task": task, "label_name": label_name}
            for answer, label in ((YES, "Yes"), (NO, "No"))
            for video in clips[name][answer]
        ]
        yield TaskFile(f"{BINARY}/{task.replace(' ', '_')}.jsonl", rows)


def pair_files(asked: LabelQuestions, split: str) -> Iterator[TaskFile]:
    """Pairs of a video that a question is right of and one that it is wrong of: one task a file.

    A primitive is set against its absence, and against each one that it is most confused with: there the other video
    has the other primitive and not this one. Each video of a task is in one pair, so a task has as many pairs as its
    smaller side has videos; which two meet is decided by a hash.
    """
    clips = asked.clips(split)
    said = {row["primitive"]: row for row in asked.asked.iter_rows(named=True)}
    for aspect in asked.spec.aspects.values():
        for primitive in aspect.primitives:
            own, name = said[primitive.id], _slug(primitive.id)
            yes = _Side(own["question"], own["statement"], clips[primitive.id][YES])
            no = _Side(own["denying_question"], own["denial"], clips[primitive.id][NO])
            yield from _pair_file(f"{aspect.id}_{_slug(primitive.sub_aspect)}", f"has_{name}", yes, no)
        for one, other in _confusable(aspect.primitives):
            sides = [_against(said, clips, *names) for names in ((one, other), (other, one))]
            yield from _pair_file(f"{aspect.id}_confusable", f"{_slug(one)}_vs_{_slug(other)}", *sides)


def _confusable(primitives: tuple[Primitive, ...]) -> list[tuple[str, str]]:
    """Primitives that are taken for one another, each two once, in the specification's order."""
    ids = [primitive.id for primitive in primitives]
    named = {frozenset((primitive.id, other)) for primitive in primitives for other in primitive.confused_with}
    return [(one, other) for number, one in enumerate(ids) for other in ids[number + 1 :] if {one, other} in named]


def _against(said: Mapping[str, Mapping[str, str]], clips: Clips, name: str, other: str) -> _Side:
    without = set(clips[other][NO])
    videos = [video for video in clips[name][YES] if video in without]
    return _Side(said[name]["question"], said[name]["statement"], videos)


def _pair_file(skill: str, task: str, positive: _Side, negative: _Side) -> Iterator[TaskFile]:
    rows: list[dict[str, str | list[str]]] = [
        {
            "skill": skill,
            "task": task,
            "images": [shown, other],
            "texts": [positive.text, negative.text],
            "pos_video": shown,
            "neg_video": other,
            "pos_text": positive.text,
            "neg_text": negative.text,
            "pos_question": positive.question,
            "neg_question": negative.question,
        }
        for shown, other in zip(_shuffled(task, positive.videos), _shuffled(task, negative.videos), strict=False)
    ]
    if rows:
        yield TaskFile(f"{PAIRS}/{skill}/{task}.jsonl", rows)


def _shuffled(task: str, videos: list[str]) -> list[str]:
    return sorted(videos, key=lambda video: sha256_text(f"{task} {video}"))


def _slug(text: str) -> str:
    """A name that can be a file's, as the benchmark's are: words joined by underscores."""
    return "_".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
