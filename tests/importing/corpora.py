"""Small corpora in the original project's layout, in words of our own: as files by path, in a folder or a tar."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

FOLDER = {
    "subject": "subject_description",
    "scene": "scene_composition_dynamics",
    "motion": "subject_motion_dynamics",
    "spatial": "spatial_framing_dynamics",
    "camera": "camera_framing_dynamics",
}
TEMPLATE = "Improve the caption.\nCaption: {pre_caption}\nFeedback: {feedback}"
DRAFT = "A red kite hangs over the harbour wall."
BETTER = "A blue kite hangs over the harbour wall."
REMARK = 'Change "red kite" to "blue kite".'

Files = dict[str, bytes]


def at(clip: str, aspect: str, kind: str, root: str = "output_captions") -> str:
    return f"{root}/{FOLDER[aspect]}/{clip}_{kind}.json"


def precaption(clip: str, **changes: Any) -> dict[str, Any]:
    return {
        "video_id": clip,
        "pre_caption": DRAFT,
        "pre_caption_prompt": "Say what is seen.",
        "pre_caption_llm": "sketcher-1",
        "pre_caption_mode": "Video",
        "timestamp": "2025-03-01T10:00:00",
    } | changes


def feedback(clip: str, **changes: Any) -> dict[str, Any]:
    """A critique that asks for a change, and the caption that the model made of it."""
    row = precaption(clip) | {
        "user": "Ada Vogel",
        "initial_caption_rating_score": 4,
        "feedback_is_needed": True,
        "initial_feedback": "kite is blue",
        "gpt_feedback": REMARK,
        "final_feedback": REMARK,
        "gpt_caption": BETTER,
        "gpt_caption_llm": "writer-2",
        "gpt_caption_prompt": TEMPLATE,
        "final_caption": BETTER,
        "timestamp": "2025-03-01T11:00:00",
    }
    return row | changes


def perfect(clip: str, **changes: Any) -> dict[str, Any]:
    nothing = ("initial_feedback", "gpt_feedback", "final_feedback", "gpt_caption", "gpt_caption_llm")
    row = dict.fromkeys((*nothing, "gpt_caption_prompt")) | {"initial_caption_rating_score": 5}
    return feedback(clip, feedback_is_needed=False, final_caption=DRAFT, **row) | changes


def review(approved: bool = True, **changes: Any) -> dict[str, Any]:
    row = {"reviewer_name": "Bo Lind", "review_timestamp": "2025-03-02T09:00:00"}
    return row | {"reviewer_double_check": approved} | changes


def merged(clip: str, inputs: dict[str, str]) -> dict[str, Any]:
    """A clip's merged caption; `inputs` are the captions it was made from, by aspect."""
    return {
        "video_id": clip,
        "merged_caption": "All of it, in one caption.",
        "input_captions": {aspect.capitalize(): text for aspect, text in inputs.items()},
        "prompt": "Merge: {captions}",
        "llm_model": "merger-3",
        "timestamp": "2025-03-03T08:00:00",
    }


def packed(value: Any) -> bytes:
    return json.dumps(value).encode()


def item(clip: str, aspect: str = "camera", **kinds: Any) -> Files:
    """The files of one (clip, aspect), by kind."""
    return {at(clip, aspect, kind): packed(value) for kind, value in kinds.items()}


def approved(clip: str, aspect: str = "camera", **changes: Any) -> Files:
    return item(clip, aspect, precaption=precaption(clip), feedback=feedback(clip, **changes), review=review())


def generated(clips: int) -> Files:
    """A corpus of clips with five aspects each, most approved, in the proportions of a real one."""
    found: Files = {}
    for number in range(clips):
        clip = f"film{number // 4}.{number % 4}.0.mp4"
        for place, aspect in enumerate(FOLDER):
            draft = f"In shot {number} the {aspect} shows a red kite. " + "A gull drifts past the pier. " * 12
            better = draft.replace("red", "blue")
            first = precaption(clip, pre_caption=draft, pre_caption_prompt="Say what is seen, in full. " * 90)
            made = feedback(clip, pre_caption=draft, pre_caption_prompt="x", gpt_caption=better, final_caption=better)
            kinds = {"precaption": first, "feedback": made, "review": review()}
            if (number + place) % 3 == 0:
                fixed = made | {"user": "Bo Lind", "final_caption": f"{better} It sinks.", "gpt_caption": better}
                kinds |= {"feedback_prev": made, "feedback": fixed, "review": review(False)}
            found |= item(clip, aspect, **kinds)
    return found


def folder_of(files: Files, root: Path) -> Path:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def tar_of(files: Files, archive: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """A tar of files, packed as its suffix says, and of members that no folder could hold."""
    mode: Any = "w:" + {".gz": "gz", ".xz": "xz"}.get(archive.suffix, "")
    with tarfile.open(archive, mode) as tar:
        for path, data in files.items():
            tar.addfile(sized(tarfile.TarInfo(path), data), io.BytesIO(data))
        for info, data in members:
            tar.addfile(sized(info, data), io.BytesIO(data))
    return archive


def sized(info: tarfile.TarInfo, data: bytes) -> tarfile.TarInfo:
    info.size = len(data)
    return info
