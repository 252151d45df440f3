"""One tree of errors, so that the command line ends in one line whatever a person can mend."""

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chai_assets.cli.main import main
from chai_assets.core.prompts import render
from chai_assets.datasets.select.selection import read_pins
from chai_assets.importing.labels import read_labels
from chai_assets.ingestion.rights import read_rights
from chai_assets.spec.loading.document import Document
from chai_assets.spec.versioning.releases import Releases
from chai_resources.captioners.calls.prices import Prices
from chai_resources.errors import ChaiError
from chai_resources.media import Media
from chai_resources.people import load_people

ROOT = Path(__file__).parents[2]
BECOME_ROWS = {"BadVideo", "CannotAnswer", "Changed", "Malformed", "NothingToAsk", "NothingToSay", "VariantUnavailable"}
BECOME_ROWS |= {"_Died"}
"""Always caught by who calls, who makes a row, a mark or an answer of them: getting out, they are a defect."""
WINDOWS_1252 = "- id: jos\n  name: José\n".encode("cp1252")


def own_exceptions() -> dict[str, type[Exception]]:
    """Every exception class that a module of the two packages defines, by name."""
    found = {}
    for path in sorted((ROOT / "chai_assets").rglob("*.py")) + sorted((ROOT / "chai_resources").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.bases:
                if path.name == "ray_captioner.py" or path.name == "ray_actors.py":
                    continue  # they need the extra `ray`, and define no exception
                module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                defined = getattr(module, node.name)
                if isinstance(defined, type) and issubclass(defined, Exception):
                    found[node.name] = defined
    return found


def test_every_exception_of_our_own_is_a_chai_error_but_those_that_become_rows():
    found = own_exceptions()
    assert {"ChaiError", "MediaError", "SpecError"} <= found.keys()
    assert {name for name, kind in found.items() if not issubclass(kind, ChaiError)} == BECOME_ROWS


def lock_of(path: Path) -> None:
    path.rename(path.with_name("releases.lock"))
    print(Releases(path.parent).locked)


READERS: dict[str, Callable[[Path], object]] = {
    "people": load_people,
    "prices": Prices.load,
    "pins": read_pins,
    "specification": Document,
    "releases": lock_of,
    "labels": read_labels,
    "prompt": render,
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_file_that_is_not_utf8_is_named_in_one_line_with_the_remedy(reader, tmp_path):
    file = tmp_path / "written.yaml"
    file.write_bytes(WINDOWS_1252)
    with pytest.raises(ChaiError, match=r"(written\.yaml|releases\.lock).*UTF-8") as caught:
        reader(file)
    assert "\n" not in str(caught.value)


def test_a_rights_file_that_is_not_utf8_is_said_so_and_stops_nothing(tmp_path):
    (tmp_path / "rights.yaml").write_bytes("rights: José\n".encode("cp1252"))
    assert "it is not UTF-8 text" in (read_rights(Media(root=str(tmp_path)))[1] or "")


def test_the_mark_that_windows_puts_before_utf8_is_no_part_of_the_text(tmp_path):
    file = tmp_path / "pins.txt"
    file.write_bytes("\ufeffsrc_1\n".encode())
    assert read_pins(file) == ("src_1",)


def ends_with(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints that ends with status 1."""
    monkeypatch.setattr(sys, "argv", ["chai", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    return capsys.readouterr().out.strip()


def test_a_people_file_in_windows_1252_ends_a_command_in_one_line(tmp_path, monkeypatch, capsys):
    file = tmp_path / "people.yaml"
    file.write_bytes(WINDOWS_1252)
    monkeypatch.setenv("CHAI_HOME", str(tmp_path))
    said = ends_with(monkeypatch, capsys, "people")
    assert said == f"{file} is not UTF-8 text, at line 2: save it as UTF-8, and run again"
