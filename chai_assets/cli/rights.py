"""`chai rights`: shows what rights stand for the sources of batches, and takes over what their rights files say now."""

from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chai_assets.core.imported import is_import
from chai_assets.ingestion.rights import RIGHTS_FILE, Right, parse_purposes, parse_until
from chai_assets.ingestion.rights_changes import (
    RightsChange,
    changes_by_folder,
    plan_changes,
    record_changes,
    source_rights,
)
from chai_resources.errors import UnusableInput
from chai_resources.inbox import Inbox
from chai_resources.media import Media
from chai_resources.settings import Settings
from chai_resources.tables import Tables

_MOST_LISTED = 20


def show_rights(settings: Settings, batches: list[str], console: Console, apply: bool, **said: str | None) -> bool:
    """Prints what stands and what the rights files change, and records that with `apply`.

    `licence`, `rights`, `until` and `purposes` (joined by commas) are `said` of imported corpora, which have no rights
    file. Gives whether every rights file can be used and each of its entries has its file. Raises UnusableInput for a
    batch without sources, and for a day or a purpose that is none.
    """
    tables = Tables(root=settings.tables)
    known = sorted(set(tables.read("sources", columns=["batch"])["batch"]))
    if not known:
        console.print("nothing was ingested yet: there are no rights to show")
        return True
    if unknown := sorted(set(batches) - set(known)):
        raise UnusableInput(f"no source of a batch {', '.join(unknown)} is known: name one of {', '.join(known)}")
    imports_only = bool(batches) and all(is_import(batch) for batch in batches)
    if any(value is not None for value in said.values()) and not imports_only:
        raise UnusableInput(
            "--licence, --rights, --until and --purposes are for imported corpora, by name (import-NAME); "
            f"what holds for other batches belongs into {settings.inbox}/BATCH/{RIGHTS_FILE}"
        )
    stands = Table("batch", "licence", "rights holder", "until", "purposes", "sources")
    changes: list[RightsChange] = []
    problems: list[str] = []
    for batch in batches or known:
        found, wrong = _of_batch(tables, settings, batch, said)
        changes += found
        problems += wrong
        counts = Counter(source.stands for source in source_rights(tables, batch))
        for right, count in sorted(counts.items(), key=lambda item: (-item[1], item[0].licence, str(item[0]))):
            stands.add_row(*map(escape, (batch, *_cells(right), str(count))))
    console.print(stands)
    for problem in problems:
        console.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
    _print_changes(changes, console)
    if changes and apply:
        console.print(f"recorded: {record_changes(tables, changes)} new rows; datasets made from now on say so")
    elif changes:
        console.print(
            "Nothing was changed: `chai rights --apply` records it, and the next ingest of a batch does, too."
        )
    return not problems


def _of_batch(
    tables: Tables, settings: Settings, batch: str, said: dict[str, str | None]
) -> tuple[list[RightsChange], list[str]]:
    if is_import(batch):

        def as_said(now: Right) -> Right:
            until, purposes = said.get("until"), said.get("purposes")
            return Right(
                said.get("rights") or now.rights,
                said.get("licence") or now.licence,
                parse_until(until) if until else now.until,
                now.purposes if purposes is None else parse_purposes(filter(None, purposes.split(","))),
            )

        sources = source_rights(tables, batch)
        return plan_changes(sources, lambda source: as_said(source.stands), "chai rights"), []
    folder = Media(root=Inbox(root=settings.inbox).folder(batch))
    changes, rights = changes_by_folder(tables, batch, folder)
    return changes, [f"{batch}: {reason}" for _, _, reason in rights.problems]


def _print_changes(changes: list[RightsChange], console: Console) -> None:
    if not changes:
        console.print("This is what the rights files say, as far as there are any: nothing to change.")
        return
    listed = Table(
        "batch",
        "video",
        "licence",
        "rights holder",
        "until",
        "purposes",
        title=f"{len(changes)} differ by now",
        title_justify="left",
    )
    for change in changes[:_MOST_LISTED]:
        was, becomes = _cells(change.source.stands), _cells(change.becomes)
        listed.add_row(*map(escape, (change.source.batch, change.source.name, *map(_arrow, was, becomes))))
    if len(changes) > _MOST_LISTED:
        listed.add_row("", f"and {len(changes) - _MOST_LISTED} more", "", "", "", "")
    console.print(listed)


def _cells(right: Right) -> tuple[str, str, str, str]:
    purposes = "by licence" if right.purposes is None else ", ".join(right.purposes) or "none"
    return right.licence, right.rights, right.until or "", purposes


def _arrow(was: str, becomes: str) -> str:
    return was if was == becomes else f"{was} -> {becomes}"
