"""The dataset card: README.md with the front matter that the Hugging Face hub reads, made from the manifest.

Its text is in `card.md`, and in `loading` what is said of each trainer; here are its tables. The card cannot name the
dataset's id, because the id is a hash over the card too.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from chai_assets.core.prompts import bullets, render
from chai_assets.datasets.file_names import DATASET_INFO, PRIMITIVES, TRIPLES, TRIPLES_JSONL, VERIFY_SCRIPT
from chai_assets.datasets.select.canonical_rows import UNKNOWN_LICENSE
from chai_assets.datasets.select.dialects import DIALECTS, WITH_CLIPS
from chai_assets.datasets.select.purposes import RULES
from chai_assets.datasets.select.splits import SPLITS
from chai_assets.datasets.write.manifest import FileEntry, ManifestContent
from chai_assets.datasets.write.task_tables import MERGED_TABLES, TABLES_FOLDER, TASK_TABLES
from chai_assets.datasets.write.trainer_formats import MERGED_FORMATS, TRAINER_FORMATS, trainers_served

TEMPLATE = Path(__file__).parent / "card.md"
_LOADING = Path(__file__).parent / "loading"
_FORMATS = (*TASK_TABLES, *MERGED_TABLES, *TRAINER_FORMATS, *MERGED_FORMATS)
_DESCRIPTIONS = {one.path: one.description for one in _FORMATS} | {
    TRIPLES: "a triple with all its ids, people and rights",
    TRIPLES_JSONL: "the same triples",
    PRIMITIVES: "a primitive of a clip's aspect: present, absent, not applicable or unsure, and who said so",
    VERIFY_SCRIPT: "(checks every file, chain and split: `python verify.py`)",
    DATASET_INFO: "(LLaMA-Factory's list of the files)",
}
# The hub's own identifiers; whatever it does not know is `other` with a name of its own.
_HUB_LICENSES = {
    *(f"cc-by{kind}-{version}" for kind in ("", "-sa", "-nc", "-nd", "-nc-sa", "-nc-nd") for version in ("3.0", "4.0")),
    *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "mit", "apache-2.0", "bsd-3-clause", "odbl", "odc-by", "pddl"),
    *("cdla-permissive-2.0", "unlicense", UNKNOWN_LICENSE),
}
_SIZES = [(10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M")]


def render_card(content: ManifestContent) -> str:
    """README.md of a dataset of this content; `content.files` are all but the card itself."""
    counts, certificate = content.counts, content.leak_certificate.model_dump()
    filled = render(
        TEMPLATE,
        held=f"{counts.triples} triples of {counts.clips} clips from {counts.sources} sources",
        spec=content.spec_version,
        taken=_selection_text(content),
        files=_files_table(content.files),
        counts=_counts_tables(content),
        leaks=", ".join(
            f"{name.replace('_', ' ')}: {'not known' if count is None else count}"
            for name, count in certificate.items()
        ),
        licences=", ".join(f"{name}: {count}" for name, count in content.licences.items()),
        loading=_loading_text(content.files),
        purposes=_purposes_text(content),
        rights=_markdown_table(
            ["purpose", "triples", "why"],
            [
                [purpose, str(count), "" if why == "allowed" else why]
                for purpose, counts in content.rights.items()
                for why, count in counts.items()
            ],
        ),
        rules=RULES,
        people=content.people,
        left_out=bullets(f"{entry.count} {entry.what}(s) left out: {entry.reason}" for entry in content.left_out),
        notes=bullets(content.notes),
    )
    return f"---\n{yaml.safe_dump(front_matter(content), sort_keys=False, allow_unicode=True)}---\n\n{filled.text}\n"


def _selection_text(content: ManifestContent) -> str:
    """What was selected, and what that means for whoever reads the files."""
    selection, of = content.selection, content.instructions_from
    sentences = [f"Taken were captions of review level {selection['review']} or better ({selection['variant']})."]
    if selection["variant"] == "pre_review":
        sentences.append(
            f"The {content.variant_differs} captions that a reviewer sent back stand here as they were before that: "
            "what the files call kept or approved is then what the annotator had settled on."
        )
    if selection["imported"]:
        sentences.append(
            f"They come from the imported corpus {selection['imported']}, which followed rules of its own."
        )
    if content.human_edited:
        sentences.append(f"{content.human_edited} were written over by a person, which `human_edited` marks.")
    sentences.append(f"The task instructions are those of specification {of['version']}.")
    return " ".join(sentences)


def _loading_text(files: Iterable[FileEntry]) -> str:
    """How each trainer whose files are there reads them, and how to make those of the others."""
    held = trainers_served(entry.path.partition("/")[2] for entry in files)
    parts = [(_LOADING / f"{name}.md").read_text(encoding="utf-8").strip() for name in held]
    if others := [name for name in (*DIALECTS, WITH_CLIPS) if name not in held]:
        parts.append(
            f"`chai dataset convert DATASET --to {others[0]}` writes the files of a trainer: {', '.join(others)}."
        )
    return "\n\n".join(parts)


def _purposes_text(content: ManifestContent) -> str:
    """What the dataset was made for, which is nothing by default, and what that means."""
    purposes = content.selection["purposes"]
    if not isinstance(purposes, list) or not purposes:
        return (
            "This dataset was made for no purpose in particular, which is the default (`CHAI_DATASET_PURPOSES`): only "
            "triples whose rights have run out were held back. `purposes` of each triple says what its rights allow; "
            "keep to it. So many triples are allowed for each purpose, and so many are not:"
        )
    return (
        f"This dataset was made for {', '.join(map(str, purposes))}: triples whose rights do not allow that were left "
        "out. For other purposes `purposes` of each triple says what its rights allow; keep to it. So many triples are "
        "allowed for each purpose, and so many are not:"
    )


def front_matter(content: ManifestContent) -> dict[str, object]:
    """What the hub reads of a card: licence, language, tasks, tags, size, and the files of each split."""
    return {
        "pretty_name": "Video captions with their critiques",
        **_license_fields(content.licences),
        "language": ["en"],
        "task_categories": ["video-text-to-text", "text-to-video"],
        "tags": ["video-captioning", "critique", "preference", "reward-modeling", "chai"],
        "size_categories": [next((name for most, name in _SIZES if content.counts.triples < most), "n>10M")],
        "configs": _configs(content.files),
    }


def _license_fields(licences: dict[str, int]) -> dict[str, object]:
    """The hub's `license`, and for those it does not know `license_name`."""
    slugs = {re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-") or UNKNOWN_LICENSE for name in licences}
    known = sorted(slugs & _HUB_LICENSES)
    others = sorted(slugs - _HUB_LICENSES)
    ids = [*known, "other"] if others else known or [UNKNOWN_LICENSE]
    named = {"license_name": "-or-".join(others)} if others else {}
    return {"license": ids[0] if len(ids) == 1 else ids, **named}


def _configs(files: Iterable[FileEntry]) -> list[dict[str, object]]:
    """A config for each Parquet table, with the splits that have rows: the hub cannot show a file without any.

    `datasets` reads all configs of a folder by one builder, so none is of another form: what the trainers read lies
    beside them. A table of the whole dataset is a config, too.
    """
    tables: dict[str, list[dict[str, str]]] = {}
    for path in (entry.path for entry in files if entry.rows and entry.path.endswith(".parquet")):
        folder, _, name = path.removesuffix(".parquet").rpartition("/")
        split = folder.removesuffix(f"/{TABLES_FOLDER}")
        if not folder:
            tables.setdefault(name, []).append({"split": "both", "path": path})
        elif split in SPLITS and split != folder:
            tables.setdefault(name, []).append({"split": split, "path": path})
    order = [Path(one.path).stem for one in _FORMATS]
    names = sorted(tables, key=lambda name: (order.index(name) if name in order else len(order), name))
    configs: list[dict[str, object]] = []
    for name in names:
        data = sorted(tables[name], key=lambda one: [*SPLITS, "both"].index(one["split"]))
        configs.append({"config_name": name, "data_files": data})
    return [config | ({} if number else {"default": True}) for number, config in enumerate(configs)]


def _files_table(files: Iterable[FileEntry]) -> str:
    """A table of the files: what a row is, and how many rows each split has."""
    table: dict[str, list[str]] = {}
    for entry in files:
        side, _, path = entry.path.partition("/")
        rows = "" if entry.rows is None else str(entry.rows)
        if side in SPLITS:
            name = f"`<split>/{path}`"
            table.setdefault(name, [name, _DESCRIPTIONS.get(path, ""), *[""] * len(SPLITS)])[2 + SPLITS.index(side)] = (
                rows
            )
        else:
            about = _DESCRIPTIONS.get(entry.path, "")
            table[entry.path] = [f"`{entry.path}`", about, f"{rows} in all" if rows else "", *[""] * (len(SPLITS) - 1)]
    return _markdown_table(["file", "one row is", *SPLITS], table.values())


def _counts_tables(content: ManifestContent) -> str:
    return "\n\n".join(
        _markdown_table([name, "triples"], [[value, str(count)] for value, count in counted.items()])
        for name, counted in _tallies(content)
    )


def _tallies(content: ManifestContent) -> list[tuple[str, dict[str, int]]]:
    """Whatever the counts are split by: `by_aspect` is (aspect, {value: triples})."""
    fields = content.counts.model_dump()
    found = [(name[3:].replace("_", " "), counted) for name, counted in fields.items() if name.startswith("by_")]
    return [*found, ("review", content.by_review)]


def _markdown_table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
