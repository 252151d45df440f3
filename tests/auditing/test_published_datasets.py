"""Published datasets: each is read from files of its own form, and a file of another form is told what it is."""

import csv
import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chai_assets.auditing.captions import CaptionAudit
from chai_assets.auditing.critiques import audit_critiques, audit_published_critiques
from chai_assets.auditing.jsonl import AuditRefused, BadLine, Fields
from chai_assets.auditing.published.captions import CAPTION_SETS, CaptionSet
from chai_assets.auditing.published.critiques import CRITIQUE_SETS, CritiqueSet
from chai_assets.auditing.published.read import caption_set, critique_set, read_captions, read_critiques
from chai_assets.auditing.report import Measure
from chai_assets.spec.versioning.releases import load_spec
from tests.auditing.test_auditing_datasets import run

SPEC = load_spec()
ONE = "A potter turns a grey bowl on a wheel in a workshop."
TWO = "A goat climbs a rock on the left, seen by a static camera."


def as_json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


def as_lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_table(rows: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def as_parquet(*rows: dict[str, Any]) -> bytes:
    data = io.BytesIO()
    pl.DataFrame(list(rows)).write_parquet(data)
    return data.getvalue()


def as_tar(*rows: dict[str, Any]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for number, row in enumerate(rows):
            for name, content in ((f"{number:05}.mp4", b"\0" * 700), (f"{number:05}.json", json.dumps(row).encode())):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def sharegpt(video: str, whole: str) -> dict[str, Any]:
    captions = [{"idx": "0", "content": "Frame one."}, {"idx": "1", "content": "It moves."}]
    return {
        "video_id": video,
        "video_path": f"panda/{video}.mp4",
        "timestamp": ["00:00:00.000", "00:00:02.000"],
        "keyframe": [0, 60],
        "captions": [*captions, {"idx": "-1", "content": whole}],
        "zip_folder": "panda_videos_1.zip",
    }


ULTRA = {"clip_id": "a.mp4", "url": "x", "fps": 24.0, "Brief Description": "A bowl.", "Camera Movement": "Static."}
VDC = {"video_id": "v", "video_name": "v.mp4", "camera_caption": "It pans.", "short_caption": "A bowl."}
ACTIVITYNET = {"duration": 9.1, "timestamps": [[0, 4.2], [4.2, 9.1]]}
MSR_VTT = {"info": {"year": "2016"}, "videos": [{"video_id": "video0", "id": 0, "split": "train"}]}
TUNA = {"index": "TUNA_1", "video": "a", "visual_characteristic": "Low-Dynamic", "domain": "Film"}
PLM = {"uid": 0, "video": "sav_1.mp4", "masklet_id": 2, "total_frames": 73}
MSR_SENTENCES = [{"caption": text, "video_id": "video0", "sen_id": n} for n, text in enumerate((ONE, TWO))]

FORMS: list[tuple[str, str, bytes, list[str]]] = [
    (
        "activitynet-captions",
        "train.json",
        json.dumps(
            {
                "v_a": {**ACTIVITYNET, "sentences": [ONE, f" {TWO}"]},
                "v_b": {**ACTIVITYNET, "sentences": [TWO, " "]},
            }
        ).encode(),
        [f"{ONE} {TWO}", TWO],
    ),
    (
        "activitynet-captions",
        "rows.parquet",
        as_parquet({"video_id": "v", "en_captions": [ONE, TWO]}),
        [f"{ONE} {TWO}"],
    ),
    ("activitynet-captions", "rows.json", as_json([{"video_id": "v", "caption": ONE}]), [ONE]),
    ("msr-vtt", "videodatainfo_2016.json", as_json({**MSR_VTT, "sentences": MSR_SENTENCES}), [ONE, TWO]),
    (
        "msr-vtt",
        "MSRVTT_JSFUSION_test.csv",
        as_table([{"key": "ret0", "vid_key": "msr9", "video_id": "video9", "sentence": ONE}]),
        [ONE],
    ),
    ("msr-vtt", "train.json", as_json([{"video_id": "v", "video": "v.mp4", "caption": [ONE, TWO]}]), [ONE, TWO]),
    ("msr-vtt", "train.parquet", as_parquet({"video_id": "v", "caption": ONE, "sen_id": 3}), [ONE]),
    (
        "dream-1k",
        "metadata.json",
        as_json([{"idx": "0", "video_file": "0.mp4", "description": ONE, "events": ["It turns."], "n_shots": 1}]),
        [ONE],
    ),
    (
        "dream-1k",
        "metadata.jsonl",
        as_lines({"idx": "0", "description": ONE}, {"idx": "1", "description": TWO}),
        [ONE, TWO],
    ),
    ("dream-1k", "test.parquet", as_parquet({"video_index": "0", "GT_description": ONE, "GT_events": ["x"]}), [ONE]),
    ("sharegpt4video", "sharegpt4video_40k.jsonl", as_lines(sharegpt("a", ONE), sharegpt("b", TWO)), [ONE, TWO]),
    ("sharegpt4video", "rows.parquet", as_parquet(sharegpt("a", ONE)), [ONE]),
    (
        "sharegpt4video",
        "mix.json",
        as_json([{"id": "1", "conversations": [{"from": "human", "value": "?"}, {"from": "gpt", "value": ONE}]}]),
        [ONE],
    ),
    (
        "pe-video",
        "000001.tar",
        as_tar(
            {"video_id": 1, "human_caption": ONE, "model_caption": "It."}, {"human_caption": None, "model_caption": TWO}
        ),
        [ONE, TWO],
    ),
    ("pe-video", "test.parquet", as_parquet({"__key__": "1", "json": {"human_caption": ONE, "category": "x"}}), [ONE]),
    (
        "pe-video",
        "plm_rcap_val.jsonl",
        as_lines({**PLM, "caption": ONE, "start_frame": 0}, {**PLM, "caption": TWO}),
        [ONE, TWO],
    ),
    (
        "pe-video",
        "plm_rdcap_val.parquet",
        as_parquet({**PLM, "dense_captions": [{"start_frame": 0, "caption": ONE}, {"start_frame": 9, "caption": TWO}]}),
        [f"{ONE} {TWO}"],
    ),
    (
        "tuna-bench",
        "metadata.json",
        as_json([{**TUNA, "events": [{"event": ONE, "visual_elements": []}, {"event": TWO, "visual_elements": []}]}]),
        [f"{ONE} {TWO}"],
    ),
    ("tuna-bench", "test.parquet", as_parquet({"video": "a", "caption": ONE}), [ONE]),
    (
        "ultravideo",
        "short.csv",
        as_table([{**ULTRA, "Summarized Description": f'{ONE}\n"Quoted", {TWO}'}]),
        [f'{ONE}\n"Quoted", {TWO}'],
    ),
    ("ultravideo", "short.tsv", as_table([{**ULTRA, "Detailed Description": ONE}], "\t"), [ONE]),
    ("vdc", "VDC_1k.jsonl", as_lines({**VDC, "detailed_caption": ONE}, {**VDC, "detailed_caption": TWO}), [ONE, TWO]),
]

# JSON can hold half a character; no text can.
HALF = "A cat \ud83d sits."
WHOLE = "A cat ? sits."
FORMS += [
    ("activitynet-captions", "half.json", as_json({"v": {"sentences": [HALF, ONE]}}), [f"{WHOLE} {ONE}"]),
    ("msr-vtt", "half.json", as_json({"sentences": [{"caption": HALF, "video_id": "\ud83d"}]}), [WHOLE]),
    ("sharegpt4video", "half.jsonl", as_lines(sharegpt("a", HALF), sharegpt("b", ONE)), [WHOLE, ONE]),
    ("pe-video", "half.jsonl", as_lines({"dense_captions": [{"caption": HALF}]}, {"caption": HALF}), [WHOLE, WHOLE]),
    ("tuna-bench", "half.json", as_json([{"events": [{"event": HALF}]}]), [WHOLE]),
    ("vdc", "half.jsonl", as_lines({"detailed_caption": HALF}, {"detailed_caption": ONE}), [WHOLE, ONE]),
]


PACKED = [(name, f"{file}.gz", gzip.compress(data), texts) for name, file, data, texts in FORMS if data[:4] != b"PAR1"]


@pytest.mark.parametrize(
    ("name", "file", "data", "texts"), [*FORMS, *PACKED], ids=[f"{form[0]}-{form[1]}" for form in (*FORMS, *PACKED)]
)
def test_each_dataset_of_captions_is_read_in_each_of_its_forms(
    tmp_path: Path, name: str, file: str, data: bytes, texts: list[str]
) -> None:
    path = tmp_path / file
    path.write_bytes(data)
    found = list(read_captions(path, caption_set(name)))
    assert [one[1].text for one in found if not isinstance(one, BadLine)] == texts
    assert [one for one in found if isinstance(one, BadLine)] == []


_NAMES = [
    *("captions", "sentences", "en_captions", "caption", "sentence", "video_id", "description", "conversations"),
    *("idx", "content", "json", "dense_captions", "human_caption", "events", "event", "detailed_caption", "from"),
    *("Summarized Description", "data", "questions", "answers", "answer", "feedback", "critiques", "text", "chosen"),
    *("chosen_reason", "value", "role", "\ud83d"),
]
_values = st.recursive(
    st.sampled_from([None, True, 3, -1, 0.5, "", "5", "[1]", "{}", '[{"idx": -1}]', "gpt", "user", HALF, ONE]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(row=st.dictionaries(st.sampled_from(_NAMES), _values, max_size=5), one=st.sampled_from(CAPTION_SETS))
@example(row={"captions": 3}, one=caption_set("sharegpt4video"))
@example(row={"captions": True}, one=caption_set("sharegpt4video"))
@example(row={"captions": "5"}, one=caption_set("sharegpt4video"))
def test_a_row_of_any_form_has_captions_that_can_be_stored_or_none(row: dict[str, Any], one: CaptionSet) -> None:
    for caption in one.captions(row):
        assert caption.text.encode().strip()
        caption.clip.encode()


@given(row=st.dictionaries(st.sampled_from(_NAMES), _values, max_size=5), one=st.sampled_from(CRITIQUE_SETS))
def test_a_row_of_any_form_has_critiques_that_can_be_stored_or_none(row: dict[str, Any], one: CritiqueSet) -> None:
    for critique in one.critiques(row):
        (critique.text + critique.draft).encode()


def gdc(*answers: dict[str, Any]) -> dict[str, Any]:
    passage = {"title": None, "text": "A long story."}
    questions = [{"question": "What happens?", "answers": list(answers), "rankings": [1]}]
    row = {"id": "1", "source_id": "s", "split": "train", "labeler": "l", "is_topic_based_summarization": True}
    return {**row, "data": {"passage": passage, "questions": questions}}


def answer(text: str, *critiques: str, rating: int = 3, **more: Any) -> dict[str, Any]:
    listed = [{"text": each, "category": "accuracy", "severity": 2, "text_quotes": []} for each in critiques]
    return {"answer": text, "feedback": {"rating": rating, "critiques": listed, **more}}


def test_critiques_of_gdc_are_read_with_their_answers_and_an_answer_without_any_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl.gz"
    rows = [gdc(answer(ONE, "Say red, not grey.", "It is wrong."), answer(TWO, rating=7)), gdc(answer("x", skip=True))]
    path.write_bytes(gzip.compress(as_lines(*rows)))
    found = list(read_critiques(path, critique_set("GDC")))
    assert [(one[1].text, one[1].draft) for one in found if not isinstance(one, BadLine)] == [
        ("Say red, not grey.", ONE),
        ("It is wrong.", ONE),
        ("", TWO),
    ]
    counts = {one.name: one.count for one in audit_published_critiques(path, "gdc").measures}
    assert (counts["no_critique"], counts["refused"], counts["constructive"], counts["no_content"]) == (1, 0, 1, 1)


def test_reasons_of_mm_rlhf_are_critiques_of_the_chosen_and_of_the_rejected_answer(tmp_path: Path) -> None:
    row = {"video": "a.mp4", "prompt": "What is seen?", "chosen": ONE, "rejected": TWO}
    reasons = {"chosen_reason": "Correct answer.", "rejected_reason": "No goat: write a sheep."}
    for file, data in (
        ("pairs.jsonl", as_lines({**row, **reasons})),
        ("pairs.parquet", as_parquet({**row, **reasons})),
    ):
        path = tmp_path / file
        path.write_bytes(data)
        found = [one[1] for one in read_critiques(path, critique_set("mm-rlhf")) if not isinstance(one, BadLine)]
        assert [(one.text, one.draft) for one in found] == [("Correct answer.", ONE), ("No goat: write a sheep.", TWO)]
    (tmp_path / "dpo_pairs.jsonl").write_bytes(as_lines(row))
    with pytest.raises(AuditRefused, match=r"not in the form of MM-RLHF \(it has chosen, .*rejected_reason$"):
        audit_published_critiques(tmp_path / "dpo_pairs.jsonl", "mm-rlhf")


WRONG: list[tuple[str, str, bytes, str]] = [
    ("vdc", "a.csv", as_table([{**ULTRA, "Summarized Description": ONE}]), "in that of UltraVideo: --as ultravideo"),
    ("vdc", "a.json", as_json({"v": 1}), "VDC (it has v): give VDC_1k.jsonl, rows with detailed_caption"),
    ("vdc", "a.json", as_json([{"captions": 3}]), "VDC (it has captions): give VDC_1k.jsonl"),
    ("sharegpt4video", "a.jsonl", as_lines({"captions": "5"}, {"captions": True}), "ShareGPT4Video (it has captions)"),
    ("vdc", "a.json", as_json([{"\ud83d": 1}]), "not in the form of VDC (it has ?)"),
    ("vdc", "a.json", as_json([]), "not in the form of VDC (it has no rows)"),
    ("vdc", "a.json", as_json([1, 2]), "not in the form of VDC (row 1: no object but int)"),
    ("vdc", "a.jsonl", b"", "not in the form of VDC (it has no rows)"),
    ("vdc", "a.parquet", b"PAR1 and no more", "damaged Parquet file"),
    ("vdc", "a.zip", b"PK\x03\x04 and so on", "is a zip archive: unpack it"),
    ("vdc", "a.gz", gzip.compress(as_lines({"detailed_caption": ONE}))[:-12], "fetch it again"),
    ("vdc", "a.csv", b"one,two\n1,2\n", "it has one, two"),
    ("vdc", "a.bin", bytes(range(128, 256)) * 40, "not in the form of VDC"),
    ("nonsense", "a.json", b"{}", "no published dataset of captions is called nonsense: choose one of"),
    ("ultravidoe", "a.json", b"{}", "no published dataset of captions is called ultravidoe: write ultravideo"),
    ("gdc", "a.json", b"{}", "gdc holds critiques: `chai audit critiques FILE --as gdc` reads it"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "file", "data", "said"), WRONG, ids=[f"{one[1]}-{one[3][-30:]}" for one in WRONG])
def test_a_file_in_the_wrong_form_is_one_clear_line(
    tmp_path: Path, name: str, file: str, data: bytes, said: str
) -> None:
    (tmp_path / file).write_bytes(data)
    told = run("captions", str(tmp_path / file), "--as", name)
    assert told.exit_code == 1
    assert said in told.output
    assert len(told.output.strip().splitlines()) == 1


def test_the_command_reports_the_three_failures_with_intervals_and_examples(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    path.write_bytes(
        as_json([{"description": "A beautiful man moves. The camera moves forward."}, *({"description": TWO},) * 3])
    )
    shown = run("captions", str(path), "--as", "DREAM-1K", "--out", str(tmp_path / "a.html"))
    assert shown.exit_code == 0
    assert "Captions of DREAM-1K against specification" in shown.output
    assert "subjective phrases 25.0% (4.6-69.9%)" in shown.output
    told = json.loads(run("captions", str(path), "--as", "dream-1k", "--json").stdout)
    assert set(told["failures"]) == {"imprecise terms", "missing aspects", "subjective phrases"}
    for failure in told["failures"].values():
        assert failure["interval"][0] <= failure["share"] <= failure["interval"][1]
    assert told["failures"]["subjective phrases"]["examples"][0] | {"text": ""} == {
        "line": 1,
        "words": "beautiful",
        "text": "",
    }
    assert "subjective phrases</b> 25.0%" in (tmp_path / "a.html").read_text()
    both = run("captions", str(path), "--as", "dream-1k", "--caption-field", "description")
    assert "leave out --caption-field" in both.output
    listed = run("published").output
    assert all(one.name in listed for one in (*CAPTION_SETS, *CRITIQUE_SETS))


def test_captions_of_one_clip_count_as_sure_as_they_are_independent() -> None:
    def interval(of_clip: Callable[[int], bool], texts: int) -> float:
        measure = Measure("m", "")
        for clip in range(50):
            for _ in range(texts):
                measure.look(of_clip(clip), clip=f"{clip}")
        assert measure.interval is not None
        return measure.interval[1] - measure.interval[0]

    assert interval(lambda clip: clip % 2 == 0, 20) == pytest.approx(interval(lambda clip: clip % 2 == 0, 1), rel=0.02)
    assert interval(lambda clip: False, 20) == interval(lambda clip: False, 1)
    audit = CaptionAudit(SPEC)
    for number in range(40):
        audit.add(
            number + 1, f"A beautiful bowl {number}." if number < 20 else f"A bowl {number}.", clip=f"{number % 2}"
        )
    narrow, wide = Measure("m", ""), next(one for one in audit.measures() if one.name == "subjective")
    for number in range(40):
        narrow.look(number < 20)
    assert narrow.interval == wide.interval, "clips of one share are no clusters"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("ActivityNet Captions", "activitynet-captions"),
        ("MSRVTT", "msr-vtt"),
        ("DREAM_1K", "dream-1k"),
        ("ShareGPT4Video", "sharegpt4video"),
        ("PE-Video", "pe-video"),
        ("PerceptionLM", "pe-video"),
        ("TUNA", "tuna-bench"),
        ("UltraVideo", "ultravideo"),
        ("VDC", "vdc"),
    ],
)
def test_a_dataset_is_found_however_its_name_is_written(said: str, name: str) -> None:
    assert caption_set(said).name == name


# Critiques of captions that were kept


def test_an_empty_critique_of_a_kept_caption_is_none_and_of_a_changed_one_is_lacking(tmp_path: Path) -> None:
    kept = [
        {"draft": ONE, "final": ONE, "rating": 5, "critique": empty} for empty in ("", " ", None, "N/A", "None.", "-")
    ]
    others = [
        {"draft": ONE, "final": TWO, "rating": 2, "critique": ""},
        {"draft": ONE, "rating": 3, "critique": None},
        {"draft": ONE, "final": TWO, "rating": 2, "critique": "I'm sorry, I cannot watch videos."},
        {"draft": ONE, "final": TWO, "rating": 2, "critique": 'Replace "grey" by "red".'},
    ]
    path = tmp_path / "triples.jsonl"
    path.write_bytes(as_lines(*others, *kept))
    found = audit_critiques(path, Fields(""))
    counts = {one.name: (one.count, one.of) for one in found.measures}
    assert counts["no_critique"] == (8, 10)
    assert counts["lacks_a_critique"] == (2, 10)
    assert counts["refused"] == (1, 2)
    assert found.problems.count == 0
