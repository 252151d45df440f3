"""The merge request: a clip's approved captions, for a model to make one of."""

from chai_assets.prompting import TEMPLATES, build_request, render
from chai_resources.captioners import Captioner, Request


def merge_request(clip_id: str, captions: list[dict[str, str]], captioner: Captioner) -> Request:
    """The request for a clip's merged caption; `captions` are {"aspect", "text"}, in the order of aspects.

    The video is not sent: everything that may be said was already checked against it.
    """
    listed = "\n\n".join(f"## {caption['aspect']}\n\n{caption['text']}" for caption in captions)
    context = {"captions": [{"aspect": caption["aspect"], "text": caption["text"]} for caption in captions]}
    prompt = render(TEMPLATES["merge"], captions=listed)
    return build_request("merge", clip_id, prompt, context, clip_id=clip_id, captioner=captioner)
