"""`chai recall` and `chai lead`: what leads decide about items, and what waits for them to decide."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chai_resources.errors import UnusableInput
from chai_resources.settings import Settings

if TYPE_CHECKING:
    from chai_assets.review.lead.decide import Lead, Verdict
    from chai_assets.review.lead.find import ItemName
    from chai_assets.review.lead.same_cause import SharedCause
    from chai_assets.review.lead.waiting import Waiting
    from chai_assets.spec.resource import SpecRelease
    from chai_resources.tables import Tables

lead_app = typer.Typer(
    help="Decide about items as a lead: overrule, reassign, set aside, take back, drop, answer what was unsure.\n\n"
    "ITEM is CLIP/ASPECT or the id of any record of it. Nothing is edited: each decision is an event of its own, with "
    "its author and reason, which `chai show` lists. Leads are those with the role lead in the people file.",
    no_args_is_help=True,
)
console = Console()

_ITEM = Annotated[str, typer.Argument(help="CLIP/ASPECT, or the id of any record of the item, or its beginning.")]
_CLIP_OR_ITEM = Annotated[str, typer.Argument(metavar="ITEM", help="The same, or a clip: all its aspects.")]
_REASON = Annotated[str, typer.Option(help="Why, in a sentence; people are shown it.")]
_BY = Annotated[str, typer.Option(help="Id of the lead who decides, where there are several.")]
_JSON = Annotated[bool, typer.Option("--json", help="As JSON, with every id.")]
_SOME = 3
_MOST_PRIMITIVES = 8
_LONGEST_NAME = 40
"""Characters: a prompt goes by its template's hash, of which the beginning will do."""


def recall(
    triple: Annotated[str, typer.Argument(help="Id of the approved triple, tri_..., or its beginning.")],
    reason: Annotated[str, typer.Option(help="What is wrong with it; its annotator and datasets are told.")],
    by: _BY = "",
    as_json: _JSON = False,
) -> None:
    """Take an approved caption back: no dataset made from now on holds it, and its item goes to another round.

    Its annotator gets the caption with the reason, as after a rejection, and another reviewer reviews what comes of it.
    The next dataset lists it with the reason. Prints what else the same cause may have hit.
    """
    from chai_assets.review.lead.find import ItemName
    from chai_assets.review.lead.same_cause import shared_causes

    lead = _lead(by)
    row = lead.recall(triple, reason)
    item = ItemName(row["batch"], row["clip_id"], row["aspect"])
    causes = shared_causes(lead.tables, row)
    if as_json:
        shared = [{"kind": cause.kind, "name": cause.name, "triples": cause.triple_ids} for cause in causes]
        typer.echo(json.dumps({"recalled": row["triple_id"], "item": str(item), "shared": shared}, indent=2))
        return
    _say(f"recalled {row['triple_id']} of {item}: datasets made from now on are without it")
    _print_causes(causes)
    _print_next(lead, item)


@lead_app.command()
def waiting(as_json: _JSON = False) -> None:
    """List what waits for a lead: clips that were set aside with their problem, and questions answered unsure."""
    from chai_assets.review.lead.waiting import waiting_for_lead

    tables, release, _ = _deployment()
    found = waiting_for_lead(tables, release)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
        return
    print_waiting(found, console)


@lead_app.command()
def verdict(
    item: _ITEM,
    word: Annotated[str, typer.Argument(metavar="approve|reject", help="The verdict that is right.")],
    reason: _REASON,
    label_stands: Annotated[
        str, typer.Option(help="Why a caption that contradicts its labels is right, and so are they.")
    ] = "",
    by: _BY = "",
) -> None:
    """Put a verdict of your own in the place of the last review, while nobody has critiqued or reviewed since.

    To approve is to call the corrections of labels right that the review looked at.
    """
    if word not in ("approve", "reject"):
        raise UnusableInput(f"{word[:40]!r} is no verdict: say approve or reject")
    said: Verdict = "approve" if word == "approve" else "reject"
    _about_one(
        item, by, lambda lead, name: lead.change_verdict(name, said, reason, label_stands), f"the verdict is {word} now"
    )


@lead_app.command()
def reassign(
    item: _ITEM,
    person: Annotated[str, typer.Argument(help="Id of the person who gets the open task, and those that follow it.")],
    reason: _REASON,
    by: _BY = "",
) -> None:
    """Give an item's open task to another person; with a review the reviews, else its labeling and critiques."""
    _about_one(item, by, lambda lead, name: lead.reassign(name, person, reason), f"it is {person}'s now")


@lead_app.command("set-aside")
def set_aside(item: _CLIP_OR_ITEM, reason: _REASON, by: _BY = "") -> None:
    """Take an item, or a clip, out of the loop until it is taken back or dropped; its open tasks close."""
    from chai_assets.workflow.item_state import OUT_OF_THE_LOOP

    _about_each(item, by, OUT_OF_THE_LOOP, False, lambda lead, name: lead.set_aside(name, reason), "set aside")


@lead_app.command("take-back")
def take_back(item: _CLIP_OR_ITEM, reason: _REASON, by: _BY = "") -> None:
    """Put back what was set aside or dropped: where its clip was called unusable, it is labeled again."""
    from chai_assets.workflow.item_state import OUT_OF_THE_LOOP

    _about_each(item, by, OUT_OF_THE_LOOP, True, lambda lead, name: lead.take_back(name, reason), "taken back")


@lead_app.command()
def drop(item: _CLIP_OR_ITEM, reason: _REASON, by: _BY = "") -> None:
    """Leave what was set aside out for good: nobody is asked about it again."""
    _about_each(item, by, ("set_aside",), True, lambda lead, name: lead.drop(name, reason), "dropped")


