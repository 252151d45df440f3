"""Labels of a corpus: for each primitive, the clips where it is present and where it is absent. Pure but for reading.

They become one row per clip of the table `primitives` and keep their own names, but where it is known what they mean
(`camerabench.py`): no specification of ours says so.
"""

import gzip
import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from chai_assets.core import ids
from chai_assets.core.rows import NewRow
from chai_assets.importing.corpus_names import ImportRefused
from chai_assets.importing.reasons import FileIssue
from chai_assets.importing.records import Corpus
from chai_assets.workflow.records import label_key

ASPECT = "camera"
"""The aspect that all labels of the original are about."""


@dataclass
class CorpusLabels:
    """A file or folder of labels: states by clip name, and the lines that could not be used, each with its place."""

    name: str
    sha256: str
    states: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    bad: list[tuple[str, FileIssue]] = field(default_factory=list)


def read_labels(path: Path) -> CorpusLabels:
    """Reads a JSONL file (also gz), or every .jsonl of a folder. Raises ImportRefused where one cannot be read at all.

    A line is a label with the clips where it is present and absent, or one of CameraBench's binary files: a clip, a
    label, and Yes or No. Of a clip of which two lines say different things the first one counts, by name of the file.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise ImportRefused(f"the folder {path} holds no labels: give a JSONL file, or a folder of files named *.jsonl")
    whole, labels = hashlib.sha256(), CorpusLabels(path.name, "")
    for file in files:
        data, text = _read(file)
        whole.update(data)
        place = f"{path.name}/{file.name}" if path.is_dir() else path.name
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip() and (wrong := _take(labels.states, line)):
                labels.bad.append((f"{place}#{number}", wrong))
    labels.sha256 = whole.hexdigest()
    return labels


def _read(path: Path) -> tuple[bytes, str]:
    """The bytes of a file, and the text in it."""
    try:
        data = path.read_bytes()
        return data, (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(f"labels {path} are not UTF-8 text, at byte {error.start}: save them as UTF-8") from error
    except (OSError, EOFError, ValueError) as error:
        raise ImportRefused(f"labels {path} cannot be read ({error}): give a JSONL file, packed or not") from error


class _Line(BaseModel):
    model_config = ConfigDict(strict=True)

    primitive: str
    present: list[str]
    absent: list[str]


class _BinaryLine(BaseModel):
    model_config = ConfigDict(strict=True)

    image: str
    label_name: str
    label: Literal["Yes", "No"]


def _take(states: dict[str, dict[str, str]], text: str) -> FileIssue | None:
    if '"label_name"' in text:
        return _take_binary(states, text)
    try:
        line = _Line.model_validate_json(text)
    except ValidationError as failure:
        return _fault(failure)
    if both := set(line.present) & set(line.absent):
        return FileIssue.of("missing_field", f"{line.primitive} is present and absent of {min(both)[:80]}")
    said = [(clip, "present") for clip in line.present] + [(clip, "absent") for clip in line.absent]
    return _note(states, line.primitive, said)


def _take_binary(states: dict[str, dict[str, str]], text: str) -> FileIssue | None:
    try:
        line = _BinaryLine.model_validate_json(text)
    except ValidationError as failure:
        return _fault(failure)
    return _note(states, line.label_name, [(line.image, "present" if line.label == "Yes" else "absent")])


def _note(states: dict[str, dict[str, str]], label: str, said: list[tuple[str, str]]) -> FileIssue | None:
    """Notes the state of a label in each clip, and says of which clips another state was noted before."""
    denied = sorted(clip for clip, state in said if states[clip].setdefault(label, state) != state)
    if not denied:
        return None
    more = f" and {len(denied) - 1} more" if len(denied) > 1 else ""
    return FileIssue.of("labels_contradict", f"{label} is present and absent of {denied[0][:80]}{more}")


def _fault(failure: ValidationError) -> FileIssue:
    said = "; ".join(f"{'.'.join(map(str, error['loc']))} {error['msg']}".strip() for error in failure.errors())
    return FileIssue.of("missing_field", said[:200])


def label_rows(corpus: Corpus, labels: CorpusLabels, clips: Mapping[str, str]) -> tuple[list[NewRow], list[NewRow]]:
    """Rows of `primitives`, one a clip, and the report's rows. `clips` are the corpus's: id by name."""
    rows = [_row(corpus, labels, clips[name], states) for name, states in labels.states.items() if name in clips]
    unknown = [name for name in labels.states if name not in clips]
    left = f"{len(unknown)} clips of it are not in the corpus; {len(labels.bad)} lines are not used as they stand"
    said = f"{len(rows)} rows; {left}"
    report = [_report(corpus, labels, labels.name, None, FileIssue.of("many_records", said))]
    report += [_report(corpus, labels, place, None, issue) for place, issue in labels.bad]
    report += [_report(corpus, labels, f"{labels.name}#{n}", n, FileIssue.of("unknown_clip", n[:80])) for n in unknown]
    return rows, report


def _row(corpus: Corpus, labels: CorpusLabels, clip_id: str, states: Mapping[str, str]) -> NewRow:
    row = {
        "batch": corpus.batch,
        "event_id": ids.record_id("event", labels=labels.sha256, batch=corpus.batch, clip=clip_id),
        "chai_key": label_key(clip_id, ASPECT, corpus.batch),
        "clip_id": clip_id,
        "aspect": ASPECT,
        **corpus.spec,
        "answers": [],
        "states": [{"primitive": name, "state": states[name]} for name in sorted(states)],
        "problem": None,
        "note": None,
        "author": None,
    }
    # Ours hash the answers, of which the states follow; these have states alone.
    return {**row, "label_id": ids.label_id({**row, "answers": row["states"]})}


def _report(corpus: Corpus, labels: CorpusLabels, path: str, clip: str | None, issue: FileIssue) -> NewRow:
    return {
        "batch": corpus.batch,
        "file_id": corpus.file_id(path, labels.sha256),
        "path": path,
        "sha256": labels.sha256,
        "kind": "labels",
        "aspect": ASPECT if clip else None,
        "reason": issue.reason,
        "detail": issue.detail,
    }
