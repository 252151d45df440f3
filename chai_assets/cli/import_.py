"""`chai import`: takes an existing corpus over, prints what it became, and says where its audit lies."""

import json
from pathlib import Path
from typing import Any, get_args

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from chai_assets.core.pseudonyms import key_fingerprint, pseudonym
from chai_assets.importing.camerabench import as_ours
from chai_assets.importing.corpus_names import ImportRefused, import_batch
from chai_assets.importing.importer import ImportOutcome, import_corpus
from chai_assets.importing.integrity.page import report_page
from chai_assets.importing.integrity.report import integrity_report
from chai_assets.importing.item_facts import ItemStatus
from chai_assets.importing.labels import read_labels
from chai_assets.importing.records import Corpus
from chai_resources.services.secrets import pseudonym_key
from chai_resources.settings import Settings
from chai_resources.tables import Tables


def run_import(
    settings: Settings,
    console: Console,
    path: Path,
    name: str,
    *,
    labels: Path | None = None,
    licence: str | None = None,
    rights: str | None = None,
    keep_names: bool = False,
    camerabench: bool = False,
) -> dict[str, Any]:
    """Imports a corpus and writes its audit under the deployment's home; returns the report. Raises ImportRefused.

    `camerabench`: the labels are that benchmark's, and become labels of our primitives.
    """
    if camerabench and not labels:
        raise ImportRefused("--camerabench says what the labels are, and there are none: give them with --labels")
    given = read_labels(labels) if labels else None
    batch = import_batch(name)
    key = "" if keep_names else pseudonym_key(settings.home)
    corpus = Corpus(batch, str.strip if keep_names else lambda person: pseudonym(key, person), licence, rights)
    folder = settings.home / "imports" / name
    bars = Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    bars.live.console = console
    with bars:
        reading, writing = bars.add_task("reading", total=1.0), bars.add_task("importing", total=1.0)
        done = import_corpus(
            corpus,
            path,
            Tables(root=settings.tables),
            folder,
            labels=as_ours(given) if given and camerabench else given,
            people="names kept" if keep_names else f"pseudonyms by key {key_fingerprint(key)}",
            reading=lambda share: bars.update(reading, completed=share),
            writing=lambda share: bars.update(writing, completed=share),
        )
    report = integrity_report(batch, done.files, done.facts, done.rows)
    page = write_report(folder, report)
    _print(console, report, done, page)
    return report


def write_report(folder: Path, report: dict[str, Any]) -> Path:
    """Writes report.json and its page; returns where the page lies."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page = folder / "index.html"
    page.write_text(report_page(report), encoding="utf-8")
    return page


def _print(console: Console, report: dict[str, Any], done: ImportOutcome, page: Path) -> None:
    aspects = report["status"]
    table = Table("", *map(escape, aspects), "all")
    rows = {name: [row[name] for row in aspects.values()] for name in get_args(ItemStatus)}
    rows["triples"] = [row["triples"] for row in report["triples"].values()]
    for name, counts in rows.items():
        table.add_row(name, *(f"{count:,}" for count in (*counts, sum(counts))))
    console.print(table)
    for kind, counts in report["files"].items():
        console.print(
            f"{kind:14} {counts.get('files', 0):>8,} files = {counts.get('records', 0):,} records "
            f"+ {counts.get('report rows', 0):,} report rows",
            highlight=False,
        )
    added = ", ".join(f"{count:,} {table}" for table, count in done.added.items() if count) or "nothing: all was there"
    console.print(f"added {added}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"the audit: {page}", highlight=False, markup=False, soft_wrap=True)
