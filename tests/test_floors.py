"""The floors of the house: each room imports only rooms below its own, as `chai_assets/README.md` draws them."""

import ast
from pathlib import Path

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


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def test_every_room_imports_only_the_floors_below_it():
    rising = []
    for module in MODULES:
        package, room = module.relative_to(ROOT).with_suffix("").parts[:2]
        for line, name in imported(module):
            target = name.split(".")
            if package == "chai_resources":
                allowed = target[0] == "chai_resources"
            else:
                above = target[0] == "chai_assets" and target[1] != room and room != "__init__"
                allowed = not above or floor_of(target[1]) < floor_of(room)
            if not allowed:
                rising.append(f"{module.relative_to(ROOT)}:{line} imports {name}")
    assert not rising, "\n".join(["imports that run upwards or sideways:", *rising])
