"""The audits: each fault of a text is counted once, with its line; the command prints, writes JSON and a page."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chai_assets.auditing import report
from chai_assets.auditing.aspect_coverage import mentions_aspect
from chai_assets.auditing.captions import audit_captions
from chai_assets.auditing.critiques import audit_critiques, says_nothing
from chai_assets.auditing.jsonl import Fields
from chai_assets.auditing.page import page
from chai_assets.auditing.report import AuditReport, Lengths, Repetition, WorstTexts
from chai_assets.cli.audit import app
from chai_assets.datasets.write.publish import build_dataset
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.spec.versioning.releases import load_spec
from tests.datasets.factory import many

SPEC = load_spec()
PLAIN = "A man in a grey coat walks past a red door on the left of the street, seen by a static camera."


def written(path: Path, *data: Any) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in data))
    return path


def counted(found: AuditReport) -> dict[str, int]:
    return {measure.name: measure.count for measure in found.measures}


def examples(found: AuditReport, name: str) -> list[int]:
    return [one.line for measure in found.measures if measure.name == name for one in measure.examples]


def test_each_fault_of_a_caption_is_found_and_a_plain_one_has_none(tmp_path: Path):
    file = written(
        tmp_path / "a.jsonl",
        {"caption": PLAIN},
        "{broken",
        {"caption": "The video shows a man who walks past a red door, seen by a static camera."},
        {"caption": "A man seems to walk past a beautiful red door. The camera moves forward."},
        {"caption": "I'm sorry, I cannot watch videos."},
        {"caption": "Die Kamera schwenkt langsam nach links und zeigt einen alten Mann am Fenster."},
        {"caption": PLAIN.upper()},
        {"other": 1},
    )
    found = audit_captions(file, SPEC, Fields(""))
    counts = counted(found)
    assert (counts["meta"], counts["hedge"], counts["subjective"], counts["loose_term"]) == (1, 1, 1, 1)
    assert (counts["refused"], counts["other_language"], counts["repeated"], counts["first_person"]) == (1, 1, 2, 0)
    assert examples(found, "meta") == [3]
    assert examples(found, "hedge") == [4]
    assert examples(found, "refused") == [5]
    assert found.texts == 6
    assert [(problem.line, problem.reason[:10]) for problem in found.problems.first] == [
        (2, "no JSON (E"),
        (8, "no text un"),
    ]
    assert found.worst[0].line == 4


def test_a_whole_caption_that_never_speaks_of_an_aspect_is_named_with_it(tmp_path: Path):
    file = written(tmp_path / "a.jsonl", {"caption": PLAIN}, {"caption": "Vibrant ink swirls and expands."})
    found = audit_captions(file, SPEC, Fields(""))
    lacking = next(measure for measure in found.measures if measure.name == "misses_an_aspect")
    assert (lacking.count, lacking.of) == (1, 2)
    assert lacking.examples[0].line == 2
    assert "camera" in lacking.examples[0].words


def test_a_caption_of_one_aspect_is_not_asked_for_the_others(tmp_path: Path):
    file = written(tmp_path / "a.jsonl", {"caption": "The camera zooms in.", "aspect": "camera"})
    assert next(m for m in audit_captions(file, SPEC, Fields("")).measures if m.name == "misses_an_aspect").of == 0


@pytest.mark.parametrize(
    ("aspect", "says", "says_not"),
    [
        ("subject", "A dog sleeps.", "Slow and steady."),
        ("scene", "In a kitchen.", "She nods twice."),
        ("motion", "She jumps.", "A red door."),
        ("spatial", "On the left.", "A red door."),
        ("camera", "The camera is still.", "A man walks."),
    ],
)
def test_each_aspect_is_told_from_what_says_nothing_of_it(aspect: str, says: str, says_not: str):
    lexicon = lexicon_of(SPEC, aspect)
    assert (mentions_aspect(says, lexicon), mentions_aspect(says_not, lexicon)) == (True, False)


def test_a_bare_verdict_is_no_content_and_a_remark_is():
    assert all(map(says_nothing, ["Good caption.", "No changes needed!", "This is wrong", "Perfect", "..."]))
    assert not any(map(says_nothing, ["The door is red.", "Change left to right.", "Mention the dog."]))


def test_critiques_are_scored_and_their_quotes_found_in_their_captions(tmp_path: Path):
    draft = "A man walks past a blue door."
    file = written(
        tmp_path / "a.jsonl",
        {"draft": draft, "critique": 'Change "blue door" to "red door".'},
        {"draft": draft, "critique": "Good caption."},
        {"draft": draft, "critique": "It could be better."},
    )
    counts = counted(audit_critiques(file, Fields("")))
    assert (counts["constructive"], counts["no_content"], counts["quotes_its_caption"]) == (1, 1, 1)


def test_the_worst_are_kept_in_order_and_no_more_than_a_few():
    worst = WorstTexts()
    for line in range(1, 100):
        worst.add(line % 7, line, "", "text")
    assert [one.line for one in worst.examples()] == [6, 13, 20, 27, 34, 41, 48, 55, 62, 69]


def test_repetition_is_counted_without_keeping_texts_and_stops_growing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(report, "DISTINCT", 300)
    seen = Repetition()
    for line in range(1000):
        seen.add(line, f"Text  {line}")
        seen.add(line, "The Same")
    found = seen.measure("twice")
    assert (found.count, found.of) == (1000, 1299)
    assert found.examples[0].words == "stands 1000 times"


def test_lengths_are_told_by_quantiles():
    lengths = Lengths()
    for words in range(1, 101):
        lengths.add(words)
    assert lengths.quantiles() == {"shortest": 1, "longest": 100, "median": 50, "p90": 90, "p99": 99}
    assert Lengths().quantiles() == {}


def test_the_page_stands_alone_and_shows_texts_as_texts(tmp_path: Path):
    file = written(tmp_path / "a.jsonl", {"caption": "The video shows <script>alert(1)</script> & a beautiful man."})
    html = page(audit_captions(file, SPEC, Fields("")))
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; a beautiful man" in html
    assert "<script" not in html
    assert "http" not in html


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def test_the_command_prints_figures_with_lines_and_writes_json_and_a_page(tmp_path: Path):
    file = written(tmp_path / "a.jsonl", {"said": "A beautiful man walks [bold]by."}, "broken")
    shown = run("captions", str(file), "--caption-field", "said", "--out", str(tmp_path / "a.html"))
    assert shown.exit_code == 0
    assert "subjective" in shown.output
    assert "100.0%" in shown.output
    assert "line 2: no JSON" in shown.output
    assert "[bold]by" in shown.output
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    told = json.loads(run("captions", str(file), "--caption-field", "said", "--json").stdout)
    assert told["texts"] == 1
    assert told["bad_lines"]["count"] == 1
    assert {"name", "meaning", "count", "of", "share", "interval", "examples"} == set(told["measures"][0])


def test_a_file_that_cannot_be_audited_ends_the_command_with_the_remedy(tmp_path: Path):
    file = written(tmp_path / "a.jsonl", {"colour": "red"})
    told = run("captions", str(file), "--caption-field", "none")
    assert told.exit_code == 1
    assert "name its field, one of colour" in told.output
    missing = run("captions", str(tmp_path / "b.jsonl"))
    assert missing.exit_code == 1
    assert "cannot be read" in missing.output
    unwritable = run("captions", str(file), "--caption-field", "colour", "--out", str(tmp_path / "no" / "a.html"))
    assert unwritable.exit_code == 1
    assert "choose another place" in unwritable.output


# Files of our own datasets


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    build_dataset(many(8, clips_per_source=1, eval_share=0.0), folder)
    return folder


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_critiques_of_our_own_triples_are_read_and_none_is_a_refusal(dataset: Path):
    rows = rows_of(dataset / "triples.jsonl")
    without = sum(not row["critique"] for row in rows)
    assert 0 < without < len(rows)
    found = audit_critiques(dataset / "triples.jsonl", Fields(""))
    counts = counted(found)
    written = len(rows) - without
    assert (counts["refused"], counts["no_critique"], counts["no_content"]) == (0, without, 0)
    assert (found.texts, counts["constructive"], counts["quotes_its_caption"]) == (written, written, written)


@pytest.mark.parametrize("file", ["critique_generation.jsonl", "qwen/critique_generation.jsonl"])
def test_a_critique_among_conversations_is_read_with_the_caption_that_its_question_shows(dataset: Path, file: str):
    found = audit_critiques(dataset / "train" / file, Fields(""))
    counts = counted(found)
    written = len(rows_of(dataset / "train" / "dpo" / "ms_swift.jsonl"))
    assert counts["no_change"] == found.texts - written
    assert (counts["constructive"], counts["quotes_its_caption"], counts["refused"]) == (written, written, 0)
    assert "no_content" in counts
    assert not counts["no_content"]


CAPTION_FILES = ("caption_generation.jsonl", "qwen/caption_generation.jsonl", "dpo/ms_swift.jsonl")
CAPTION_FILES += ("dpo/llama_factory.jsonl",)


@pytest.mark.parametrize("file", [*CAPTION_FILES, "merged_captions.jsonl", "musubi/captions.jsonl"])
def test_the_captions_of_our_own_files_are_read(dataset: Path, file: str):
    path = dataset / "train" / file
    found = audit_captions(path, SPEC, Fields(""))
    assert (found.texts, counted(found)["refused"], found.problems.count) == (len(rows_of(path)), 0, 0)


@pytest.mark.parametrize(
    ("command", "file", "said"),
    [
        *(
            ("critiques", f"train/{file}", "holds captions, no critiques: `chai audit captions`")
            for file in CAPTION_FILES
        ),
        ("captions", "train/critique_generation.jsonl", "holds critiques, no captions: `chai audit critiques`"),
        ("captions", "train/reward.jsonl", "holds answers of yes and no, no captions: no audit applies"),
        ("critiques", "train/qwen/reward.jsonl", "holds answers of yes and no, no critiques: no audit applies"),
        ("captions", "train/trl/preference.parquet", "is Parquet: audit a JSONL file"),
        ("captions", "train/diffsynth/metadata.csv", "is CSV: audit a JSONL file"),
        ("captions", "train", "is a folder: name a file in it"),
    ],
)
def test_an_audit_that_does_not_apply_says_so_and_which_does(dataset: Path, command: str, file: str, said: str):
    told = run(command, str(dataset / file))
    assert told.exit_code == 1
    assert said in told.output.replace("\n", "")
