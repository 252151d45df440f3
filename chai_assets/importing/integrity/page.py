"""The integrity audit as a page to read: what each figure means, why it matters, and which files to look at.

Everything comes from `report.py`; here is only how it looks. The page stands alone: style inside, no script.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from chai_assets.core.html import Node
from chai_assets.core.html import element as _el
from chai_assets.core.imported import corpus_of_batch
from chai_assets.importing.integrity.report import ENOUGH_REVIEWS

_STYLES = (Path(__file__).parents[2] / "spec" / "handbook" / "handbook.css", Path(__file__).with_name("page.css"))

_STATUS = {
    "approved": "somebody who did not write it approved it",
    "corrected": "a reviewer rejected it and wrote the present version; nobody approved that",
    "reworked": "rejected, then written again by somebody who is not the reviewer; not reviewed since",
    "unreviewed": "nobody reviewed it",
    "rejected": "rejected, and nobody corrected it",
    "no critique": "a draft that nobody critiqued",
}
_KINDS = {
    "precaption": "drafts",
    "feedback": "critiques, the version that stands",
    "feedback_prev": "critiques, the version that was rejected",
    "review": "reviews",
    "merged": "captions of all five aspects",
    "labels": "labels",
    "other": "everything else",
}


def report_page(report: Mapping[str, Any]) -> str:
    """The page of a report as `integrity_report` makes it."""
    name = corpus_of_batch(report["batch"])
    body = [
        _el("h1", f"Integrity audit of {name}"),
        _el("p", *_lead(report), class_="lead"),
        _headlines(report),
        *_accounted(report),
        *_standing(report),
        *_sections(report),
        *_people(report),
        *_reasons(report),
    ]
    head = _el(
        "head",
        _el("meta", charset="utf-8"),
        _el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _el("title", f"Integrity audit of {name}"),
        _el("style", "\n".join(path.read_text(encoding="utf-8") for path in _STYLES)),
    )
    tabs = _el("nav", *(_el("a", title, href=f"#{anchor}") for anchor, title in _CONTENTS.items()))
    header = _el("header", tabs, _el("small", f"batch {report['batch']}"))
    sheet = _el("div", _el("main", *body), class_="sheet")
    whole = _el("html", head, _el("body", header, sheet), lang="en")
    return f"<!DOCTYPE html>\n{ET.tostring(whole, encoding='unicode', method='html')}\n"


_CONTENTS = {
    "files": "Files",
    "standing": "Where it stands",
    "figures": "Figures",
    "reviewers": "Reviewers",
    "reasons": "What is odd, file by file",
}


def _lead(report: Mapping[str, Any]) -> list[Node]:
    files = report["files"].values()
    total, recorded = sum(row.get("files", 0) for row in files), sum(row.get("records", 0) for row in files)
    return [
        f"{total:,} files about {report['clips']:,} clips of {report['sources']:,} videos were read. {recorded:,} "
        f"became a record; what did not stands below with its reason ({total - recorded:,}). Every figure says what it "
        "is a share of."
    ]


def _headlines(report: Mapping[str, Any]) -> ET.Element:
    """The figures to know before any other."""
    by_id = {share["id"]: share for share in report["shares"]}
    cards = []
    for name in ("triples", "either", "stale_motion", "stale_spatial", "rejected", "corrected_by_reviewer"):
        share = by_id[name]
        cards.append(_el("div", _el("b", _percent(share)), _el("span", share["title"]), _el("small", _of(share))))
        cards[-1].set("class", "card figure")
    return _el("div", *cards, class_="cards")


def _accounted(report: Mapping[str, Any]) -> list[ET.Element]:
    columns = {
        "files": "files",
        "records": "became a record",
        "remarked": "of those, with a remark",
        "report rows": "none",
    }
    rows = [
        [kind, _KINDS.get(kind, ""), *(f"{counts.get(column, 0):,}" for column in columns)]
        for kind, counts in report["files"].items()
    ]
    sums = [sum(counts.get(column, 0) for counts in report["files"].values()) for column in columns]
    rows.append(["all", "", *(f"{value:,}" for value in sums)])
    records = ", ".join(f"{count:,} {table}" for table, count in report["records"].items() if table != "import_files")
    return [
        _el("h2", "Every file is accounted for", id="files"),
        _el(
            "p",
            "A file is a record of the tables, or it is a row of the table import_files that says why it is none. A "
            "record may carry a remark: something about it is odd.",
        ),
        _counts(["file", "what it holds", *columns.values()], rows),
        _el("p", f"They became {records}. A critique that was edited is two rows; so is a revision.", class_="quiet"),
    ]


def _standing(report: Mapping[str, Any]) -> list[ET.Element]:
    statuses = [name for name in _STATUS if any(row[name] for row in report["status"].values())]
    triples = report["triples"]
    rows = [
        [aspect, *(f"{row[name]:,}" for name in statuses), f"{triples[aspect]['triples']:,}"]
        for aspect, row in report["status"].items()
    ]
    totals = [sum(row[name] for row in report["status"].values()) for name in statuses]
    rows.append(["all", *map("{:,}".format, totals), f"{sum(row['triples'] for row in triples.values()):,}"])
    ratings = [
        [aspect, *(f"{row[rating]:,} ({_part(row[rating], sum(row.values()))})" for rating in "54321")]
        for aspect, row in report["ratings"].items()
    ]
    terms = [_el("div", _el("dt", name), _el("dd", _STATUS[name])) for name in statuses]
    terms.append(_el("div", _el("dt", "triples"), _el("dd", "of the approved, those whose chain is known to hold")))
    return [
        _el("h2", "Where each caption stands", id="standing"),
        _counts(["aspect", *statuses, "triples"], rows),
        _el("dl", *terms),
        _el("h3", "How drafts were rated"),
        _el(
            "p",
            "5 is a draft that needs no change. Low ratings show which drafts are hardest to write.",
            class_="quiet",
        ),
        _counts(["aspect", "5", "4", "3", "2", "1"], ratings),
    ]


def _sections(report: Mapping[str, Any]) -> list[ET.Element]:
    found = [_el("h2", "Figures", id="figures")]
    for section, shares in groupby(report["shares"], key=lambda share: share["section"]):
        found.append(_el("h3", section))
        rows = [
            _el(
                "tr",
                _el("td", _el("b", _percent(share)), _el("small", _of(share)), class_="number"),
                _el("td", _el("b", share["title"]), _el("p", share["why"], class_="quiet")),
            )
            for share in shares
        ]
        found.append(_el("table", _el("tbody", *rows), class_="figures"))
    return found


def _people(report: Mapping[str, Any]) -> list[ET.Element]:
    busy = [row for row in report["reviewers"] if row["reviews"] >= ENOUGH_REVIEWS]
    summary = f"Nobody gave {ENOUGH_REVIEWS} reviews: too few to compare reviewers."
    if busy:
        rates = [row["rejected"] / row["reviews"] for row in busy]
        summary = (
            f"Of the {len(busy)} who gave {ENOUGH_REVIEWS} reviews or more, the mildest rejects {min(rates):.0%} and "
            f"the strictest {max(rates):.0%}. Where the same work would pass with one and fail with another, the "
            "verdict measures the reviewer: let two of them review the same items now and then."
        )
    rows = [
        [
            row["person"],
            f"{row['reviews']:,}",
            f"{row['rejected']:,}",
            _part(row["rejected"], row["reviews"]),
            f"{row['critiques']:,}",
        ]
        for row in report["reviewers"]
    ]
    aspects = [
        [aspect, f"{row['reviewed']:,}", f"{row['rejected']:,}", _part(row["rejected"], row["reviewed"])]
        for aspect, row in report["rejected"].items()
    ]
    return [
        _el("h2", "Reviewers", id="reviewers"),
        _el("p", summary),
        _counts(["person", "reviews", "rejected", "share", "own critiques"], rows),
        _el("h3", "Rejected by aspect"),
        _counts(["aspect", "reviewed", "rejected", "share"], aspects),
    ]


def _reasons(report: Mapping[str, Any]) -> list[ET.Element]:
    found = [
        _el("h2", "What is odd, file by file", id="reasons"),
        _el("p", "The first paths of each; all of them are in the table import_files, by reason.", class_="quiet"),
    ]
    for row in report["reasons"]:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in row["kinds"].items())
        outcome = "These became no record" if row["refuses"] else "These are records"
        found.append(
            _el(
                "section",
                _el("h3", row["reason"], _el("small", f" {kinds}")),
                _el("p", f"{outcome}: {row['means']}."),
                _el("p", _el("b", "What to do: "), f"{row['remedy']}."),
                _el("ul", *(_el("li", path) for path in row["examples"]), class_="paths"),
            )
        )
    return found


def _counts(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> ET.Element:
    head = _el("tr", *(_el("th", name, scope="col") for name in heads))
    body = [_el("tr", *(_el("td", value) for value in row)) for row in rows]
    return _el("table", _el("thead", head), _el("tbody", *body), class_="counts")


def _part(count: int, of: int) -> str:
    return f"{count / of:.1%}" if of else "–"


def _percent(share: Mapping[str, Any]) -> str:
    return _part(share["count"], share["of"])


def _of(share: Mapping[str, Any]) -> str:
    return f"{share['count']:,} of {share['of']:,}"
