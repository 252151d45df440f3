"""Which captions of other aspects a draft was written from, as its prompt quotes them. Pure.

The prompt that counts is the one stored with the draft: the copy beside a critique was made again when the page
was opened, and may quote captions that were corrected after the draft was written.
"""

import re
from collections.abc import Mapping
from typing import Literal

UpstreamState = Literal["current", "corrected", "unknown"]

_QUOTED = re.compile(r"Human-Written (Caption|Description for (?:Subjects|Scenery)): \*\*(.+?)\*\*(?=\s|\Z)", re.DOTALL)
_ASPECT_OF = {"Caption": "subject", "Description for Subjects": "subject", "Description for Scenery": "scene"}
RESTS_ON = {"motion": ("subject",), "spatial": ("subject", "scene")}


def upstream_states(aspect: str, prompt: str, finals: Mapping[str, str]) -> dict[str, UpstreamState]:
    """For each upstream caption that the prompt quotes whether it is the one that was kept in the end.

    `finals` are the clip's captions by aspect as they were kept. An upstream aspect that the prompt does not quote
    is left out: a scene without a subject has no subject caption to rest on.
    """
    if aspect not in RESTS_ON:
        return {}
    quoted = {_ASPECT_OF[name]: text for name, text in _QUOTED.findall(prompt)}
    states: dict[str, UpstreamState] = {}
    for name in RESTS_ON[aspect]:
        final = finals.get(name, "").strip()
        if final and final in prompt:
            states[name] = "current"
        elif name in quoted:
            states[name] = "corrected" if final else "unknown"
    return states
