"""The revise request: one draft and one critique, for a model to apply."""

from collections.abc import Mapping
from typing import Any, TypedDict

from chai_assets.core.prompts import TEMPLATES, build_request, clip_media, render
from chai_assets.core.rows import ClipRow, DraftRow, FindingValue
from chai_assets.spec.models import Spec
from chai_resources.captioners.protocol import Captioner, Request


class RevisableCritique(TypedDict):
    """What a revision needs of a critique; a row of `critiques` is one."""

    critique_id: str
    findings: list[FindingValue]
    text: str


_WHY = {
    "wrong": "This is wrong",
    "imprecise": "This is imprecise",
    "subjective": "This is an opinion, not something seen",
    "redundant": "This is superfluous",
}


def revise_request(
    spec: Spec,
    clip: ClipRow,
    draft: DraftRow,
    critique: RevisableCritique,
    captioner: Captioner,
) -> Request:
    """The request for the revision of a draft by a critique: rows of `clips`, `drafts` and `critiques`."""
    findings = [
        {name: finding[name] for name in ("finding_id", "kind", "quote", "start", "end", "fix")}
        for finding in critique["findings"]
    ]
    prompt = render(
        TEMPLATES["revise"],
        instruction=spec.aspects[draft["aspect"]].instruction.strip(),
        draft=draft["text"],
        findings="\n".join(f"{number}. {_line(finding)}" for number, finding in enumerate(findings, start=1)),
        critique=critique["text"],
    )
    return build_request(
        "revise",
        critique["critique_id"],
        prompt,
        {"draft": draft["text"], "findings": findings},
        clip_id=clip["clip_id"],
        captioner=captioner,
        media=clip_media(clip),
    )


def _line(finding: Mapping[str, Any]) -> str:
    quote, fix = finding["quote"], (finding["fix"] or "").strip()
    if finding["kind"] == "missing":
        return f"This is missing; add it: {fix}"
    ask = f'write instead: "{fix}"' if fix else "remove it."
    return f'{_WHY.get(finding["kind"], "Change this")}: "{quote}"; {ask}'
