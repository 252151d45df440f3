"""Whatever a person saves as YAML, each reader gives a value or one line that names the file, and soon."""

import random
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chai_assets.datasets.coverage.targets import read_targets
from chai_assets.ingestion.rights import folder_rights
from chai_assets.spec.loading.load import load_spec_from
from chai_assets.spec.versioning.releases import load_spec
from chai_resources.captioners.calls.prices import OWN as PRICES
from chai_resources.captioners.calls.prices import Prices
from chai_resources.errors import ChaiError
from chai_resources.media import Media
from chai_resources.people import load_people
from tests.fuzz.cases import Cases

ROOT = Path(__file__).parents[2]
GOOD_RIGHTS = (
    "rights: Ada\nlicence: CC-BY-4.0\nuntil: 2027-12-31\npurposes: [train, publish]\nfiles:\n"
    "  clip.mp4: {rights: Bob, purposes: []}\n  day1/a.mov: {licence: no-reuse, until: 2026-01-31}\n"
)
GOOD_TARGETS = "default: {train: 20, eval: 5}\nprimitives:\n  whip-pan: {train: 50}\n  zoom-in: {train: 5, eval: 2}\n"
SPEC = load_spec()
MOST_SECONDS = 5.0
"""Of processor time. On an idle core no case takes one second; what has no bounds takes 16 and more."""


def people_lines(file: Path) -> list[str]:
    return _said(lambda: load_people(file), file.name)


def rights_lines(file: Path) -> list[str]:
    for name in ("clip.mp4", "b.mp4"):
        (file.parent / name).touch()
    found = folder_rights(Media(root=str(file.parent)))
    found.of("clip.mp4")
    return [reason for _, _, reason in found.problems]


def spec_lines(file: Path) -> list[str]:
    return _said(lambda: load_spec_from(file.parent), f"{file.name}:")


def price_lines(file: Path) -> list[str]:
    return _said(lambda: Prices.load(file), file.name)


def target_lines(file: Path) -> list[str]:
    return _said(lambda: read_targets(str(file), SPEC), file.name)


def _said(read: Callable[[], object], named: str) -> list[str]:
    try:
        read()
    except ChaiError as error:
        problems = getattr(error, "problems", None)
        lines = [str(problem) for problem in problems] if problems else [str(error)]
        assert any(named in line for line in lines), lines
        return lines
    return []


READERS: dict[str, tuple[str, str, Callable[[Path], list[str]]]] = {
    "people": ("people.yaml", (ROOT / "deploy" / "people.example.yaml").read_text(), people_lines),
    "rights": ("rights.yaml", GOOD_RIGHTS, rights_lines),
    "spec": ("camera.yaml", (ROOT / "tests" / "spec" / "small" / "camera.yaml").read_text(), spec_lines),
    "prices": ("prices.yaml", PRICES.read_text(), price_lines),
    "targets": ("targets.yaml", GOOD_TARGETS, target_lines),
}


