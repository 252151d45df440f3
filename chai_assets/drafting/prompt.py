"""The draft request: what a model is told about a clip's aspect, from the specification and the labels.

The prompt holds the labels as ground truth; it is never a training instruction.
"""

from chai_assets.core.prompts import TEMPLATES, build_request, bullets, clip_media, render
from chai_assets.core.rows import ClipRow
from chai_assets.spec.compile import Answers, facts, statements
from chai_assets.spec.models import Spec
from chai_resources.captioners.protocol import Captioner, Request


def draft_request(
    spec: Spec,
    aspect_id: str,
    clip: ClipRow,
    answers: Answers,
    upstream: dict[str, str],
    captioner: Captioner,
) -> Request:
    """The request for the draft of a clip's aspect.

    `clip` is a row of the `clips` table; `answers` are the labels, attribute to values; `upstream` the
    approved captions of the aspects this one rests on, by aspect.
    """
    aspect = spec.aspects[aspect_id]
    captions = [f"{spec.aspects[name].title}: {text}" for name, text in upstream.items()]
    prompt = render(
        TEMPLATES["draft"],
        instruction=aspect.instruction.strip(),
        policy=bullets(aspect.policy),
        facts=bullets(facts(aspect, answers)),
        upstream="\n\n".join(captions) or "none",
    )
    context = {"aspect": aspect_id, "statements": list(statements(aspect, answers)), "upstream": upstream}
    return build_request(
        "draft",
        f"{clip['clip_id']}/{aspect_id}",
        prompt,
        context,
        clip_id=clip["clip_id"],
        captioner=captioner,
        media=clip_media(clip),
    )
