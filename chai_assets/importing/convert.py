"""Converts one clip's files into records. Each file is accounted for: by its record, or by why it has none. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from chai_assets.core.rows import DraftRow, NewRow, ReviewRow
from chai_assets.importing.caption_versions import RoundStart, Version, read_version
from chai_assets.importing.clip_spool import CaptionFile, RefusedFile
from chai_assets.importing.item_facts import ItemFacts, ItemStatus
from chai_assets.importing.layout import (
    ASPECTS,
    Feedback,
    FileKind,
    Merged,
    Precaption,
    Review,
    parse_file,
    parse_json,
    parse_time,
)
from chai_assets.importing.reasons import FileIssue
from chai_assets.importing.records import Corpus, ItemRows, Submission
from chai_assets.importing.upstream_quotes import UpstreamState, upstream_states
from chai_assets.triples.join import broken_links, triple_entry, triple_row


@dataclass
class Converted:
    """The rows of one clip by table, its files' rows, and the facts of its items."""

    rows: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    files: list[NewRow] = field(default_factory=list)
    facts: list[ItemFacts] = field(default_factory=list)


_Model = TypeVar("_Model", bound=Precaption | Feedback | Review | Merged, covariant=True)


@dataclass(frozen=True)
class _Read(Generic[_Model]):
    """A file that could be read: as its kind must hold, and as the JSON that it is."""

    file: CaptionFile
    model: _Model
    value: dict[str, Any]


def refused_rows(corpus: Corpus, refused: Iterable[RefusedFile]) -> Iterator[NewRow]:
    """The report's rows for files that have no place in the layout."""
    for file in refused:
        yield {
            "batch": corpus.batch,
            "file_id": corpus.file_id(file.path, file.sha256),
            "path": file.path,
            "sha256": file.sha256,
            "kind": "other",
            "reason": file.issue.reason,
            "detail": file.issue.detail,
        }


def convert_clip(corpus: Corpus, clip: str, files: list[CaptionFile]) -> Converted:
    """All that a clip's files become. Every file is in the outcome exactly once, with a record or a reason."""
    return _ClipConversion(corpus, clip).convert(files)


class _ClipConversion:
    """The conversion of one clip: what was read of it, and what is known of each of its files so far."""

    def __init__(self, corpus: Corpus, clip: str) -> None:
        self.corpus = corpus
        self.clip = clip
        self.row = corpus.clip_row(clip)
        self.read: dict[tuple[str | None, FileKind], _Read[Precaption | Feedback | Review | Merged]] = {}
        self.copies: dict[str, str] = {}
        self.records: dict[str, str] = {}
        self.issues: dict[str, list[FileIssue]] = defaultdict(list)
        self.file_ids: dict[str, str] = {}
        self.finals: dict[str, str] = {}
        """The captions that were kept, by aspect."""
        self.out = Converted()

    def convert(self, files: list[CaptionFile]) -> Converted:
        self.file_ids = {file.path: self.corpus.file_id(file.path, file.sha256) for file in files}
        for file in files:
            self._take(file)
        self.finals = self._finals()
        for aspect in ASPECTS.values():
            if any((aspect, kind) in self.read for kind in ("precaption", "feedback", "feedback_prev", "review")):
                _AspectConversion(self, aspect).convert()
        if merged := self.file_of(None, "merged", Merged):
            self._merge(merged)
        if any(self.out.rows.values()):
            self.out.rows["sources"].append(self.corpus.source_row(self.clip))
            self.out.rows["clips"].append(self.row)
        for copy, original in self.copies.items():
            if original in self.records:
                self.records[copy] = self.records[original]
            else:  # what became of the one became of the other
                self.issues[copy] = [*self.issues[original], *self.issues[copy]]
        self.out.files = [self._file_row(file) for file in files]
        return self.out

    def _take(self, file: CaptionFile) -> None:
        """Reads a file; of several that say who they are the same, the first that can be read is taken."""
        value = parse_json(file.data)
        if isinstance(value, FileIssue):
            self.issues[file.path].append(value)
            return
        content, encoding = value
        model = parse_file(file.role.kind, content)
        self.issues[file.path] += [encoding] if encoding else []
        if isinstance(model, FileIssue):
            self.issues[file.path].insert(0, model)
            return
        if model.video_id not in (None, self.clip):
            self.issues[file.path].append(FileIssue.of("clip_name_differs", str(model.video_id)[:80]))
        first = self.read.setdefault((file.role.aspect, file.role.kind), _Read(file, model, content))
        if first.file is not file and first.value == content:
            self.copies[file.path] = first.file.path
            self.issues[file.path].append(FileIssue.of("duplicate", first.file.path))
        elif first.file is not file:
            self.issues[file.path].insert(0, FileIssue.of("two_files_for_one_record", first.file.path))

    def _finals(self) -> dict[str, str]:
        return {
            aspect: read.model.final_caption
            for (aspect, _), read in self.read.items()
            if isinstance(read.model, Feedback) and read.file.role.kind == "feedback" and aspect
        }

    def _merge(self, read: "_Read[Merged]") -> None:
        """The clip's merged caption, with the triples whose captions it was made from."""
        triples = {(row["aspect"], row["final"]): row["triple_id"] for row in self.out.rows["triples"]}
        inputs = read.model.inputs
        ids = [triples.get((aspect, inputs.get(aspect))) for aspect in ASPECTS.values()]
        row = self.corpus.merged_row(self.row, read.model, ids)
        self.out.rows["merged_captions"].append(row)
        self.records[read.file.path] = row["merged_id"]
        if None in ids:
            others = ", ".join(aspect for aspect, id_ in zip(ASPECTS.values(), ids, strict=True) if id_ is None)
            self.issues[read.file.path].append(FileIssue.of("merged_of_other_captions", others))

    def file_of(self, aspect: str | None, kind: FileKind, model: type[_Model]) -> "_Read[_Model] | None":
        """The file of that kind, where one was read; `model` is what `parse_file` makes of the kind."""
        read = self.read.get((aspect, kind))
        assert read is None or isinstance(read.model, model)
        return cast("_Read[_Model] | None", read)

    def _file_row(self, file: CaptionFile) -> NewRow:
        issues, record = self.issues[file.path], self.records.get(file.path)
        assert record or issues, f"{file.path} became no record and has no reason"
        return {
            "batch": self.corpus.batch,
            "file_id": self.file_ids[file.path],
            "path": file.path,
            "sha256": file.sha256,
            "kind": file.role.kind,
            "clip_id": self.row["clip_id"],
            "aspect": file.role.aspect,
            "record_id": record,
            "reason": ", ".join(dict.fromkeys(issue.reason for issue in issues)) or None,
            "detail": "\n".join(dict.fromkeys(issue.detail for issue in issues)) or None,
        }


