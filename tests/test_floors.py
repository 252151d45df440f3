"""The floors of the house: each room imports only rooms below its own, as `chai_assets/README.md` draws them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = [
    {"core"},
    {"ingestion", "spec"},
    {"workflow", "linting", "inference"},
    {"annotation", "drafting", "revision", "triples", "people"},
    {"labeling", "critique"},
    {"review", "datasets", "planning", "importing", "auditing", "preview"},
    {"orchestration"},
    {"definitions"},
    {"deployment"},
    {"demo"},
    {"cli"},
]
"""Rooms of `chai_assets`, from the ground up; below them all lies `chai_resources`."""

RESOURCES = [
    {"environment", "errors", "pictures", "schemas"},
    {"variables", "yaml_text"},
    {"tables", "media_store", "people", "inbox", "instance_storage", "services"},
    {"media", "label_studio", "captioners"},
    {"executors"},
    {"settings"},
    {"captioner"},
]
"""Modules and folders of `chai_resources`, from the ground up."""

CAPTIONERS = [{"protocol"}, {"calls"}, {"engines"}, {"batch_api"}, {"registry"}]

HOUSE = {"chai_assets": FLOORS, "chai_resources": RESOURCES, "chai_resources.captioners": CAPTIONERS}

MODULES = sorted((ROOT / "chai_assets").rglob("*.py")) + sorted((ROOT / "chai_resources").rglob("*.py"))


def imported(module: Path) -> list[tuple[int, str]]:
    """Every module of the two packages that a file imports anywhere in it, with the line."""
    found = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return [(line, name) for line, name in found if name.startswith(("chai_assets", "chai_resources"))]


def floor_of(room: str, floors: list[set[str]]) -> int:
    return next(number for number, rooms in enumerate(floors) if room in rooms)


def rising(package: str, floors: list[set[str]]) -> list[str]:
    """Imports within a package that run upwards or sideways, from one of its rooms to another."""
    found, depth = [], package.count(".") + 1
    for module in MODULES:
        name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
        room = name.split(".")[depth] if name.startswith(f"{package}.") else "__init__"
        for line, target in imported(module) if room != "__init__" else ():
            other = target.split(".")[depth] if target.startswith(f"{package}.") else room
            if other != room and floor_of(other, floors) >= floor_of(room, floors):
                found.append(f"{module.relative_to(ROOT)}:{line} imports {target}")
    return found


def test_the_resources_import_nothing_of_the_assets():
    modules = [module for module in MODULES if module.is_relative_to(ROOT / "chai_resources")]
    assert not [module for module in modules for _, name in imported(module) if name.startswith("chai_assets")]


@pytest.mark.parametrize(("package", "floors"), HOUSE.items(), ids=HOUSE)
def test_every_room_imports_only_the_floors_below_it(package: str, floors: list[set[str]]):
    found = rising(package, floors)
    assert not found, "\n".join(["imports that run upwards or sideways:", *found])