def hostile(draw: random.Random) -> bytes:
    """A file that is made to cost time, memory or a traceback."""
    depth, wide = draw.choice((60, 1_000, 30_000)), draw.choice((10, 9_000))
    layers = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, draw.randrange(3, 40))]
    maps = [f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: *m{n - 1}}}" for n in range(1, draw.randrange(3, 40))]
    digits = "9" * draw.choice((101, 5_000, 400_000))
    value = draw.choice((digits, f"-{digits}", f"1{':1' * 60_000}", "2024-13-45", ".nan", "0x" + "f" * 5_000, "1e999"))
    quoted = draw.choice(
        (r'"\ud83d"', r'"\0"', r'"\x1b[31m"', r'"\ud83d\ude00"', '"a\\\n\n  b"', '"' + "x" * 300_000 + '"')
    )
    tag = draw.choice(
        ("python/object/apply:os.system [x]", "python/name:os.system", "binary aGk=", "timestamp x", "set {a}")
    )
    key = draw.choice(("? [a, b]\n: c", "{[1]: 2}", ".nan: 1", "~: 1", "1: 2", "2024-01-01: x", "? {a: b}\n", "<<: 3"))
    text = draw.choice(
        (
            "[" * depth,
            "{a: " * depth,
            "- " * depth + "x",
            "? " * depth,
            "\n".join(" " * n + "a:" for n in range(min(depth, 1_000))),
            "a0: &a0 [x, x]\n" + "\n".join(layers),
            "m0: &m0 {k: v}\n" + "\n".join(maps),
            "&a [*a]",
            "&a {b: *a}",
            "- *nowhere",
            f"- id: {value}\n",
            f"rights: {value}\nlicence: {value}\n",
            f"until: {value}\npurposes: {value}\n",
            f"version: {value}\n",
            f"- id: {quoted}\n",
            f"rights: {quoted}\n",
            f"{quoted}: x\n",
            f"- !!{tag}\n",
            f"rights: !!{tag}\n",
            key,
            f"files: {{{key}}}" if "\n" not in key else key,
            "a: 1\n" * wide,
            "- x\n" * wide,
            "- {id: a}\n" * wide,
            "files:\n" + "".join(f"  clip{n}.mp4: {{licence: x}}\n" for n in range(wide)),
            "\n".join(f"k{n}: v" for n in range(wide)),
            "---\na: 1\n---\nb: 2\n",
            "%YAML 9.9\n---\na\n",
            "%TAG ! tag:x,2000:\n---\n!a b\n",
            "\ta: 1\n",
            "a:\n\t- b\n",
            "# only a comment\n",
            "",
            "null",
            "a" * 1_200_000,
            "x: |\n" + "  y\n" * 100_000,
            f"- id: {draw.choice(('yes', 'NO', '~', '1_000', '1:30', '010'))}\n",
        )
    )
    return text.encode()


def mutated(draw: random.Random, good: str) -> bytes:
    """A good file after a slip of the hand or of the disk."""
    lines = good.splitlines(keepends=True)
    for _ in range(draw.randrange(1, 4)):
        at = draw.randrange(len(lines))
        lines[at] = draw.choice(
            (
                "",
                lines[at] * 2,
                "\t" + lines[at],
                "  " + lines[at],
                lines[at].replace(":", draw.choice(("", "::", ": - ", ": &x ", ": *x ", ": !x "))),
                lines[at].replace(
                    "\n", draw.choice((" # \n", " [\n", " }\n", " '\n", "\n---\n", "\u2028", "\x85", "\r"))
                ),
                lines[at][::-1],
                lines[at].upper(),
            )
        )
    data = bytearray(
        "".join(lines).encode(draw.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")), "replace")
    )
    for _ in range(draw.randrange(4)):
        at = draw.randrange(len(data) or 1)
        data[at : at + draw.randrange(2)] = (
            draw.randbytes(1) if draw.random() < 0.7 else draw.choice((b"\0", b"\xff", b"\x1b", b"&", b"*"))
        )
    return bytes(data[: draw.randrange(len(data) + 1)] if draw.random() < 0.1 else data)


@pytest.mark.parametrize("reader", READERS)
def test_any_yaml_gives_a_value_or_one_line_without_costing_time(cases: Cases, tmp_path: Path, reader: str) -> None:
    name, good, read = READERS[reader]
    folder = tmp_path / reader
    shutil.copytree(ROOT / "tests" / "spec" / "small", folder)
    for case, draw in cases:
        data = hostile(draw) if draw.random() < 0.5 else mutated(draw, good)
        (folder / name).write_bytes(data)
        begun = time.process_time()
        lines = read(folder / name)
        spent = time.process_time() - begun
        assert spent < MOST_SECONDS, (case, spent, data[:200])
        for line in lines:
            assert re.fullmatch(r"[^\n\r\x00-\x1f]{1,2000}", line), (case, line[:300], data[:200])