class _AspectConversion:
    """The conversion of one aspect of a clip: draft, versions, review and triple, in that order."""

    def __init__(self, clip: _ClipConversion, aspect: str) -> None:
        self.clip, self.aspect = clip, aspect
        self.item = ItemRows(clip.corpus, clip.row["clip_id"], aspect)
        self.rows = clip.out.rows
        self.precaption = clip.file_of(aspect, "precaption", Precaption)
        self.feedback = clip.file_of(aspect, "feedback", Feedback)
        self.previous = clip.file_of(aspect, "feedback_prev", Feedback)
        self.reviewed = clip.file_of(aspect, "review", Review)
        self.drafts: dict[str, DraftRow] = {}
        self.given: DraftRow | None = None
        """The draft of the draft's own file."""
        self.upstream: dict[str, UpstreamState] = {}

    def convert(self) -> None:
        if self.precaption:
            self.given = self._draft_file(self.precaption)
        elif read := self.feedback or self.previous:
            self.upstream = upstream_states(self.aspect, read.model.pre_caption_prompt, self.clip.finals)
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
        if not (current or earlier or self.given):
            return
        self._note(status, earlier, current)
        self._facts(status, earlier, current or earlier, review, triple)

    def _draft_file(self, read: _Read[Precaption]) -> DraftRow:
        draft = self._draft(read.model)
        self.clip.records[read.file.path] = draft["draft_id"]
        self.upstream = upstream_states(self.aspect, draft["prompt"], self.clip.finals)
        stale = [name for name, state in self.upstream.items() if state == "corrected"]
        if stale:
            self._add_issue(read, FileIssue.of("stale_upstream", " and ".join(stale)))
        return draft

    def _draft(self, file: Precaption) -> DraftRow:
        draft = self.item.draft(file)
        return self.drafts.setdefault(draft["draft_id"], draft)

    def _unfixed(self) -> bool:
        """Whether the current version is the rejected one, unchanged: then it is one version in two files."""
        return self.previous is not None and self.feedback is not None and self.previous.model == self.feedback.model

    def _version(
        self, read: _Read[Feedback] | None, earlier: Version | None, rejection: ReviewRow | None
    ) -> Version | None:
        if read is None:
            return None
        draft = self._draft_of(read)
        opening = RoundStart(1, draft["draft_id"])
        if earlier is not None and earlier.candidate.draft is draft:
            cause = rejection["review_id"] if rejection else earlier.candidate.caption_id
            opening = RoundStart(earlier.critique["round"] + 1, cause)
        file_id = self.clip.file_ids[read.file.path]
        made = read_version(self.item, draft, read.model, read.value, file_id, opening)
        self.rows["critiques"] += made.critiques
        self.rows["revisions"] += made.revisions
        assert made.submission is not None
        self.rows["annotation_events"] += [self.item.event(row, "critique", made.submission) for row in made.critiques]
        self.clip.records[read.file.path] = made.critique["critique_id"]
        for issue in made.issues:
            self._add_issue(read, issue)
        return made

    def _draft_of(self, read: _Read[Feedback]) -> DraftRow:
        """The draft that a critique is about: the draft file's where the text is the same, else the critique's copy."""
        file = read.model
        if self.given is None:
            self._add_issue(read, FileIssue.of("no_draft_file"))
        elif self.given["text"] == file.pre_caption:
            same = (self.given["model"], self.given["prompt"])
            if same != (file.pre_caption_llm, file.pre_caption_prompt):
                self._add_issue(read, FileIssue.of("draft_provenance_differs"))
            return self.given
        else:
            self._add_issue(read, FileIssue.of("draft_changed"))
        return self._draft(file)

    def _review(self, about: Version | None) -> ReviewRow | None:
        """The review's row; None where nothing is there that it could be about."""
        assert self.reviewed is not None
        file = self.reviewed.model
        if about is None:
            self._add_issue(self.reviewed, FileIssue.of("review_without_feedback"))
            return None
        author = self.clip.corpus.author(file.reviewer_name)
        verdict = "approve" if file.reviewer_double_check else "reject"
        when = parse_time(file.review_timestamp) or parse_time(file.timestamp)
        file_id = self.clip.file_ids[self.reviewed.file.path]
        submission = Submission(file_id, verdict, author, when, whole={**self.reviewed.value, "reviewer_name": author})
        review = self.item.review(about.candidate, submission, self._reasons(file, author))
        self.rows["reviews"].append(review)
        self.rows["annotation_events"].append(self.item.event(review, "review", submission))
        self.clip.records[self.reviewed.file.path] = review["review_id"]
        if author is None:
            self._add_issue(self.reviewed, FileIssue.of("no_author"))
        return review

    def _reasons(self, file: Review, reviewer: str | None) -> list[str]:
        """Why it was rejected, as far as the files tell: what was done about it."""
        if file.reviewer_double_check:
            return []
        if self.feedback is None or self.previous is None or self._unfixed():
            return ["rejected and not corrected"]
        by_reviewer = self.clip.corpus.author(self.feedback.model.user) == reviewer and reviewer is not None
        return ["corrected by the reviewer" if by_reviewer else "corrected by somebody else"]

    def _status(self, current: Version | None, earlier: Version | None, review: ReviewRow | None) -> ItemStatus:
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

    def _triple(self, versions: list[Version], current: Version | None, review: ReviewRow | None) -> bool:
        """Makes a triple of what an independent reviewer approved, where the chain is known to hold."""
        if current is None or review is None or review["verdict"] != "approve":
            return False
        authors = {version.critique["author"] for version in versions}
        if review["author"] in authors and review["author"] is not None:
            assert self.feedback is not None
            self._add_issue(self.feedback, FileIssue.of("self_review"))
            return False
        if not current.sound or review["author"] is None or None in authors:
            return False
        rounds = sum(len(version.critiques) for version in versions)
        faults = broken_links(current.candidate, review)
        assert not faults, f"{self.clip.clip} {self.aspect}: {'; '.join(faults)}"
        row = triple_row(self.clip.row, self.aspect, current.candidate, review, rounds) | {
            "human_edited": current.hand_edited
        }
        self.rows["triples"].append(triple_entry(row, "verified", 0))
        return True

    def _note(self, status: ItemStatus, earlier: Version | None, current: Version | None) -> None:
        """Says of the files what their status means."""
        files = [read for read in (self.feedback, self.previous) if read]
        reason = {
            "unreviewed": "unreviewed",
            "corrected": "corrected_by_reviewer",
            "reworked": "reworked_unreviewed",
            "rejected": "rejected_unfixed",
        }.get(status)
        if reason:
            self._add_issue(files[0], FileIssue.of(reason))
        if self._unfixed() and self.previous and self.feedback:
            self.clip.records[self.previous.file.path] = self.clip.records[self.feedback.file.path]
            self._add_issue(self.previous, FileIssue.of("duplicate", self.feedback.file.path))
        if self.feedback is None and self.previous is not None:
            self._add_issue(self.previous, FileIssue.of("no_current_version"))
        if self.precaption and not files:
            self._add_issue(self.precaption, FileIssue.of("orphan_draft"))

    def _facts(
        self,
        status: ItemStatus,
        earlier: Version | None,
        current: Version | None,
        review: ReviewRow | None,
        triple: bool,
    ) -> None:
        read = self.feedback or self.previous or self.precaption
        assert read is not None
        first = earlier or current
        self.clip.out.facts.append(
            ItemFacts(
                self.clip.clip,
                self.clip.row["source_id"],
                self.aspect,
                status,
                read.file.path,
                rating=current.candidate.rating if current else None,
                first_rating=first.candidate.rating if first else None,
                asks_change=current is not None and current.critique["verdict"] == "change",
                hand_edited=current is not None and current.hand_edited,
                wording_shown=current.wording_shown if current else "",
                findings=len(current.critique["findings"]) if current else 0,
                author=current.critique["author"] if current else None,
                first_author=first.critique["author"] if first else None,
                reviewer=review["author"] if review else None,
                rejected=review is not None and review["verdict"] == "reject",
                upstream=self.upstream,
                triple=triple,
            )
        )

    def _add_issue(self, read: _Read[Precaption | Feedback | Review | Merged], issue: FileIssue) -> None:
        self.clip.issues[read.file.path].append(issue)
