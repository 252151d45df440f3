"""The records behind captions of every level of review, as a batch of the loop or an import holds them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from chai_assets.datasets.select.export_inputs import ExportInputs
from tests.datasets.factory import NOON, SPEC, export, frame, triple

Row = dict[str, Any]


@dataclass
class Story:
    """Rows of the record tables, told one event after the other about one clip's aspect."""

    clip: Row
    aspect: str = "camera"
    tables: dict[str, list[Row]] = field(default_factory=lambda: {"clips": []})
    triples: list[Row] = field(default_factory=list)
    minute: int = 0

    def _add(self, table: str, **row: Any) -> Row:
        self.minute += 1
        when = NOON + timedelta(minutes=self.minute)
        same = {"batch": self.clip["batch"], "clip_id": self.clip["clip_id"], "aspect": self.aspect} | SPEC
        names = {"event_id": f"evt-{table}-{self.clip['clip_id']}-{self.minute}", "submitted_at": when}
        whole = same | names | {"recorded_at": when} | row
        self.tables.setdefault(table, []).append(whole)
        return whole

    def draft(self, text: str) -> Row:
        name = f"drf_{self.clip['clip_id'][4:20]}{self.minute:04}"
        return self._add("drafts", draft_id=name, text=text, model="offline-1", prompt_hash=name)

    def critique(self, draft: Row, verdict: str, rating: int, by: str, cause: str = "", text: str = "") -> Row:
        before = len(self.tables.get("critiques", []))
        return self._add(
            "critiques",
            critique_id=f"crt_{self.clip['clip_id'][4:20]}{self.minute:04}",
            draft_id=draft["draft_id"],
            round=before + 1,
            cause=cause or draft["draft_id"],
            verdict=verdict,
            rating=rating,
            findings=[{"finding_id": "f", "kind": "wrong", "quote": "x", "start": 0, "end": 1, "fix": text}],
            text=text,
            author=by,
        )

    def revision(self, critique: Row, text: str, model: str = "offline-1") -> Row:
        name = f"rev_{self.clip['clip_id'][4:20]}{self.minute:04}"
        chain = {"draft_id": critique["draft_id"], "critique_id": critique["critique_id"]}
        return self._add("revisions", revision_id=name, **chain, text=text, model=model)

    def review(self, critique: Row, revision: Row | None, verdict: str, by: str) -> Row:
        chain = {"draft_id": critique["draft_id"], "critique_id": critique["critique_id"]}
        chain["revision_id"] = revision["revision_id"] if revision else None
        name = f"rvw_{self.clip['clip_id'][4:20]}{self.minute:04}"
        return self._add("reviews", review_id=name, **chain, verdict=verdict, author=by)

    def approved(self, draft: Row, critique: Row, revision: Row, by: str) -> Row:
        """The triple of an approving review of this caption."""
        review = self.review(critique, revision, "approve", by)
        row = triple(
            self.clip,
            self.aspect,
            rating=critique["rating"],
            draft=draft["text"],
            critique=critique["text"],
            final=revision["text"],
            findings=critique["findings"],
            draft_id=draft["draft_id"],
            critique_id=critique["critique_id"],
            revision_id=revision["revision_id"],
            review_id=review["review_id"],
            human_edited=revision["model"] == "person" or None,
        )
        self.triples.append(row)
        return row


def export_stories(stories: list[Story], **changes: Any) -> ExportInputs:
    """An export of all that was told."""
    names = ("drafts", "critiques", "revisions", "reviews", "annotation_events")
    tables = {name: frame(name, [row for story in stories for row in story.tables.get(name, [])]) for name in names}
    clips = {story.clip["clip_id"]: story.clip for story in stories}
    triples = [row for story in stories for row in story.triples]
    return export(list(clips.values()), triples, **tables | changes)
