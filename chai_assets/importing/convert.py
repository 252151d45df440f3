"""One clip's files as records of ours, each file accounted for: the record it became, or why it became none. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from chai_assets.core.rows import Row
from chai_assets.importing.caption_versions import Opening, Shows, Version, version
from chai_assets.importing.clip_spool import CaptionFile, Refused
from chai_assets.importing.layout import ASPECTS, Feedback, Kind, Precaption, Review, moment, parsed, read_file
from chai_assets.importing.reasons import Remark
from chai_assets.importing.records import Corpus, Item, Said
from chai_assets.importing.upstream_quotes import State, upstream_states
from chai_assets.triples.join import broken_links, triple_entry, triple_row
from chai_assets.workflow.item_state import Standing, Turn

Status = Literal["no critique", "unreviewed", "approved", "corrected", "reworked", "rejected"]


@dataclass(frozen=True)
class Facts:
    """What the report is made from: one (clip, aspect) as it was read."""

    clip: str
    source: str
    aspect: str
    status: Status
    path: str
    """The file to look at: the current critique, or the draft."""
    rating: int | None = None
    """Of the draft, by the critique that stands."""
    first_rating: int | None = None
    """Of the draft, by the critique that was reviewed: the earlier one where there is one."""
    asks_change: bool = False
    hand_edited: bool = False
    shows: Shows = ""
    findings: int = 0
    author: str | None = None
    first_author: str | None = None
    reviewer: str | None = None
    rejected: bool = False
    upstream: dict[str, State] = field(default_factory=dict)
    triple: bool = False


@dataclass
class Converted:
    """The rows of one clip by table, its files' rows, and the facts of its items."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    files: list[Row] = field(default_factory=list)
    facts: list[Facts] = field(default_factory=list)


class _Read(NamedTuple):
    file: CaptionFile
    model: Any
    value: dict[str, Any]


def refused_rows(corpus: Corpus, refused: Iterable[Refused]) -> Iterator[Row]:
    """The report's rows for files that have no place in the layout."""
    for file in refused:
        yield {
            "batch": corpus.batch,
            "file_id": corpus.file_id(file.path, file.sha256),
            "path": file.path,
            "sha256": file.sha256,
            "kind": "other",
            "reason": file.remark.reason,
            "detail": file.remark.detail,
        }


def convert_clip(corpus: Corpus, clip: str, files: list[CaptionFile]) -> Converted:
    """All that a clip's files become. Every file is in the outcome exactly once, with a record or a reason."""
    return _Clip(corpus, clip).convert(files)


class _Clip:
    """The conversion of one clip: what was read of it, and what is known of each of its files so far."""

    def __init__(self, corpus: Corpus, clip: str) -> None:
        self.corpus = corpus
        self.clip = clip
        self.row = corpus.clip_row(clip)
        self.read: dict[tuple[str, Kind], _Read] = {}
        self.copies: dict[str, str] = {}
        self.records: dict[str, str] = {}
        self.remarks: dict[str, list[Remark]] = defaultdict(list)
        self.out = Converted()

    def convert(self, files: list[CaptionFile]) -> Converted:
        for file in files:
            self._take(file)
        for aspect in ASPECTS.values():
            if any((aspect, kind) in self.read for kind in ("precaption", "feedback", "feedback_prev", "review")):
                _Aspect(self, aspect).convert()
        if any(self.out.rows.values()):
            self.out.rows["sources"].append(self.corpus.source_row(self.clip))
            self.out.rows["clips"].append(self.row)
        for copy, original in self.copies.items():
            if original in self.records:
                self.records[copy] = self.records[original]
            else:  # what became of the one became of the other
                self.remarks[copy] = [*self.remarks[original], *self.remarks[copy]]
        self.out.files = [self._file_row(file) for file in files]
        return self.out

    def _take(self, file: CaptionFile) -> None:
        """Reads a file; of several that say who they are the same, the first that can be read is taken."""
        value = parsed(file.data)
        if isinstance(value, Remark):
            self.remarks[file.path].append(value)
            return
        content, encoding = value
        model = read_file(file.place.kind, content)
        self.remarks[file.path] += [encoding] if encoding else []
        if isinstance(model, Remark):
            self.remarks[file.path].insert(0, model)
            return
        if model.video_id not in (None, self.clip):
            self.remarks[file.path].append(Remark.of("clip_name_differs", str(model.video_id)[:80]))
        first = self.read.setdefault((file.place.aspect, file.place.kind), _Read(file, model, content))
        if first.file is not file and first.value == content:
            self.copies[file.path] = first.file.path
            self.remarks[file.path].append(Remark.of("duplicate", first.file.path))
        elif first.file is not file:
            self.remarks[file.path].insert(0, Remark.of("two_files_for_one_record", first.file.path))

    def finals(self) -> dict[str, str]:
        """The captions that were kept, by aspect."""
        return {aspect: read.model.final_caption for (aspect, kind), read in self.read.items() if kind == "feedback"}

    def _file_row(self, file: CaptionFile) -> Row:
        remarks, record = self.remarks[file.path], self.records.get(file.path)
        assert record or remarks, f"{file.path} became no record and has no reason"
        return {
            "batch": self.corpus.batch,
            "file_id": self.corpus.file_id(file.path, file.sha256),
            "path": file.path,
            "sha256": file.sha256,
            "kind": file.place.kind,
            "clip_id": self.row["clip_id"],
            "aspect": file.place.aspect,
            "record_id": record,
            "reason": ", ".join(dict.fromkeys(remark.reason for remark in remarks)) or None,
            "detail": "\n".join(dict.fromkeys(remark.detail for remark in remarks)) or None,
        }


