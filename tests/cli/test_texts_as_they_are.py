"""What people and files say is printed as it is, also where it looks like the markup of a terminal."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console, ConsoleDimensions

from chai_assets.cli import dataset, labels, plan, recall
from chai_assets.cli import main as cli
from chai_assets.datasets.write.question_files import QuestionCounts
from chai_assets.deployment.provision import Login
from chai_assets.review.lead.find import ItemName
from chai_assets.review.lead.same_cause import SharedCause
from chai_assets.review.lead.waiting import Doubt, SetAside, Waiting
from chai_resources.people import Person
from chai_resources.tables import Tables

SAID = "see [/i], [left] and [red]red[/red]"
"""The first is no markup that can be read, the others would vanish."""
Chai = Callable[..., str]


@pytest.fixture
def chai(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Chai:
    """The command as somebody types it: what was printed, on both streams."""
    monkeypatch.setenv("CHAI_HOME", str(tmp_path))
    monkeypatch.setattr(Console, "size", ConsoleDimensions(400, 50))

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["chai", *arguments])
        with pytest.raises(SystemExit):
            cli.main()
        said = capsys.readouterr()
        return said.out + said.err

    return run


def prints(out: Console) -> dict[str, Callable[[], Any]]:
    """By what says the text: what prints it."""
    item = ItemName("b", "c", SAID)
    waiting = Waiting([SetAside(item, SAID, SAID, SAID, SAID)], [Doubt(item, SAID, SAID, SAID, SAID)])
    login = Login(Person(id="ann", name=SAID, email="a@example.com", roles=("annotator",)), "[/i]", {}, {})
    return {
        "what waits for a lead": lambda: recall.print_waiting(waiting, out),
        "what waits, in short": lambda: recall.print_short(waiting, out),
        "a cause": lambda: recall._print_causes([SharedCause("annotator", SAID, ["tri_1"])]),
        "a plan": lambda: plan._print_rows(pl.DataFrame({"batch": [SAID], "why": [[SAID, "b"]]}), out),
        "a split": lambda: labels.print_questions([QuestionCounts(SAID, 0, 0, 0, 0, 0)], 0, out),
        "a step of a start": lambda: cli._say(SAID),
        "a log-in": lambda: cli._print_logins([login]),
        "a line about a dataset": lambda: dataset._say(SAID, "red"),
    }


@pytest.mark.parametrize("what", prints(Console()))
def test_what_people_and_files_say_is_printed_as_it_is(
    what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Console, "size", ConsoleDimensions(400, 50))
    prints(Console())[what]()
    assert SAID in capsys.readouterr().out


def test_a_step_that_is_shown_while_it_goes_on_may_name_any_folder() -> None:
    with dataset._clip_counter(f"unpacking {SAID}") as count:
        count(1)


def test_rights_are_shown_as_the_rights_file_says_them(tmp_path: Path, chai: Chai) -> None:
    tables = Tables(root=str(tmp_path / "tables"))
    source = {"source_id": "s1", "name": f"{SAID}.mp4", "rights": f"Ada {SAID}", "licence": f"CC {SAID}"}
    tables.append("sources", [{**source, "batch": "import-old"}])
    said = chai("rights", "import-old", "--rights", f"Ben {SAID}")
    assert f"CC {SAID}" in said
    assert f"{SAID}.mp4" in said
    assert f"Ada {SAID} -> Ben {SAID}" in said


def test_costs_name_models_as_they_are(tmp_path: Path, chai: Chai) -> None:
    tables = Tables(root=str(tmp_path / "tables"))
    now = datetime(2026, 5, 1, tzinfo=UTC)
    call: dict[str, Any] = {"call_id": "c1", "request_hash": "r", "model": SAID, "charged": "yes", "cost": 1.0}
    tables.append("model_calls", [{**call, "batch": "b", "stage": "draft", "latency_ms": 1.0, "called_at": now}])
    assert SAID in chai("cost", "--by", "model")


def test_a_file_to_audit_may_have_any_name(tmp_path: Path, chai: Chai) -> None:
    file = tmp_path / "a {clip} [i].jsonl"
    file.write_text(json.dumps({"caption": "A dog runs."}) + "\n")
    assert f"1 texts of {file}" in chai("audit", "captions", str(file))
