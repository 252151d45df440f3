"""A dataset against public benchmarks: what is in both is found and certified, and a file in a wrong form is named."""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.cli import main as cli
from chai_assets.core.ids import sha256_text
from chai_assets.datasets.assets import DatasetStore
from chai_assets.datasets.contamination import clip_files
from chai_assets.datasets.contamination.against import captions_of
from chai_assets.datasets.contamination.benchmark import BenchmarkUnusable, read_benchmark
from chai_assets.datasets.contamination.caption_overlap import LEAST, SHORTEST, WORDS, overlapping
from chai_assets.datasets.contamination.clip_files import ClipFile, ClipUnreadable, features_of, read_features
from chai_assets.datasets.read.published import open_dataset
from chai_assets.datasets.select.dialects import DIALECTS
from chai_assets.datasets.write.publish import build_dataset, latest_manifest, publish
from chai_resources.settings import Settings
from chai_resources.tables import Tables
from tests.datasets.factory import clip, export, merged, triple, triples_of
from tests.ingestion.films import scene, write

LONG = "A cyclist in a red coat rides slowly past the old market hall while three pigeons fly up from the wet stones"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.jsonl", None, "is not there: name a folder of clips, or a JSONL file"),
        ("empty.jsonl", b"\n\n", "has no row"),
        ("table.csv", b"id,caption\n", "is CSV, not JSONL: write one JSON object a line"),
        ("whole.json", b"[]", "is one JSON value, not JSONL"),
        ("a.jsonl", b'{"caption": "x"}\n{"caption": ', "row 2 is no JSON"),
        ("a.jsonl", b'{"caption": "x"}\n\n[1]\n', "row 3 is a list, no object"),
        ("a.jsonl", b'{"caption": "\xff"}\n', "row 1 is not UTF-8 (byte 13): save the file as UTF-8"),
        (
            "a.jsonl",
            b'{"sentence": "x"}\n',
            "row 1 has no caption and no clip (it has `sentence`): name the field",
        ),
        ("a.jsonl", b"{}\n", "row 1 has no caption and no clip (it has nothing)"),
        ("a.jsonl", b'{"caption": {"en": "x"}}\n', "row 1: `caption` is no text and no list of texts"),
        ("a.jsonl", b'{"captions": ["x", 3]}\n', "row 1: `captions` is no text and no list of texts"),
        ("a.jsonl", b'{"video": 3}\n', "row 1: `video` is no file name: name another --video-field"),
        ("a.jsonl", b'{"video": "a\\u0000b"}\n', "of the 1 clips it names none is there"),
        ("a.jsonl", b'{"video": "none.mp4"}\n', "of the 1 clips it names none is there, and it has no captions"),
        ("a.jsonl", b"[" * 100_000, "row 1 is no JSON"),
        ("a.jsonl.gz", gzip.compress(b'{"caption": "x"}\n' * 999)[:30], "cannot be read"),
    ],
)
def test_a_benchmark_in_the_wrong_form_is_one_line_that_names_the_row_and_the_remedy(tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BenchmarkUnusable) as refused:
        read_benchmark(tmp_path / name)
    assert says in str(refused.value)
    assert str(tmp_path / name) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_without_clips_names_what_it_holds_instead(tmp_path):
    with pytest.raises(BenchmarkUnusable, match="is a folder without clips; name the folder that holds them"):
        read_benchmark(tmp_path)
    (tmp_path / "test.jsonl").write_text('{"caption": "x"}')
    with pytest.raises(BenchmarkUnusable, match=r"is a folder without clips; it holds test.jsonl: name that file"):
        read_benchmark(tmp_path)


def test_captions_and_clips_are_found_under_their_usual_names_or_the_one_given(tmp_path):
    file = tmp_path / "mixed.jsonl"
    (tmp_path / "here.mp4").touch()
    rows: list[dict[str, Any]] = [
        {"video_id": 7, "captions": ["One.", "Two \ud800."]},
        {"video": "here.mp4", "text": "Three."},
        {"video": "lost.mp4", "caption": "Four.", "note": "Five."},
    ]
    file.write_bytes(b"\xef\xbb\xbf" + "\n".join(map(json.dumps, rows)).encode())
    found = read_benchmark(file)
    assert [(item.id, item.captions, item.video) for item in found.items] == [
        ("7", ("One.", "Two ?."), None),
        ("row 2", ("Three.",), tmp_path / "here.mp4"),
        ("row 3", ("Four.",), None),
    ]
    assert found.missing_clips == 1
    file.write_text('{"note": "Five.", "caption": "Four."}')
    assert read_benchmark(file, caption_field="note").items[0].captions == ("Five.",)


def grams(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + WORDS]) for at in range(len(words) - WORDS + 1)}