@lead_app.command()
def answer(
    item: _ITEM,
    answers: Annotated[list[str], typer.Argument(metavar="QUESTION=ANSWER...", help="As the labeling page has them.")],
    reason: _REASON,
    by: _BY = "",
) -> None:
    """Answer questions that an annotator was unsure of; QUESTION=unsure settles that nobody can tell.

    Where several answers apply, give the question several times.
    """
    given: dict[str, list[str]] = {}
    for pair in answers:
        question, equals, value = pair.partition("=")
        if not equals or not question.strip() or not value.strip():
            raise UnusableInput(f"{pair[:80]!r} is no QUESTION=ANSWER: `chai lead waiting` lists the questions")
        given.setdefault(question.strip(), []).append(value.strip())
    _about_one(item, by, lambda lead, name: lead.answer(name, given, reason), "answered")


def print_short(found: "Waiting", out: Console) -> None:
    """Prints the clips that were set aside, and how many questions were answered unsure."""
    for one in found.set_aside:
        said = f"{one.problem} ({one.note})" if one.note else one.problem
        _say(f"set aside: {one.item} of {one.clip}: {said}", out)
    if found.unsure:
        _say(f"{len(found.unsure)} questions were answered unsure", out)
    if found.set_aside or found.unsure:
        _say("`chai lead waiting` lists them with what can be decided", out)


def print_waiting(found: "Waiting", out: Console) -> None:
    """Prints what waits for a lead, with the command that decides it."""
    if found.set_aside:
        table = Table("set aside", "clip", "problem", "note", "by", title_justify="left")
        for one in found.set_aside:
            table.add_row(*map(escape, (str(one.item), one.clip, one.problem, one.note, one.by)))
        out.print(table)
        _say("send one back with `chai lead take-back ITEM --reason ...`, or leave it out with `chai lead drop`", out)
    if found.unsure:
        table = Table("unsure", "clip", "question", "note", "by", title_justify="left")
        for doubt in found.unsure:
            table.add_row(*map(escape, (str(doubt.item), doubt.clip, doubt.question, doubt.note, doubt.by)))
        out.print(table)
        _say("answer with `chai lead answer ITEM QUESTION=ANSWER --reason ...`; QUESTION=unsure where nobody can", out)
    if not found.set_aside and not found.unsure:
        _say("nothing waits for a lead", out)


def _about_one(name: str, by: str, decide: "Callable[[Lead, ItemName], object]", done: str) -> None:
    from chai_assets.review.lead.find import find_item

    lead = _lead(by)
    item = find_item(lead.tables, lead.release, name)
    decide(lead, item)
    _say(f"{item}: {done}")
    _print_next(lead, item)


def _about_each(
    name: str, by: str, stages: tuple[str, ...], inside: bool, decide: "Callable[[Lead, ItemName], object]", done: str
) -> None:
    """Decides about an item, or about those aspects of a clip that are in these stages, or in none of them."""
    from chai_assets.review.lead.find import find_items, standing_of

    lead = _lead(by)
    items = find_items(lead.tables, lead.release, name)
    if len(items) > 1:
        stands = {item: standing_of(lead.tables, lead.release, item) for item in items}
        items = [item for item, one in stands.items() if one and (one.stage in stages) == inside]
        if not items:
            raise UnusableInput(f"no aspect of {name} can be {done}: `chai show {name}` says where they stand")
    for item in items:
        decide(lead, item)
        _say(f"{item}: {done}")
    _print_next(lead, items[0])


def _lead(by: str) -> "Lead":
    from chai_assets.review.lead.decide import Lead, lead_of
    from chai_resources.people import load_people

    tables, release, settings = _deployment()
    people = load_people(settings.people)
    return Lead(tables, release, people, lead_of(people, by))


def _deployment() -> "tuple[Tables, SpecRelease, Settings]":
    from chai_assets.spec.resource import release_of
    from chai_resources.tables import Tables

    settings = Settings.from_env()
    return Tables(root=settings.tables), release_of(settings), settings


def _print_causes(causes: "list[SharedCause]") -> None:
    if not causes:
        _say("nothing else that is approved shares its annotator, reviewer, model, prompt or a primitive")
        return
    table = Table("shares its", "", "approved captions", "ids", title="What else the same cause may have hit")
    primitives = 0
    for cause in causes:
        primitives += cause.kind == "primitive"
        if cause.kind == "primitive" and primitives > _MOST_PRIMITIVES:
            continue
        more = ", ..." if len(cause.triple_ids) > _SOME else ""
        ids = ", ".join(cause.triple_ids[:_SOME]) + more
        table.add_row(cause.kind, escape(cause.name[:_LONGEST_NAME]), str(len(cause.triple_ids)), ids)
    console.print(table)
    left = f"; {primitives - _MOST_PRIMITIVES} more primitives" if primitives > _MOST_PRIMITIVES else ""
    _say(f"`--json` gives every id{left}")


def _print_next(lead: "Lead", item: "ItemName") -> None:
    from chai_assets.review.lead.find import standing_of

    stands = standing_of(lead.tables, lead.release, item)
    if stands is None:
        _say("nothing is reopened: the loop hands out no work for an imported corpus")
        return
    _say(f"{item} stands at {stands.stage}; the next run hands out what follows, or `chai advance {item.batch}` now")


def _say(text: str, out: Console = console) -> None:
    out.print(text, highlight=False, markup=False, soft_wrap=True)
