"""One pyarrow schema per table: the contract for writers, readers, checks and the columns shown in Dagster.

A table's schema carries `key` (the column whose distinct values are the records: a row appended twice is
harmless) and a comment on every column. What a table *means* is here; how it is stored is in `tables.py`.
"""

from dataclasses import dataclass

import pyarrow as pa

STRINGS = pa.list_(pa.string())
TIME = pa.timestamp("us", tz="UTC")

FINDING = pa.struct(
    [
        ("finding_id", pa.string()),
        ("kind", pa.string()),
        ("quote", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("fix", pa.string()),
    ]
)
TICK = pa.struct([("finding_id", pa.string()), ("right", pa.bool_())])
EFFECT = pa.struct([("finding_id", pa.string()), ("took", pa.bool_()), ("evidence", pa.string())])
CHANGE = pa.struct([("before", pa.string()), ("after", pa.string())])
STATE = pa.struct([("primitive", pa.string()), ("state", pa.string())])
ANSWER = pa.struct([("attribute", pa.string()), ("values", STRINGS)])


@dataclass(frozen=True)
class Table:
    """A table: its name, the key that makes a row distinct, what it holds, and its columns."""

    name: str
    key: str
    doc: str
    schema: pa.Schema

    @property
    def partitioned(self) -> bool:
        """Whether the table is partitioned by batch on disk."""
        return "batch" in self.schema.names

    @property
    def light(self) -> set[str]:
        """The columns that are read of a batch at once; the long texts only where they are asked for."""
        return set(self.schema.names) - {"prompt", "task_data", "annotation"}


def _table(table: str, key: str, doc: str, /, **columns: tuple[pa.DataType, str]) -> Table:
    fields = [pa.field(col, kind, metadata={"comment": comment}) for col, (kind, comment) in columns.items()]
    return Table(table, key, doc, pa.schema(fields))


_BATCH = (pa.string(), "the batch the clip was ingested in; the partition key")
_CLIP = (pa.string(), "the clip: hash of source, start and end")
_ASPECT = (pa.string(), "subject, scene, motion, spatial or camera")
_SPEC = (pa.string(), "version of the specification it was made under")
_SPEC_HASH = (pa.string(), "hash of that version")
_EVENT = (pa.string(), "the archived annotation version this row was read from")
_AUTHOR = (pa.string(), "id of the person, from the people file")
_AT = (TIME, "when the row was written (UTC); never part of an id")
_SUBMITTED = (TIME, "when the person submitted it, by Label Studio's clock (UTC)")
_LEAD = (pa.float64(), "seconds the person spent on the page")

_MODEL_COLUMNS = {
    "request_hash": (pa.string(), "hash of everything sent to the model; one request is made once"),
    "model": (pa.string(), "model asked for"),
    "served_revision": (pa.string(), "model revision that answered"),
    "sampling": (pa.string(), "sampling parameters, canonical JSON"),
    "prompt": (pa.string(), "the prompt, whole"),
    "prompt_hash": (pa.string(), "sha256 of the prompt"),
    "tokens_in": (pa.int64(), "prompt tokens as the engine counts them"),
    "tokens_out": (pa.int64(), "completion tokens as the engine counts them"),
    "latency_ms": (pa.float64(), "milliseconds until the answer"),
}

TABLES: dict[str, Table] = {
    table.name: table
    for table in [
        _table(
            "sources",
            "source_id",
            "Videos that clips were cut from: the unit of splits, licence and takedown.",
            batch=_BATCH,
            source_id=(pa.string(), "sha256 of the file's bytes"),
            name=(pa.string(), "file name, as found"),
            uri=(pa.string(), "where the file was found"),
            bytes=(pa.int64(), "size in bytes"),
            duration_s=(pa.float64(), "length in seconds"),
            width=(pa.int32(), "pixels"),
            height=(pa.int32(), "pixels"),
            fps=(pa.float64(), "average frames per second"),
            codec=(pa.string(), "video codec as found"),
            has_audio=(pa.bool_(), "whether an audio stream is present"),
            rights=(pa.string(), "who holds the rights, from the folder's rights.yaml"),
            licence=(pa.string(), "licence under which the video may be used"),
            recorded_at=_AT,
        ),
        _table(
            "clips",
            "clip_id",
            "Shots of a few seconds: the things that are captioned.",
            batch=_BATCH,
            clip_id=_CLIP,
            source_id=(pa.string(), "the source it was cut from"),
            name=(pa.string(), "readable name: file stem and shot number"),
            shot=(pa.int32(), "shot number within the source, from 0"),
            start_s=(pa.float64(), "start in the source, seconds"),
            end_s=(pa.float64(), "end in the source, seconds, exclusive"),
            duration_s=(pa.float64(), "length of the stored clip in seconds"),
            width=(pa.int32(), "pixels of the stored clip"),
            height=(pa.int32(), "pixels of the stored clip"),
            fps=(pa.float64(), "constant frame rate of the stored clip"),
            frames=(pa.int64(), "frames in the stored clip"),
            media_key=(pa.string(), "key of the H.264 clip in the media store"),
            thumb_key=(pa.string(), "key of the thumbnail in the media store"),
            phash=(
                pa.string(),
                "perceptual hashes of three frames, hex, to recognise the same shot elsewhere",
            ),
            same_as=(pa.string(), "earlier clip that shows the same shot, or null"),
            rights=(pa.string(), "rights holder, from the source"),
            licence=(pa.string(), "licence, from the source"),
            recorded_at=_AT,
        ),
        _table(
            "spec_adoptions",
            "adoption_id",
            "Which version of the specification each batch adopted, and when; the newest one counts.",
            batch=_BATCH,
            adoption_id=(pa.string(), "hash of batch, version, the specification's hash, and whether it is settled"),
            settled=(pa.bool_(), "false when the batch began to move, true once a whole run went through under it"),
            spec_version=_SPEC,
            spec_hash=_SPEC_HASH,
            recorded_at=_AT,
        ),
        _table(
            "ingest_problems",
            "problem_id",
            "Files and shots that were not ingested, each with its reason.",
            batch=_BATCH,
            problem_id=(pa.string(), "hash of batch, file, position and reason"),
            name=(pa.string(), "file name, as found"),
            kind=(pa.string(), "broken, no_video, empty, duplicate, same_shot, too_short or too_long"),
            reason=(pa.string(), "what is wrong and what to do about it"),
            start_s=(pa.float64(), "start of the shot in question, seconds, or null for the whole file"),
            end_s=(pa.float64(), "end of the shot in question, seconds, or null"),
            recorded_at=_AT,
        ),
        _table(
            "tasks",
            "entry_id",
            "Ledger of Label Studio tasks: what was done to each, the last entry counts.",
            batch=_BATCH,
            entry_id=(pa.string(), "hash of chai_key, state and, where missing, the task id"),
            chai_key=(pa.string(), "our unique key of the task"),
            kind=(pa.string(), "primitives, critique, review or feedback"),
            clip_id=_CLIP,
            aspect=_ASPECT,
            state=(pa.string(), "pushed, returned (for correction), closed, reopened or missing"),
            assignee=(pa.string(), "id of the person it was given to"),
            task_id=(pa.int64(), "Label Studio's id of the task"),
            recorded_at=_AT,
        ),
        _table(
            "annotation_events",
            "event_id",
            "Every version of every annotation ever seen, and every deletion: nothing a person wrote is lost.",
            batch=_BATCH,
            event_id=(pa.string(), "hash of project, annotation id, its update time and its content"),
            kind=(pa.string(), "primitives, critique, review or feedback"),
            what=(pa.string(), "submitted, deleted (annotation) or task_deleted"),
            chai_key=(pa.string(), "our key of the task"),
            task_id=(pa.int64(), "Label Studio's id of the task"),
            annotation_id=(pa.int64(), "Label Studio's id of the annotation, or null"),
            account=(pa.string(), "e-mail of the account that completed it"),
            updated_by=(pa.string(), "e-mail of the account that changed it last"),
            updated_at=_SUBMITTED,
            lead_time_s=_LEAD,
            task_data=(pa.string(), "the task as it was shown, JSON"),
            annotation=(pa.string(), "the annotation as received, JSON"),
            recorded_at=_AT,
        ),
        _table(
            "quarantine",
            "event_id",
            "Annotations that could not be read, each with its reason; kept out of the loop, never dropped.",
            batch=_BATCH,
            event_id=_EVENT,
            kind=(pa.string(), "primitives, critique, review or feedback"),
            chai_key=(pa.string(), "our key of the task"),
            task_id=(pa.int64(), "Label Studio's id of the task"),
            account=(pa.string(), "e-mail of the account"),
            reason=(pa.string(), "what is wrong with it"),
            remedy=(pa.string(), "what to do about it"),
            recorded_at=_AT,
        ),
        _table(
            "primitives",
            "event_id",
            "Answers to the attributes of a clip's aspect, and the primitives that follow from them.",
            batch=_BATCH,
            label_id=(pa.string(), "hash of clip, aspect, spec hash, answers and author"),
            event_id=_EVENT,
            chai_key=(pa.string(), "the task it answers"),
            clip_id=_CLIP,
            aspect=_ASPECT,
            spec_version=_SPEC,
            spec_hash=_SPEC_HASH,
            answers=(pa.list_(ANSWER), "attribute and its answers; a short text is one answer"),
            states=(pa.list_(STATE), "primitive and its state: present, absent or not_applicable"),
            problem=(
                pa.string(),
                "clip problem the annotator reported (unplayable, transition, unsafe), or null",
            ),
            note=(pa.string(), "free note of the annotator, or null"),
            author=_AUTHOR,
            submitted_at=_SUBMITTED,
            lead_time_s=_LEAD,
            recorded_at=_AT,
        ),
        _table(
            "drafts",
            "draft_id",
            "Pre-captions written by a model from the primitives; immutable.",
            batch=_BATCH,
            draft_id=(pa.string(), "hash of all that made it, its text included"),
            clip_id=_CLIP,
            aspect=_ASPECT,
            label_id=(pa.string(), "the labels it was made from"),
            upstream=(
                STRINGS,
                "ids of the approved captions (revisions, or drafts that stood) of upstream aspects",
            ),
            spec_version=_SPEC,
            spec_hash=_SPEC_HASH,
            text=(pa.string(), "the draft caption"),
            **_MODEL_COLUMNS,
            recorded_at=_AT,
        ),
        _table(
            "model_errors",
            "error_id",
            "Requests a model did not answer usefully; retryable ones are asked again by the next run.",
            batch=_BATCH,
            error_id=(pa.string(), "hash of the request, the error and the day"),
            request_hash=(pa.string(), "the request"),
            stage=(pa.string(), "draft, revise or merge"),
            clip_id=_CLIP,
            aspect=_ASPECT,
            kind=(pa.string(), "retryable, permanent or blocked"),
            message=(pa.string(), "what the engine said"),
            recorded_at=_AT,
        ),
        _table(
            "critiques",
            "event_id",
            "What a person says of a draft (round 1) or of the revision their critique led to (later rounds).",
            batch=_BATCH,
            critique_id=(pa.string(), "hash of the draft id, round, cause, content and author"),
            event_id=_EVENT,
            chai_key=(pa.string(), "the task it answers"),
            clip_id=_CLIP,
            aspect=_ASPECT,
            draft_id=(pa.string(), "the draft it is about"),
            round=(pa.int32(), "1 for the first critique, counted up with each refinement"),
            cause=(pa.string(), "what opened the round: the draft id, a revision id or a review id"),
            verdict=(pa.string(), "perfect (draft stands), change, or accept (the revision stands)"),
            rating=(pa.int32(), "1 (mostly wrong) to 5 (perfect) of the caption shown"),
            findings=(
                pa.list_(FINDING),
                "atomic remarks on the draft, offsets in code points, end exclusive",
            ),
            text=(pa.string(), "the critique as one text, rendered from the findings"),
            hints=(STRINGS, "what the linter noticed about the findings"),
            spec_version=_SPEC,
            author=_AUTHOR,
            submitted_at=_SUBMITTED,
            lead_time_s=_LEAD,
            recorded_at=_AT,
        ),
        _table(
            "revisions",
            "revision_id",
            "Post-captions: one draft with one critique applied by a model.",
            batch=_BATCH,
            revision_id=(pa.string(), "hash of draft id, critique id, model, its revision and the text"),
            draft_id=(pa.string(), "the draft"),
            critique_id=(pa.string(), "the critique that was applied"),
            clip_id=_CLIP,
            aspect=_ASPECT,
            text=(pa.string(), "the revised caption"),
            effects=(pa.list_(EFFECT), "for each finding whether it took, and where that shows"),
            other_changes=(pa.list_(CHANGE), "changes that no finding asked for"),
            spec_version=_SPEC,
            **_MODEL_COLUMNS,
            recorded_at=_AT,
        ),
        _table(
            "reviews",
            "event_id",
            "A reviewer's verdict on a candidate: draft, critique and revision together.",
            batch=_BATCH,
            review_id=(pa.string(), "hash of the candidate, grade, content and author"),
            event_id=_EVENT,
            chai_key=(pa.string(), "the task it answers"),
            clip_id=_CLIP,
            aspect=_ASPECT,
            candidate_id=(pa.string(), "hash of draft, critique, revision and acceptance under review"),
            draft_id=(pa.string(), "the draft"),
            critique_id=(
                pa.string(),
                "the critique that asked for the revision, or that called the draft perfect",
            ),
            revision_id=(pa.string(), "the revision, or null where the draft stands"),
            grade=(pa.int32(), "1 for the first review, 2 for a regrade by someone else"),
            verdict=(pa.string(), "approve or reject"),
            ticks=(pa.list_(TICK), "each finding marked right or wrong"),
            misses=(STRINGS, "what the critique should have said and did not"),
            reasons=(STRINGS, "why it was rejected, from a fixed list"),
            note=(pa.string(), "note to the annotator, or null"),
            spec_version=_SPEC,
            author=_AUTHOR,
            submitted_at=_SUBMITTED,
            lead_time_s=_LEAD,
            recorded_at=_AT,
        ),
        _table(
            "feedback",
            "event_id",
            "The annotator's answer to a rejection: understood, or a request for a regrade.",
            batch=_BATCH,
            feedback_id=(pa.string(), "hash of the review id, content and author"),
            event_id=_EVENT,
            chai_key=(pa.string(), "the task it answers"),
            clip_id=_CLIP,
            aspect=_ASPECT,
            review_id=(pa.string(), "the rejection it answers"),
            answer=(pa.string(), "understood or request_regrade"),
            reason=(pa.string(), "why a regrade is asked for, or null"),
            spec_version=_SPEC,
            author=_AUTHOR,
            submitted_at=_SUBMITTED,
            lead_time_s=_LEAD,
            recorded_at=_AT,
        ),
        _table(
            "triples",
            "entry_id",
            "Draft, critique and revision that passed review with their hash chain verified, and withdrawals.",
            batch=_BATCH,
            entry_id=(pa.string(), "hash of the triple, its standing and the count of earlier entries"),
            triple_id=(pa.string(), "hash of draft, critique, revision and review ids"),
            standing=(pa.string(), "verified or withdrawn; the latest entry of a triple counts"),
            clip_id=_CLIP,
            source_id=(pa.string(), "the source of the clip: what splits go by"),
            aspect=_ASPECT,
            draft_id=(pa.string(), "the draft"),
            critique_id=(pa.string(), "the critique"),
            revision_id=(pa.string(), "the revision, or null where the draft stood"),
            review_id=(pa.string(), "the approving review"),
            draft=(pa.string(), "text of the draft"),
            critique=(pa.string(), "text of the critique; empty for a perfect draft"),
            final=(pa.string(), "the approved caption: the revision, or the draft where it stood"),
            rating=(pa.int32(), "the annotator's rating of the draft, 1 to 5"),
            rounds=(pa.int32(), "critique rounds it took"),
            findings=(pa.list_(FINDING), "the critique's findings"),
            annotator=(pa.string(), "id of the critique's author"),
            reviewer=(pa.string(), "id of the approving reviewer"),
            model=(pa.string(), "model that wrote the draft"),
            human_edited=(pa.bool_(), "whether a person wrote over the model's revision (imports only); null is no"),
            spec_version=_SPEC,
            spec_hash=_SPEC_HASH,
            chain_hash=(pa.string(), "hash over the ids of the whole chain"),
            recorded_at=_AT,
        ),
        _table(
            "merged_captions",
            "merged_id",
            "One caption a clip, merged from the five approved ones.",
            batch=_BATCH,
            merged_id=(pa.string(), "hash of the triples, the request and the text"),
            clip_id=_CLIP,
            source_id=(pa.string(), "the source of the clip"),
            triple_ids=(STRINGS, "the five triples, in aspect order"),
            text=(pa.string(), "the merged caption"),
            words=(pa.int32(), "words in it"),
            spec_version=_SPEC,
            **_MODEL_COLUMNS,
            recorded_at=_AT,
        ),
        _table(
            "import_files",
            "file_id",
            "Every file of every imported corpus: the record it became, or why it became none.",
            batch=_BATCH,
            file_id=(pa.string(), "hash of the import, the file's path and its content"),
            path=(pa.string(), "path within the corpus"),
            sha256=(pa.string(), "hash of its bytes"),
            kind=(pa.string(), "precaption, feedback, feedback_prev, review, labels or other"),
            clip_id=_CLIP,
            aspect=_ASPECT,
            record_id=(pa.string(), "the record it became, or null"),
            reason=(
                pa.string(),
                "why it became none, or what is odd about the record it became; null where all is well",
            ),
            detail=(pa.string(), "the reason in words, with the remedy; null where all is well"),
            recorded_at=_AT,
        ),
        _table(
            "standings",
            "entry_id",
            "Where each (clip, aspect) stood whenever that changed; the latest row of an item counts.",
            batch=_BATCH,
            entry_id=(pa.string(), "hash of the row and the count of earlier rows of the item"),
            clip_id=_CLIP,
            aspect=_ASPECT,
            stage=(pa.string(), "what it waits for: labeling, upstream, drafting, ... or approved"),
            label_id=(pa.string(), "the current label, or null"),
            asked_again=(pa.bool_(), "whether a release asks questions that the label does not answer"),
            draft_id=(pa.string(), "the draft in force, or null"),
            drafted_from=(pa.string(), "the label that draft was made from"),
            draft_spec=(pa.string(), "version that draft was made under"),
            critiqued=(pa.bool_(), "whether a person has critiqued that draft"),
            triple_spec=(pa.string(), "version its triple counts for, or null without a triple"),
            moved_upstream=(STRINGS, "aspects whose approved caption is no longer the one the draft rests on"),
            recorded_at=_AT,
        ),
        _table(
            "datasets",
            "dataset_id",
            "Published datasets: immutable, content-addressed exports.",
            dataset_id=(pa.string(), "hash of the manifest's content"),
            uri=(pa.string(), "folder or prefix it lies under"),
            triples=(pa.int64(), "triples in it"),
            clips=(pa.int64(), "clips in it"),
            sources=(pa.int64(), "sources in it"),
            spec_version=_SPEC,
            manifest=(pa.string(), "the manifest, JSON"),
            recorded_at=_AT,
        ),
        _table(
            "scorecards",
            "row_id",
            "What each person did and how it held up in review, at each computation.",
            row_id=(pa.string(), "hash of the person and the figures"),
            person=(pa.string(), "id of the person"),
            critiques=(pa.int64(), "critiques submitted that were current when computed"),
            reviewed=(pa.int64(), "of their candidates, how many were reviewed"),
            approved=(pa.int64(), "of those, approved"),
            accuracy=(pa.float64(), "approved / reviewed, or null"),
            precision=(pa.float64(), "findings ticked right / findings ticked, or null"),
            recall=(pa.float64(), "findings ticked right / (those + misses), or null"),
            reviews=(pa.int64(), "reviews given"),
            rejections=(pa.int64(), "of those, rejections"),
            overturned=(pa.int64(), "rejections overturned by a regrade"),
            minutes=(pa.float64(), "minutes spent on pages"),
            reward=(pa.float64(), "points of the reward ledger"),
            recorded_at=_AT,
        ),
    ]
}
