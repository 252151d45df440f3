"""For any corpus: every file is accounted for exactly once, and what is imported twice is there once."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chai_assets.core.ids import critique_id, draft_id, review_id, revision_id
from chai_assets.importing.clip_spool import Spool
from chai_assets.importing.convert import convert_clip, refused_rows
from chai_assets.importing.corpus_files import CorpusFile
from chai_assets.importing.layout import _decoded  # pyright: ignore[reportPrivateUsage]
from chai_assets.importing.reasons import REFUSALS, WARNINGS
from chai_assets.importing.records import Corpus
from tests.importing.corpora import FOLDER, Files, at, feedback, packed, perfect, precaption, review
from tests.importing.imports import Place, accounted

CLIPS = ("pier.0.0.mp4", "pier.1.mp4", "quay_0010.mp4")
WORDS = st.sampled_from(["A red kite.", "A blue kite.", "", "Kite “up” – 20°", "kite \ud83d", "sea " * 6000])
NAMES = st.sampled_from(["Ada Vogel", "Bo Lind", "", None])
KINDS = st.sampled_from(["precaption", "feedback", "feedback_prev", "review"])


@st.composite
def contents(draw: st.DrawFn, clip: str, kind: str) -> bytes:
    """A file's bytes: mostly sound, with any field changed or gone, then perhaps broken off or in another encoding."""
    makers = {"precaption": precaption, "review": lambda _: review(draw(st.booleans()))}
    value = makers.get(kind, draw(st.sampled_from([feedback, perfect])))(clip)
    changed = draw(st.lists(st.sampled_from(sorted(value)), max_size=2))
    for name in changed:
        value[name] = draw(st.one_of(WORDS, NAMES, st.integers(0, 6), st.none()))
    if gone := draw(st.sampled_from(["", *sorted(value)])):
        value.pop(gone) if draw(st.integers(0, 4)) == 0 else None
    data = packed(value)
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig", "latin-1"]))
    return data.decode().encode(encoding)[: draw(st.sampled_from([None, None, None, None, len(data) // 2]))]


@st.composite
def corpora(draw: st.DrawFn) -> list[tuple[str, bytes]]:
    files = []
    for _ in range(draw(st.integers(1, 25))):
        clip, kind, aspect = draw(st.sampled_from(CLIPS)), draw(KINDS), draw(st.sampled_from([*FOLDER][:3]))
        path = at(clip, aspect, kind, draw(st.sampled_from(["output_captions", "old/output_captions"])))
        if draw(st.integers(0, 9)) == 0:
            path = draw(st.sampled_from(["notes.txt", "smell/x_review.json", f"._{path}", "_review.json"]))
        files.append((path, draw(contents(clip, kind))))
    return files


@given(corpora())
@example([(f"{beside}old/{at(CLIPS[0], 'scene', 'precaption')}", b"{}") for beside in ("", "._", "a/._")])
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_every_file_is_in_the_outcome_once_with_a_record_that_is_there_or_a_reason(
    files: list[tuple[str, bytes]],
) -> None:
    corpus = Corpus("import-any", str.lower)
    with Spool() as spool:
        spool.fill(CorpusFile(path, data) for path, data in files)
        assert spool.count() == len(files)
        rows, ids = list(refused_rows(corpus, spool.refused())), set()
        for clip, group in spool.by_clip():
            outcome = convert_clip(corpus, clip, group)
            assert len(outcome.files) == len(group)
            rows += outcome.files
            made = {
                "draft_id": (outcome.rows["drafts"], draft_id),
                "critique_id": (outcome.rows["critiques"], critique_id),
                "revision_id": (outcome.rows["revisions"], revision_id),
                "review_id": (outcome.rows["reviews"], review_id),
            }
            for key, (records, rule) in made.items():
                assert all(row[key] == rule(row) for row in records)
                ids |= {row[key] for row in records}
            for triple in outcome.rows["triples"]:
                assert {triple[key] for key in made if triple[key]} <= ids
                assert triple["annotator"] != triple["reviewer"]
    assert len({row["file_id"] for row in rows}) == len(rows) == len(files)
    for row in rows:
        reasons = set(filter(None, (row["reason"] or "").split(", ")))
        assert reasons <= set(REFUSALS | WARNINGS)
        assert row.get("record_id") in ids or reasons & set(REFUSALS), row
        assert not (row.get("record_id") and reasons & set(REFUSALS)), row


@given(corpora())
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_corpus_imported_twice_is_there_once(files: list[tuple[str, bytes]]) -> None:
    distinct: Files = {f"c/{path}": data for path, data in files} | {at(CLIPS[0], "camera", "review"): b"{}"}
    with tempfile.TemporaryDirectory() as home:
        place = Place(Path(home))
        accounted(place.take(distinct), len(distinct))
        versions = place.versions()
        accounted(place.take(distinct), len(distinct))
        assert place.versions() == versions
        assert len(place.rows("import_files")) == len(distinct)


@given(st.binary(max_size=60))
def test_reading_bytes_never_raises_and_what_is_taken_for_cp1252_gives_the_bytes_back(data: bytes) -> None:
    read = _decoded(data)
    if isinstance(read, tuple) and read[1] and read[1].reason == "cp1252":
        assert read[0].encode("cp1252") == data
