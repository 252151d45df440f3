"""What people answer in the chaos test: decided by what a task shows alone, so that every run hears the same.

Each aspect has a fate of its own; together they take every turn of the loop.
"""

from collections.abc import Callable
from typing import Any

from chai_assets.critique import page as critique_page
from chai_assets.critique.findings import Finding
from chai_assets.labeling import page as labeling_page
from chai_assets.review import feedback_page
from chai_assets.review import page as review_page
from tests.world import World, plain_answers

Data = dict[str, Any]
Result = list[dict[str, Any]]

RATINGS = {
    "subject": (5,),
    "scene": (3, 5),
    "camera": (2, 4, 5),
    "motion": (3, 5, 4, 5),  # the third follows a rejection
    "spatial": (5,),
}
"""What is rated in each round; below 5 a finding more is given than the last time."""

REMARKS = ("A bird crosses the sky.", "It is dusk.")


def label(world: World, data: Data) -> Result:
    answers = plain_answers(world.spec.aspects[data["aspect"]])
    return labeling_page.write(data, labeling_page.Labels(answers, None, None))


def critique(world: World, data: Data) -> Result:
    so_far = RATINGS[data["aspect"]][: data["round"]]
    remarks = REMARKS[: sum(rating < 5 for rating in so_far)] if so_far[-1] < 5 else ()
    findings = tuple(Finding.missing(data["draft_id"], text) for text in remarks)
    return critique_page.write(data, critique_page.CritiqueAnswer(so_far[-1], findings))


def review(world: World, data: Data) -> Result:
    """Approves, but for the first candidate of a motion and the first look at a spatial caption."""
    first_motion = data["aspect"] == "motion" and len(data["findings"]) == 1
    first_spatial = data["aspect"] == "spatial" and data["grade"] == 1
    ticks = tuple((finding["finding_id"], True) for finding in data["findings"])
    if first_motion or first_spatial:
        answer = review_page.ReviewAnswer("reject", ticks, ("Rain falls.",), ("critique_incomplete",), None)
    else:
        answer = review_page.ReviewAnswer("approve", ticks, (), (), None)
    return review_page.write(data, answer)


def reply(world: World, data: Data) -> Result:
    """The author of a motion caption gives in, that of a spatial caption asks for a regrade."""
    if data["aspect"] == "motion":
        return feedback_page.write(data, feedback_page.FeedbackAnswer("understood", None))
    return feedback_page.write(data, feedback_page.FeedbackAnswer("request_regrade", "It does not rain."))


QUEUES: tuple[tuple[str, str, Callable[[World, Data], Result]], ...] = (
    ("ann", "primitives", label),
    ("ann", "critique", critique),
    ("ann", "feedback", reply),
    ("rev", "review", review),
    ("rae", "review", review),
)


def answer_all(world: World, batch: str) -> int:
    """Everybody answers what is in their queues; returns how many tasks that were."""
    count = 0
    for person, kind, answer in QUEUES:
        for task in world.queue(person, kind, batch):
            world.person(person).submit(task["id"], answer(world, task["data"]))
            count += 1
    return count