@st.composite
def texts(draw) -> list[str]:
    """Texts of few words, so that they share runs of them, pieced together from some sentences."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sentences = [" ".join(chance.choice(["a", "b", "c", "d"], chance.integers(4, 30))) for _ in range(4)]
    return [" ".join(chance.choice(sentences, chance.integers(1, 4))) for _ in range(6)]


@given(texts(), texts())
def test_exactly_the_pairs_that_share_most_of_the_shorter_one_are_found(some, others):
    expected = set()
    for one, text in enumerate(some):
        for two, other in enumerate(others):
            mine, theirs = grams(text), grams(other)
            if min(len(text.split()), len(other.split())) < WORDS + SHORTEST - 1:
                continue
            shared = len(mine & theirs)
            if shared >= SHORTEST and shared / min(len(mine), len(theirs)) >= LEAST:
                expected.add((one, two))
    found = overlapping(pl.Series(some), pl.Series([f"{text.upper()}!" for text in others]))
    assert set(found.select("one", "two").iter_rows()) == expected


class Home:
    """A published dataset of three films: one with features in the table, one to be read, one without media."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch
        monkeypatch.setenv("CHAI_HOME", str(folder))
        self.settings = Settings.from_env()
        self.clips = [clip(number, 1) for number in range(3)]
        media = Path(self.settings.media)
        (media / "clips").mkdir(parents=True)
        for number, row in enumerate(self.clips[:2]):
            write(media / row["media_key"], scene(60 + number, 24), 12)
        self.clips[0]["features"] = features_of(media / self.clips[0]["media_key"])
        (media / self.clips[0]["media_key"]).unlink()
        Tables(root=self.settings.tables).append("clips", self.clips)
        self.triples = triples_of(self.clips, ("camera", "scene"))
        self.triples[0] |= {"final": LONG, "draft": LONG}

    def benchmarks(self) -> tuple[Path, Path]:
        """A folder with a mirrored copy of the first film and a crop of the second, and a file of captions."""
        clips = self.folder / "vdc"
        clips.mkdir()
        write(clips / "mirrored.mp4", [np.ascontiguousarray(one[:, ::-1]) for one in scene(60, 24)], 12, crf=28)
        write(clips / "cropped.mkv", [np.ascontiguousarray(one[24:, 32:-32]) for one in scene(61, 24)], 12)
        write(clips / "other.mp4", scene(62, 24), 12)
        captions = self.folder / "dream.jsonl"
        captions.write_text(
            json.dumps({"id": "q1", "caption": f"{LONG.upper()}, at dawn."})
            + "\n"
            + json.dumps({"id": "q2", "caption": " ".join(reversed(LONG.split()))})
        )
        return clips, captions

    def chai(self, *arguments: str) -> int:
        self._monkeypatch.setattr(sys, "argv", ["chai", "dataset", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("COLUMNS", "200")
    return Home(tmp_path / "home", monkeypatch)


def test_copies_and_captions_are_found_told_and_certified_and_clips_are_read_once(home, capsys, monkeypatch):
    publish(export(home.clips, home.triples), home.settings.datasets)
    clips, captions = home.benchmarks()
    out = home.folder / "out"
    asked = ("contamination", "latest", "--against", str(clips), "--against", str(captions), "--out", str(out))
    assert home.chai(*asked) == 1
    matches = pl.read_parquet(out / "matches.parquet")
    found = matches.select("benchmark", "benchmark_id", "clip_id", "record_id", "what").rows()
    first, second, _ = (row["clip_id"] for row in home.clips)
    assert set(found[:2]) == {
        ("vdc", "mirrored.mp4", first, None, "clip"),
        ("vdc", "cropped.mkv", second, None, "clip"),
    }
    # The merged caption of the clip has the same words.
    assert {row[:3] for row in found[2:]} == {("dream.jsonl", "q1", first)}
    assert home.triples[0]["triple_id"] in {row[3] for row in found[2:]}
    assert (matches["score"] > 0.7).all()
    assert "mirrored" in matches.filter(pl.col("benchmark_id") == "mirrored.mp4")["why"][0]
    certificates = json.loads((out / "certificate.json").read_text())["contamination"]
    assert [
        (one["benchmark"], one["alike_clips"], one["clips"], one["clips_not_compared"]) for one in certificates
    ] == [
        ("vdc", 2, 2, 1),
        ("dream.jsonl", 0, 2, 1),
    ]
    assert "2 of 2 clips and 0 of" in capsys.readouterr().out
    monkeypatch.setattr(clip_files, "features_of", lambda path: pytest.fail(f"{path} was read again"))
    assert home.chai(*asked) == 1


def test_a_clip_is_read_once_whatever_stands_beside_it_and_also_if_a_later_one_is_broken(tmp_path, monkeypatch):
    read: list[str] = []

    def features(path: Path) -> str:
        read.append(path.name)
        return features_of(path)

    def asked(*names: str) -> list[str | None]:
        return read_features([ClipFile.on_disk(tmp_path / name) for name in names], tmp_path / "cache")

    monkeypatch.setattr(clip_files, "features_of", features)
    monkeypatch.setattr(clip_files, "_KEPT_AT_ONCE", 2)
    for number, name in enumerate(("a.mp4", "b.mp4", "c.mp4")):
        write(tmp_path / name, scene(70 + number, 24), 12)
    (tmp_path / "d.mp4").write_bytes(b"no video")
    with pytest.raises(ClipUnreadable):
        asked("a.mp4", "b.mp4", "d.mp4")
    first = asked("a.mp4", "b.mp4")
    assert asked("b.mp4", "c.mp4", "a.mp4")[::2] == first[::-1]
    assert sorted(read) == ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]
    write(tmp_path / "a.mp4", scene(79, 24), 12)
    assert asked("a.mp4") != first[:1]
    assert read[-1] == "a.mp4"


@pytest.mark.parametrize("dialects", [(), DIALECTS])
def test_whole_captions_are_compared_in_whatever_form_the_dataset_holds_them(tmp_path, dialects):
    clips = [clip(number, 1) for number in range(4)]
    published = publish(export(clips, eval_share=0.5, dialects=dialects), str(tmp_path))
    said = captions_of(open_dataset(published.manifest.dataset_id, str(tmp_path)))
    assert {merged(of, [])["merged_id"] for of in clips} <= set(said["record_id"])
    assert said["record_id"].n_unique() == len(said) == 4 * 5 + 4


def test_a_dataset_that_is_in_no_benchmark_ends_with_status_0_and_a_broken_clip_is_named(home, capsys):
    publish(export(home.clips, home.triples), home.settings.datasets)
    file = home.folder / "other.jsonl"
    file.write_text(json.dumps({"caption": "Nothing of this was ever said of any clip by anybody here or elsewhere."}))
    assert home.chai("contamination", "--against", str(file), "--out", str(home.folder / "out")) == 0
    (home.folder / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(ClipUnreadable, match=r"broken.mp4 cannot be read .*: fetch it again, or take it out"):
        read_features([ClipFile.on_disk(home.folder / "broken.mp4")], home.settings.cache)
    capsys.readouterr()


def test_results_go_into_no_dataset_and_that_is_told_before_anything_is_read(home, capsys, monkeypatch):
    published = publish(export(home.clips, home.triples), home.settings.datasets)
    clips, _ = home.benchmarks()
    monkeypatch.setattr(clip_files, "features_of", lambda path: pytest.fail(f"{path} was read"))
    before = sorted(home.folder.rglob("*"))
    (home.folder / "file").touch()
    for out, says in (
        (Path(published.uri), "lies in a dataset or a pack, which never changes: choose a folder outside it"),
        (Path(published.uri) / "train" / "found", "lies in a dataset or a pack"),
        (home.folder / "file" / "found", "file is a file; name another folder"),
        (home.folder / ("x" * 300), "(File name too long): mend that, or name another folder"),
    ):
        assert home.chai("contamination", "--against", str(clips), "--out", str(out)) == 1
        assert says in capsys.readouterr().out
    (home.folder / "file").unlink()
    assert sorted(home.folder.rglob("*")) == before


def test_an_export_is_compared_with_the_benchmarks_that_it_is_told(home, tmp_path, capsys):
    tables = Tables(root=home.settings.tables)
    of = clip(7, batch="import-sea")
    tables.append("clips", [of])
    own = {"spec_version": "import-sea", "spec_hash": sha256_text("import-sea")}
    tables.append("triples", [triple(of, final=LONG, draft=LONG, rating=5, **own)])
    _, captions = home.benchmarks()
    assert home.chai("export", "--import", "sea", "--against", str(captions)) == 0
    said = " ".join(capsys.readouterr().out.split())
    [published] = Path(home.settings.datasets).glob("dst_*/manifest.json")
    [certificate] = json.loads(published.read_text())["contamination"]
    assert (certificate["benchmark"], certificate["alike_captions"]) == ("dream.jsonl", 1)
    assert "1 of 1 captions" in said
    assert home.chai("export", "--import", "sea", "--against", str(tmp_path / "gone.jsonl")) == 1
    assert "is not there: name a folder of clips, or a JSONL file" in " ".join(capsys.readouterr().out.split())


def test_the_manifest_has_a_certificate_where_benchmarks_are_set_and_not_a_word_of_it_elsewhere(home, monkeypatch):
    plain = build_dataset(export(home.clips, home.triples), home.folder / "plain")
    assert "contamination" not in plain.text()
    _, captions = home.benchmarks()
    monkeypatch.setenv("CHAI_DATASET_BENCHMARKS", f"{captions},")
    check = DatasetStore.of(Settings.from_env()).contamination(Tables(root=home.settings.tables), print)
    published = publish(export(home.clips, home.triples, contamination=check), home.settings.datasets)
    [certificate] = published.manifest.contamination
    assert (certificate.benchmark, certificate.alike_clips) == ("dream.jsonl", 0)
    assert certificate.alike_captions >= 1
    assert certificate.sentence() in published.manifest.notes
    assert published.manifest.dataset_id != plain.dataset_id
    assert latest_manifest(home.settings.datasets) == published.manifest
    assert home.chai("verify", published.uri) == 0