class _Aspect:
    """The conversion of one aspect of a clip: draft, versions, review and triple, in that order."""

    def __init__(self, clip: _Clip, aspect: str) -> None:
        self.clip, self.aspect = clip, aspect
        self.item = Item(clip.corpus, clip.row["clip_id"], aspect)
        self.rows = clip.out.rows
        self.precaption, self.feedback, self.previous, self.reviewed = (
            clip.read.get((aspect, kind)) for kind in ("precaption", "feedback", "feedback_prev", "review")
        )
        self.drafts: dict[str, Row] = {}

    def convert(self) -> None:
        draft = self._draft_file()
        unfixed = self._unfixed()
        earlier = None if unfixed else self._version(self.previous, None, None)
        rejected = self.reviewed is not None and not self.reviewed.model.reviewer_double_check
        # A rejection is of the earlier version where there is one, an approval always of the current one.
        review = self._review(earlier) if earlier and rejected else None
        current = self._version(self.feedback, earlier, review)
        if self.reviewed and review is None:
            review = self._review(current or earlier)
        triple = self._triple([v for v in (earlier, current) if v], current, review)
        status = self._status(current or earlier, earlier, review)
        self.rows["drafts"] += list(self.drafts.values())
        if not (current or earlier or draft):
            return
        self._note(status, earlier, current)
        self._facts(status, earlier, current or earlier, review, triple)

    def _draft_file(self) -> Row | None:
        if self.precaption is None:
            return None
        draft = self._draft(self.precaption.model)
        self.clip.records[self.precaption.file.path] = draft["draft_id"]
        states = upstream_states(self.aspect, draft["prompt"], self.clip.finals())
        stale = [name for name, state in states.items() if state == "corrected"]
        if stale:
            self._remark(self.precaption, Remark.of("stale_upstream", " and ".join(stale)))
        return draft

    def _draft(self, file: Precaption) -> Row:
        draft = self.item.draft(file)
        return self.drafts.setdefault(draft["draft_id"], draft)

    def _unfixed(self) -> bool:
        """Whether the current version is the rejected one, unchanged: then it is one version in two files."""
        return self.previous is not None and self.feedback is not None and self.previous.model == self.feedback.model

    def _version(self, read: _Read | None, earlier: Version | None, rejection: Row | None) -> Version | None:
        if read is None:
            return None
        draft = self._draft_of(read)
        opening = Opening(1, draft["draft_id"])
        if earlier is not None and earlier.candidate.draft is draft:
            cause = rejection["review_id"] if rejection else earlier.candidate.caption_id
            opening = Opening(earlier.critique["round"] + 1, cause)
        file_id = self.clip.corpus.file_id(read.file.path, read.file.sha256)
        made = version(self.item, draft, read.model, read.value, file_id, opening)
        self.rows["critiques"] += made.critiques
        self.rows["revisions"] += made.revisions
        assert made.said is not None
        self.rows["annotation_events"] += [self.item.event(row, "critique", made.said) for row in made.critiques]
        self.clip.records[read.file.path] = made.critique["critique_id"]
        for remark in made.remarks:
            self._remark(read, remark)
        return made

    def _draft_of(self, read: _Read) -> Row:
        """The draft that a critique is about: the draft file's where the text is the same, else the critique's copy."""
        file: Feedback = read.model
        given: Precaption | None = self.precaption.model if self.precaption else None
        if given is None:
            self._remark(read, Remark.of("no_draft_file"))
        elif given.pre_caption == file.pre_caption:
            same = (given.pre_caption_llm, given.pre_caption_prompt)
            if same != (file.pre_caption_llm, file.pre_caption_prompt):
                self._remark(read, Remark.of("draft_provenance_differs"))
            return self._draft(given)
        else:
            self._remark(read, Remark.of("draft_changed"))
        return self._draft(file)

    def _review(self, about: Version | None) -> Row | None:
        """The review's row; None where nothing is there that it could be about."""
        assert self.reviewed is not None
        file: Review = self.reviewed.model
        if about is None:
            self._remark(self.reviewed, Remark.of("review_without_feedback"))
            return None
        author = self.clip.corpus.author(file.reviewer_name)
        verdict = "approve" if file.reviewer_double_check else "reject"
        when = moment(file.review_timestamp) or moment(file.timestamp)
        file_id = self.clip.corpus.file_id(self.reviewed.file.path, self.reviewed.file.sha256)
        said = Said(file_id, verdict, author, when, whole={**self.reviewed.value, "reviewer_name": author})
        review = self.item.review(about.candidate, said, self._reasons(file, author))
        self.rows["reviews"].append(review)
        self.rows["annotation_events"].append(self.item.event(review, "review", said))
        self.clip.records[self.reviewed.file.path] = review["review_id"]
        if author is None:
            self._remark(self.reviewed, Remark.of("no_author"))
        return review

    def _reasons(self, file: Review, reviewer: str | None) -> list[str]:
        """Why it was rejected, as far as the files tell: what was done about it."""
        if file.reviewer_double_check:
            return []
        if self.feedback is None or self.previous is None or self._unfixed():
            return ["rejected and not corrected"]
        by_reviewer = self.clip.corpus.author(self.feedback.model.user) == reviewer and reviewer is not None
        return ["corrected by the reviewer" if by_reviewer else "corrected by somebody else"]

    def _status(self, current: Version | None, earlier: Version | None, review: Row | None) -> Status:
        if current is None:
            return "no critique"
        if review is None:
            return "unreviewed"
        if review["verdict"] == "approve":
            return "approved"
        if earlier is None or self.feedback is None:
            return "rejected"
        author = current.critique["author"]
        return "corrected" if author is not None and author == review["author"] else "reworked"

    def _triple(self, versions: list[Version], current: Version | None, review: Row | None) -> bool:
        """Makes a triple of what an independent reviewer approved, where the chain is known to hold."""
        if current is None or review is None or review["verdict"] != "approve":
            return False
        authors = {version.critique["author"] for version in versions}
        if review["author"] in authors and review["author"] is not None:
            assert self.feedback is not None
            self._remark(self.feedback, Remark.of("self_review"))
            return False
        if not current.sound or review["author"] is None or None in authors:
            return False
        critiques = [critique for version in versions for critique in version.critiques]
        turns = [Turn("critique", critique["chai_key"], critique) for critique in critiques]
        standing = Standing(self.item.clip_id, self.aspect, "approved", turns=turns)
        standing.candidate, standing.review = current.candidate, review
        faults = broken_links(current.candidate, review)
        assert not faults, f"{self.clip.clip} {self.aspect}: {'; '.join(faults)}"
        row = triple_row(standing, self.clip.row) | {"human_edited": current.hand_edited}
        self.rows["triples"].append(triple_entry(row, "verified", 0))
        return True

    def _note(self, status: Status, earlier: Version | None, current: Version | None) -> None:
        """Says of the files what their status means."""
        files = [read for read in (self.feedback, self.previous) if read]
        reason = {
            "unreviewed": "unreviewed",
            "corrected": "corrected_by_reviewer",
            "reworked": "reworked_unreviewed",
            "rejected": "rejected_unfixed",
        }.get(status)
        if reason:
            self._remark(files[0], Remark.of(reason))
        if self._unfixed() and self.previous and self.feedback:
            self.clip.records[self.previous.file.path] = self.clip.records[self.feedback.file.path]
            self._remark(self.previous, Remark.of("duplicate", self.feedback.file.path))
        if self.feedback is None and self.previous is not None:
            self._remark(self.previous, Remark.of("no_current_version"))
        if self.precaption and not files:
            self._remark(self.precaption, Remark.of("orphan_draft"))

    def _facts(
        self, status: Status, earlier: Version | None, current: Version | None, review: Row | None, triple: bool
    ) -> None:
        read = self.feedback or self.previous or self.precaption
        assert read is not None
        first = earlier or current
        made_from: Precaption = (self.precaption or read).model
        self.clip.out.facts.append(
            Facts(
                self.clip.clip,
                self.clip.row["source_id"],
                self.aspect,
                status,
                read.file.path,
                rating=current.candidate.rating if current else None,
                first_rating=first.candidate.rating if first else None,
                asks_change=current is not None and current.critique["verdict"] == "change",
                hand_edited=current is not None and current.hand_edited,
                shows=current.shows if current else "",
                findings=len(current.critique["findings"]) if current else 0,
                author=current.critique["author"] if current else None,
                first_author=first.critique["author"] if first else None,
                reviewer=review["author"] if review else None,
                rejected=review is not None and review["verdict"] == "reject",
                upstream=upstream_states(self.aspect, made_from.pre_caption_prompt, self.clip.finals()),
                triple=triple,
            )
        )

    def _remark(self, read: _Read, remark: Remark) -> None:
        self.clip.remarks[read.file.path].append(remark)
