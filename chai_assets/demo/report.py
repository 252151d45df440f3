"""The table that ends the demo: what happened at each stage, and how good captions became where truth is known."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from chai_assets.critique.label_questions import contradictions
from chai_assets.datasets.write.publish import latest_manifest
from chai_assets.demo.people import Script, same_facts
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.spec.compile import derive
from chai_assets.triples.join import triples_in_force
from chai_assets.workflow.item_state import Standing
from chai_resources.settings import Settings
from chai_resources.tables import Tables


def report(tables: Tables, script: Script, items: list[Standing], settings: Settings, console: Console) -> None:
    """Prints rows by stage, rounds, rejections and regrades, accuracy, the dataset's folder and the addresses."""
    rows = {name: tables.read(name) for name in ("sources", "clips", "primitives", "drafts", "critiques", "revisions")}
    rows |= {name: tables.read(name) for name in ("reviews", "feedback", "merged_captions", "quarantine")}
    verdicts = rows["reviews"]["verdict"].value_counts().rows()
    answers = dict(rows["feedback"]["answer"].value_counts().rows())
    rounds = Counter(len(item.critiques) for item in items)
    table = Table("stage", "what happened", title="The loop, stage by stage", title_justify="left")
    table.add_row("ingestion", f"{rows['clips'].height} clips from {rows['sources'].height} videos")
    table.add_row("labeling", f"{rows['primitives'].height} aspects labeled")
    table.add_row("drafting", f"{rows['drafts'].height} drafts")
    ratings = ", ".join(f"{n} rated {rating}" for rating, n in sorted(_first_ratings(items).items(), reverse=True))
    table.add_row("critique", f"{rows['critiques'].height} critiques; drafts: {ratings}")
    again = sum(count for number, count in rounds.items() if number > 1)
    table.add_row("", f"{again} items went into a second round or further, at most {max(rounds, default=0)}")
    table.add_row("revision", f"{rows['revisions'].height} revisions")
    table.add_row("review", ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts)))
    table.add_row("", f"{answers.get('understood', 0)} rejections understood, {_regrades(items)} regraded")
    table.add_row(
        "triples", f"{triples_in_force(tables.read('triples')).height} verified, {_whole(items)} clips complete"
    )
    table.add_row("", f"{rows['merged_captions']['clip_id'].n_unique()} merged captions")
    table.add_row("quarantine", f"{rows['quarantine'].height} answers that could not be read")
    right = [
        (_right(script, item, item.draft["text"]), _right(script, item, item.candidate.text))
        for item in items
        if item.stage == "approved" and item.draft and item.candidate
    ]
    table.add_row(
        "accuracy",
        f"drafts right {sum(d for d, _ in right)} of {len(right)}, "
        f"approved captions right {sum(f for _, f in right)} of {len(right)}",
    )
    planted = script.slipped_items()
    wrong = [item for item in items if (item.clip_id, item.aspect) in planted]
    corrected = sum(script.labeled_right(item.clip_id, item.aspect, _answers(item)) for item in wrong)
    against, explained = _contradicting(script, items)
    table.add_row("labels", f"{corrected} of {len(wrong)} planted slips corrected through critiques, by people")
    table.add_row("", f"{against} approved captions contradict their labels, {explained} explained by a person")
    console.print(table)
    if manifest := latest_manifest(settings.datasets):
        console.print(f"dataset       {settings.datasets}/{manifest.dataset_id}", soft_wrap=True, markup=False)
    console.print(f"Dagster       {settings.dagster_url}", markup=False)
    console.print(f"Label Studio  {settings.label_studio_url}", markup=False)
    # By its home, for a demo with another engine has one of its own.
    console.print(
        f"log-ins       CHAI_HOME={settings.home} .chai/venv/bin/chai people",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def _right(script: Script, item: Standing, text: str) -> bool:
    return same_facts(text, script.caption(item.clip_id, item.aspect))


def _answers(item: Standing) -> dict[str, list[str]]:
    return {name: list(values) for name, values in item.answers.items()}


def _contradicting(script: Script, items: list[Standing]) -> tuple[int, int]:
    """Approved captions that say what their labels in force deny, and those of which a person says why."""
    against = explained = 0
    for item in items:
        if item.candidate is None or item.approval is None:
            continue
        states = derive(script.spec.aspects[item.aspect], item.answers)
        if contradictions(item.candidate.text, lexicon_of(script.spec, item.aspect), states):
            explained += bool(item.approval["label_stands"])
            against += not item.approval["label_stands"]
    return against, explained


def _first_ratings(items: list[Standing]) -> Counter[int]:
    return Counter(answers[0]["rating"] for item in items if (answers := item.critiques))


def _regrades(items: list[Standing]) -> int:
    return sum(turn.grade == 2 for item in items for turn, _ in item.reviews)


def _whole(items: list[Standing]) -> int:
    by_clip: dict[str, list[bool]] = {}
    for item in items:
        by_clip.setdefault(item.clip_id, []).append(item.stage == "approved")
    return sum(all(done) for done in by_clip.values())
