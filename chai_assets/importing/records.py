"""The rows that files of the original become in our tables, each with the id that follows from its content. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from chai_assets.core import ids
from chai_assets.core.ids import canonical_json, record_id, sha256_text
from chai_assets.core.imported import corpus_of_batch
from chai_assets.core.rows import ClipRow, CritiqueRow, DraftRow, NewRow, ReviewRow, RevisionRow
from chai_assets.critique.prose.extract_findings import findings_in
from chai_assets.importing.layout import Merged, Precaption, source_name
from chai_assets.workflow.item_state import Candidate
from chai_assets.workflow.records import critique_key, review_key

PERSON = "person"
"""The model of a revision that a person wrote; its served revision is who."""


@dataclass(frozen=True)
class Corpus:
    """What is the same for all rows of one import. `person` gives the id that a name is known by here."""

    batch: str
    person: Callable[[str], str]
    licence: str | None = None
    rights: str | None = None

    @property
    def spec(self) -> NewRow:
        """An imported batch has a specification of its own, which is no version of ours."""
        return {"spec_version": self.batch, "spec_hash": sha256_text(self.batch)}

    def file_id(self, path: str, sha256: str) -> str:
        """Id of a file's row in the report."""
        return record_id("file", batch=self.batch, path=path, sha256=sha256)

    def author(self, name: str | None) -> str | None:
        """Who a name is; None where there is none."""
        return self.person(name) if name and name.strip() else None

    def source_row(self, clip: str) -> NewRow:
        """The video a clip was cut from; known by name alone, so that two imports that share it know it."""
        name = source_name(clip)
        base = {"batch": self.batch, "source_id": record_id("source", name=name), "name": name}
        return {**base, "rights": self.rights, "licence": self.licence}

    def clip_row(self, clip: str) -> ClipRow:
        """The clip; its media key is where its video is expected."""
        source = record_id("source", name=source_name(clip))
        clip_id = record_id("clip", batch=self.batch, source=source, name=clip)
        base = {"batch": self.batch, "clip_id": clip_id, "source_id": source, "name": clip}
        key = f"imports/{corpus_of_batch(self.batch)}/{clip}"
        return cast(ClipRow, {**base, "media_key": key, "rights": self.rights, "licence": self.licence})

    def merged_row(self, clip: ClipRow, file: Merged, triple_ids: list[str | None]) -> NewRow:
        """The merged caption of a clip; an id is None where it was made from a caption that no triple holds."""
        parts = {"clip": clip["clip_id"], "triples": triple_ids, "text": file.merged_caption}
        return {
            "batch": self.batch,
            "merged_id": record_id("merged", **parts),
            "clip_id": clip["clip_id"],
            "source_id": clip["source_id"],
            "triple_ids": triple_ids,
            "text": file.merged_caption,
            "words": len(file.merged_caption.split()),
            "spec_version": self.batch,
            "model": file.llm_model,
            "prompt": file.prompt,
            "prompt_hash": sha256_text(file.prompt) if file.prompt else None,
        }


@dataclass(frozen=True)
class ItemRows:
    """A (clip, aspect) of a corpus: makes its rows."""

    corpus: Corpus
    clip_id: str
    aspect: str

    @property
    def _base(self) -> NewRow:
        at = {"batch": self.corpus.batch, "clip_id": self.clip_id, "aspect": self.aspect}
        return {**at, "spec_version": self.corpus.batch}

    def draft(self, file: Precaption) -> DraftRow:
        """The draft in a file. What the model was shown (the video, or some frames) stands with its sampling."""
        prompt, shown = file.pre_caption_prompt, file.pre_caption_mode
        row = {
            **self._base,
            **self.corpus.spec,
            "label_id": None,
            "upstream": [],
            "text": file.pre_caption,
            "model": file.pre_caption_llm,
            "served_revision": None,
            "sampling": canonical_json({"shown": shown}) if shown else None,
            "prompt": prompt,
            "prompt_hash": sha256_text(prompt),
        }
        return cast(DraftRow, {**row, "draft_id": ids.draft_id(row)})

    def critique(self, draft: DraftRow, submission: "Submission", text: str, number: int, cause: str) -> CritiqueRow:
        """A critique; its findings are those that the prose supports, and the prose stays as it stands."""
        found = findings_in(text, draft["draft_id"], draft["text"]) if text else ()
        row = {
            **self._base,
            "event_id": submission.event_id(number),
            "chai_key": critique_key(cause),
            "draft_id": draft["draft_id"],
            "round": number,
            "cause": cause,
            "verdict": submission.verdict,
            "rating": submission.rating,
            "findings": [finding.value for finding in found],
            "text": text,
            "hints": [],
            "author": submission.author,
            "submitted_at": submission.at,
        }
        return cast(CritiqueRow, {**row, "critique_id": ids.critique_id(row)})

    def revision(
        self, draft: DraftRow, critique: CritiqueRow, model: str | None, served: str | None, text: str
    ) -> RevisionRow:
        """A revision of a draft by a critique; its effects were not judged."""
        row = {
            **self._base,
            "draft_id": draft["draft_id"],
            "critique_id": critique["critique_id"],
            "model": model,
            "served_revision": served,
            "text": text,
        }
        return cast(RevisionRow, {**row, "revision_id": ids.revision_id(row)})

    def review(self, candidate: Candidate, submission: "Submission", reasons: list[str]) -> ReviewRow:
        """A verdict on a candidate."""
        revision, candidate_id = candidate.revision, candidate.candidate_id
        row = {
            **self._base,
            "event_id": submission.event_id(1),
            "chai_key": review_key(candidate_id, 1),
            "candidate_id": candidate_id,
            "draft_id": candidate.draft["draft_id"],
            "critique_id": candidate.critique["critique_id"],
            "revision_id": revision["revision_id"] if revision else None,
            "grade": 1,
            "verdict": submission.verdict,
            "ticks": [],
            "misses": [],
            "reasons": reasons,
            "note": None,
            "author": submission.author,
            "submitted_at": submission.at,
        }
        return cast(ReviewRow, {**row, "review_id": ids.review_id(row)})

    def event(self, row: CritiqueRow | ReviewRow, kind: str, submission: "Submission") -> NewRow:
        """The file that a critique or review was read from, archived whole; people by their ids."""
        return {
            "batch": self.corpus.batch,
            "event_id": row["event_id"],
            "kind": kind,
            "what": "submitted",
            "chai_key": row["chai_key"],
            "account": submission.author,
            "updated_by": submission.author,
            "updated_at": submission.at,
            "annotation": canonical_json(submission.whole),
        }


@dataclass(frozen=True)
class Submission:
    """What a person submitted in one file, beside its texts: who, when, with which verdict."""

    file_id: str
    verdict: str
    author: str | None
    at: datetime | None
    rating: int | None = None
    whole: dict[str, Any] = field(default_factory=dict)

    def event_id(self, number: int) -> str:
        """Id of the archived event; a file in which a critique was edited holds two."""
        return record_id("event", file=self.file_id, number=number)
