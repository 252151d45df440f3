"""Why a file became no record, or what is odd about the record it became: every reason, in words, with a remedy.

A refusal leaves a file without a record; a warning says what is odd about the record it became.
"""

from dataclasses import dataclass
from typing import Self

REFUSALS: dict[str, tuple[str, str]] = {
    "path_escapes": ("its path leads out of the archive", "it was not read; ask who made the archive"),
    "not_a_plain_file": ("it is a link or a device", "it was not read; put the file itself there"),
    "too_large": ("it is larger than 1,000,000 bytes", "see what it is; caption files have a few thousand"),
    "not_a_caption_file": ("its name is none of the layout's", "nothing to do if it is not one of the corpus"),
    "unknown_task": ("its folder is none of the five tasks", "rename the folder if it is one of them"),
    "other_corpus": (
        "it lies in another folder of captions than the corpus does",
        "nothing to do if it is of an exam or an experiment; else import that folder under a name of its own",
    ),
    "unreadable_json": ("it is not JSON, or breaks off", "restore it from a backup"),
    "unknown_encoding": ("it is in no encoding that can be told for certain", "store it again as UTF-8"),
    "bad_characters": ("it holds characters that are none (lone surrogates)", "write the text again"),
    "missing_field": ("a field is missing or of the wrong kind", "complete it, or leave it out"),
    "caption_too_long": ("a text in it is longer than 20,000 characters", "see what was pasted there"),
    "two_files_for_one_record": ("another file says something else about the same", "keep the one that is right"),
    "labels_contradict": (
        "an earlier line says something else of a clip, and counts",
        "keep the line that is right",
    ),
    "review_without_feedback": ("there is no critique that it could be about", "restore the feedback file"),
    "unknown_clip": ("no file of the corpus is about this clip", "import its captions, or leave the label out"),
}

WARNINGS: dict[str, tuple[str, str]] = {
    "duplicate": ("another file has the very same content", "delete one"),
    "utf8_with_mark": ("it begins with a byte order mark", "none needed"),
    "utf16": ("it is UTF-16 and was read as such", "store it again as UTF-8"),
    "cp1252": ("it is Windows-1252 and was read as such", "store it again as UTF-8"),
    "clip_name_differs": ("the clip it names is not that of its file name, which counts", "see which is right"),
    "no_author": ("nobody is named as its author, so that no review of it counts as independent", "find the author"),
    "orphan_draft": ("nobody critiqued this draft", "critique it, or leave it"),
    "no_draft_file": ("there is no precaption file; the draft was taken from the critique's own copy", "none needed"),
    "draft_changed": (
        "the draft that was critiqued is not the one in the precaption file; both are kept",
        "see which of the two is shown to people",
    ),
    "draft_provenance_differs": (
        "beside the critique, the same draft stands with another prompt or model; those of its own file count",
        "do not rebuild prompts when a draft is shown",
    ),
    "stale_upstream": (
        "the draft was written from an upstream caption that was corrected later",
        "write the draft again, or compare it with the corrected caption",
    ),
    "hand_edited": (
        "a person wrote over the model's revision; both are kept, and the person's is marked",
        "leave it out where the critique must lead to the caption by a model alone",
    ),
    "critique_not_regenerated": (
        "the critique was edited after the model had worded it, and the file does not say whether the caption was "
        "made again from it: no triple, unless a person wrote the caption",
        "make the revision again from the edited critique",
    ),
    "unreviewed": ("nobody reviewed it", "review it"),
    "rejected_unfixed": ("a reviewer rejected it and nobody corrected it", "correct it"),
    "corrected_by_reviewer": (
        "the reviewer who rejected the earlier version wrote this one; nobody approved it since",
        "have it reviewed by a third person",
    ),
    "reworked_unreviewed": ("it was written again after a rejection; nobody reviewed it since", "review it"),
    "self_review": ("its author approved it", "have it reviewed by somebody else"),
    "perfect_but_changed": ("the draft was called perfect, and another caption was kept", "see which is meant"),
    "rating_contradicts": ("its rating and whether it asks for a change contradict each other", "see which is meant"),
    "merged_of_other_captions": (
        "it was merged from captions that are not the approved ones",
        "merge it again from these; until then exports leave it out",
    ),
    "no_current_version": ("there is an earlier version and no current one", "restore the feedback file"),
    "many_records": ("it became a row for each clip that it names", "none needed"),
}


_REASONS = REFUSALS | WARNINGS


@dataclass(frozen=True)
class FileIssue:
    """A reason that was found for one file, and the reason in words with its remedy."""

    reason: str
    detail: str

    @classmethod
    def of(cls, reason: str, more: str = "") -> Self:
        """The issue for a reason, with what it was in this file. Raises KeyError for an unknown reason."""
        meaning, remedy = _REASONS[reason]
        return cls(reason, f"{meaning}{f' ({more})' if more else ''}: {remedy}")
