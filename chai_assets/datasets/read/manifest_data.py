"""A manifest as its readers find it: JSON of any version of the format, so most fields may be missing.

What writes a manifest has models of its own, in `write/manifest.py`.
"""

from typing import NotRequired, TypedDict


class FileData(TypedDict):
    """One file of a dataset; `rows` is None for a file without any."""

    path: str
    rows: int | None
    bytes: int
    sha256: str


class CountsData(TypedDict, total=False):
    """Triples, clips and sources in a dataset, and its triples by split, aspect and rating."""

    triples: int
    clips: int
    sources: int
    by_split: dict[str, int]
    by_aspect: dict[str, int]
    by_rating: dict[str, int]


class LeftOutData(TypedDict, total=False):
    """Rows that stay out of a dataset, by kind and reason, with a few of their ids."""

    what: str
    reason: str
    count: int
    examples: list[str]


class SelectionData(TypedDict, total=False):
    """What an export took; the fields of `Selection`."""

    aspects: list[str]
    specs: str
    review: str
    edited: bool
    variant: str
    critiques: str
    imported: str
    pins: list[str]
    stale: str
    purposes: list[str]


class DraftPromptsData(TypedDict):
    """How many prompts made the drafts, and a hash over theirs."""

    distinct: int
    sha256: str


class RecalledData(TypedDict):
    """A triple that was taken back after an earlier dataset may have held it, and why."""

    id: str
    reason: str


class ManifestData(TypedDict):
    """A manifest: its id and files, which `read_manifest` has checked, and what else it says of its dataset."""

    dataset_id: str
    files: list[FileData]
    format: NotRequired[int]
    counts: NotRequired[CountsData]
    spec_version: NotRequired[str]
    spec_hash: NotRequired[str]
    specs: NotRequired[dict[str, int]]
    table_versions: NotRequired[dict[str, int]]
    code_version: NotRequired[str]
    eval_share: NotRequired[float]
    models: NotRequired[dict[str, int]]
    licences: NotRequired[dict[str, int]]
    prompts: NotRequired[dict[str, str]]
    instructions_from: NotRequired[dict[str, str]]
    draft_prompts: NotRequired[DraftPromptsData]
    selection: NotRequired[SelectionData]
    by_review: NotRequired[dict[str, int]]
    human_edited: NotRequired[int]
    variant_differs: NotRequired[int]
    near_duplicate_groups: NotRequired[int]
    left_out: NotRequired[list[LeftOutData]]
    leak_certificate: NotRequired[dict[str, int | None]]
    leak_check: NotRequired[dict[str, int]]
    """What datasets of format 1 have in place of the certificate."""
    rights: NotRequired[dict[str, dict[str, int]]]
    corrected_upstream: NotRequired[int]
    people: NotRequired[str]
    notes: NotRequired[list[str]]
    recalled: NotRequired[list[RecalledData]]
    contamination: NotRequired[list[dict[str, int | str | list[str]]]]
    """What was found of it in public benchmarks; missing where none was compared."""
