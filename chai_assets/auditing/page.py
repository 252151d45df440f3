"""An audit as one HTML page that needs nothing else, in the style of the handbook."""

from html import escape
from pathlib import Path

from chai_assets.auditing.report import AuditReport, Example, Measure

_CSS = Path(__file__).parents[1] / "spec" / "handbook" / "handbook.css"
_OWN = """
table { width: 100%; border-collapse: collapse; font-size: .9375rem }
th, td { border-top: 1px solid var(--line); padding: .45rem .9rem .45rem 0; text-align: left; vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.bar { display: block; height: .35rem; margin-top: .3rem; background: var(--tint); border-radius: 2px }
.bar i { display: block; height: 100%; background: var(--accent); border-radius: 2px }
section p { margin: .2rem 0 .6rem }
main { flex-basis: 62rem }
"""


def page(report: AuditReport) -> str:
    """The page's HTML."""
    fields = ", ".join(f"{escape(name)} in <kbd>{escape(path)}</kbd>" for name, path in report.fields.items())
    words = ", ".join(f"{escape(name)} {count}" for name, count in report.lengths.items())
    parts = [
        f"<h1>{escape(report.title)}</h1>",
        f'<p class="lead">{report.texts:,} texts of {escape(report.file)}: {fields}. Words: {words or "none"}.</p>',
        *_failures(report),
        "<table><thead><tr><th></th><th>what it is</th><th class=number>texts</th><th class=number>of</th>"
        "<th class=number>share (95 %)</th></tr></thead><tbody>",
        *(_row(measure) for measure in report.measures if measure.of),
        "</tbody></table>",
        _examples("Worth a look first", report.worst),
        *(_examples(measure.name.replace("_", " "), measure.examples) for measure in report.measures),
        _problems(report),
    ]
    css = _CSS.read_text(encoding="utf-8") + _OWN
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(report.title)}</title><style>{css}</style></head>"
        f'<body><div class="sheet"><main>{"".join(parts)}</main></div></body></html>\n'
    )


def _failures(report: AuditReport) -> list[str]:
    """The failures of captions, the shares of the table below, in a line of their own."""
    shares = [f"<b>{escape(name)}</b> {100 * (one.share or 0):.1f}%" for name, one in report.failures().items()]
    return [f"<p>{', '.join(shares)}</p>"] if shares else []


def _row(measure: Measure) -> str:
    share = measure.share
    low, high = measure.interval or (0.0, 0.0)
    shown = "-" if share is None else f"{share:.1%}<br><small>{100 * low:.1f}-{high:.1%}</small>"
    bar = f'<span class="bar"><i style="width:{100 * (share or 0):.1f}%"></i></span>'
    return (
        f"<tr><td>{escape(measure.name.replace('_', ' '))}</td><td>{escape(measure.meaning)}{bar}</td>"
        f"<td class=number>{measure.count:,}</td><td class=number>{measure.of:,}</td><td class=number>{shown}</td></tr>"
    )


def _examples(title: str, examples: list[Example]) -> str:
    if not examples:
        return ""
    shown = "".join(
        f"<section><p class=quiet>line {one.line}: {escape(one.words)}</p><p>{escape(one.text)}</p></section>"
        for one in examples
    )
    return f"<h2>{escape(title)}</h2>{shown}"


def _problems(report: AuditReport) -> str:
    if not report.problems.count:
        return ""
    lines = "".join(f"<li>line {one.line}: {escape(one.reason)}</li>" for one in report.problems.first)
    return f"<h2>{report.problems.count:,} lines could not be used</h2><ul>{lines}</ul>"
