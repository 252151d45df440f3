"""The merge request: a model makes one caption of a clip's approved ones, short enough for a video generator."""

from chai_assets.core.prompts import TEMPLATES, build_request, render
from chai_assets.triples.limit import MergeLimit
from chai_resources.captioners.protocol import Captioner, Request


def merge_request(
    clip_id: str, captions: list[dict[str, str]], captioner: Captioner, limit: MergeLimit, too_long: str | None = None
) -> Request:
    """The request for a clip's merged caption; `captions` are {"aspect", "text"}, in the order of aspects.

    With `too_long`, a first answer over the limit, the model is asked to shorten that. The video is not sent: all
    that the captions say was already checked against it.
    """
    listed = "\n\n".join(f"## {caption['aspect']}\n\n{caption['text']}" for caption in captions)
    filled = {"captions": listed, "tokens": str(limit.tokens), "words": str(limit.words)}
    if too_long is None:
        prompt = render(TEMPLATES["merge"], **filled)
    else:
        prompt = render(TEMPLATES["shorten"], **filled, too_long=too_long, counted=str(limit.count(too_long)))
    context = {
        "captions": [{"aspect": caption["aspect"], "text": caption["text"]} for caption in captions],
        "limit": limit.tokens,
        "too_long": too_long,
    }
    return build_request("merge", clip_id, prompt, context, clip_id=clip_id, captioner=captioner)
