"""Polishing: critiques put into better words by a model, and the check that each still says the same. Pure.

No rule can tell whether two texts mean the same, so the check is strict: what a critique quotes and asks for must
survive to the letter and in order, or the written critique counts. Nobody works on a polished critique; when the
template changes, all are polished again and the newest counts.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from chai_assets.core.ids import record_id
from chai_assets.core.prompts import TEMPLATES, Templates, build_request, bullets, render
from chai_assets.core.rows import CritiqueRow, FindingValue, NewRow, PolishedCritiqueRow
from chai_assets.critique.prose.quotations import quotations
from chai_assets.inference.pending import PendingRequest
from chai_resources.captioners.engines.edits import words
from chai_resources.captioners.protocol import Captioner, Request

_SHORTEST, _LONGEST, _FEW = 0.5, 1.5, 5
"""Share of the written words that a polished critique has at least and at most, and words that it may have beyond."""


def pending_polishes(
    critiques: Iterable[CritiqueRow],
    newest: Mapping[str, PolishedCritiqueRow],
    templates: Templates,
    captioner: Captioner,
    given_up: set[str],
) -> list[PendingRequest]:
    """Requests for the critiques that ask for a change in words and were not polished with the template that counts.

    `newest` are the rows of polished critiques that count now, by critique.
    """
    wanted: dict[str, PendingRequest] = {}
    for critique in critiques:
        known = newest.get(critique["critique_id"])
        done = known is not None and not templates.replaced("polish", known["template_hash"])
        if critique["verdict"] != "change" or not words(critique["text"] or "") or done:
            continue
        request = polish_request(critique, captioner)
        if request.hash in given_up:
            continue
        base = {name: critique[name] for name in ("batch", "clip_id", "aspect", "critique_id", "spec_version")}
        # A page that was submitted again without a change is the same critique.
        wanted[critique["critique_id"]] = PendingRequest(request, {**base, "written": critique["text"]})
    return list(wanted.values())


def polish_request(critique: CritiqueRow, captioner: Captioner) -> Request:
    """What a model is asked; the clip is not shown, for there is nothing to find out."""
    kept = kept_words(critique["text"], critique["findings"] or [])
    quoted = [quote for _, _, quote in quotations(critique["text"])]
    prompt = render(TEMPLATES["polish"], critique=critique["text"], kept=bullets(kept))
    context = {"text": critique["text"], "kept": list(dict.fromkeys([*kept, *quoted]))}
    clip = critique["clip_id"]
    return build_request("polish", critique["critique_id"], prompt, context, clip_id=clip, captioner=captioner)


def kept_words(written: str, findings: Iterable[FindingValue]) -> list[str]:
    """What findings quote and ask for, where the critique says it in just those words; in the order it does."""
    asked = dict.fromkeys(text for finding in findings for text in (finding["quote"], finding["fix"]) if text)
    return sorted((text for text in asked if _at(text, written) >= 0), key=lambda text: (_at(text, written), len(text)))


def check_polish(written: str, polished: str, findings: Iterable[FindingValue]) -> dict[str, str]:
    """What is checked of a polished critique, each with what is wrong; an empty text where it holds."""
    kept = kept_words(written, findings)
    lost = [text for text in kept if _at(text, polished) < 0]
    places = [_at(text, polished) for text in kept if text not in lost]
    quoted = {quote for _, _, quote in quotations(written)} | set(kept)
    new = [quote for _, _, quote in quotations(polished) if words(quote) and quote not in quoted]
    before, after = len(words(written)), len(words(polished))
    fits = _SHORTEST * before <= after <= _LONGEST * before + _FEW
    return {
        "what findings quote and ask for stands in it": f'"{lost[0]}" is lost' if lost else "",
        "it stands there in the same order": "" if places == sorted(places) else "what stands for what is turned round",
        "nothing is quoted that was not": f'"{new[0]}" was not quoted' if new else "",
        "it is about as long": "" if fits else f"{before} words became {after}",
    }


def complete_polish(
    critiques: Mapping[str, CritiqueRow], newest: Mapping[str, PolishedCritiqueRow]
) -> Callable[[NewRow], NewRow]:
    """Completes the row of a polished critique: its id and what was checked. `critiques` are rows by id.

    The row it replaces is part of the id: a template may come back, and its row shall be the newest again.
    """

    def finish(row: NewRow) -> NewRow:
        findings = critiques[row["critique_id"]]["findings"] or []
        checks = check_polish(row["written"], row["text"], findings)
        faults = [fault for fault in checks.values() if fault]
        parts = {"critique": row["critique_id"], "request": row["request_hash"], "text": row["text"]}
        if old := newest.get(row["critique_id"]):
            parts["replaces"] = old["polished_id"]
        held = [{"check": check, "held": not fault} for check, fault in checks.items()]
        return {
            **row,
            "polished_id": record_id("polished", **parts),
            "checks": held,
            "fault": "; ".join(faults) or None,
        }

    return finish


def _at(text: str, within: str) -> int:
    """Where whole words first stand in a text to the letter; -1 where they do not."""
    found = re.search(rf"(?<!\w){re.escape(text)}(?!\w)", within)
    return found.start() if found else -1
