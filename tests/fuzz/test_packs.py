"""Packs with anything done to their files: refused in one line, or unpacked to just what was packed."""

import json
import random
import shutil
from pathlib import Path

from chai_assets.datasets.convert.pack import MEDIA, PackDamaged, pack_dataset, unpack
from chai_assets.datasets.file_names import PACK_INDEX as INDEX
from chai_resources.errors import one_line
from tests.datasets.convert.packs import place
from tests.fuzz.cases import Cases

STRANGE = [None, -1, 0, "", "x", [], {}, "../x", "/etc/passwd", "train", True, 1e300, "a" * 5_000, "\u2028\n"]


def damage(pack: Path, draw: random.Random) -> str:
    """Does something to one file of a pack; returns what."""
    path = draw.choice(sorted(path for path in pack.rglob("*") if path.is_file()))
    name, data = path.relative_to(pack).as_posix(), path.read_bytes()
    what = draw.choice(["remove", "cut", "flip", "grow", "empty", "folder", "index", "index", "another"])
    if what == "index" and (pack / INDEX).is_file():
        return f"index: {_damage_index(pack / INDEX, draw)}"
    at = draw.randrange(len(data) or 1)
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what == "another":
        path.write_bytes(draw.randbytes(len(data)))
    elif what != "remove":
        flipped = data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :] if data else b"x"
        path.write_bytes({"cut": data[:at], "flip": flipped, "grow": data + b"x"}.get(what, b""))
    return f"{what} {name} at {at}"


def _damage_index(path: Path, draw: random.Random) -> str:
    try:
        index = json.loads(path.read_bytes())
    except ValueError:
        return "nothing: it was damaged before"
    if not isinstance(index, dict):
        return "nothing: it was damaged before"
    place = draw.choice([index, *index["shards"]]) if isinstance(index.get("shards"), list) else index
    if not isinstance(place, dict) or not place:
        return "nothing"
    if place is index and draw.random() < 0.3 and index["shards"]:
        gone = index["shards"].pop(draw.randrange(len(index["shards"])))
        if draw.random() < 0.5:
            (path.parent / str(gone["path"])).unlink(missing_ok=True)
        path.write_text(json.dumps(index))
        return f"without {gone}"
    key = draw.choice(sorted(place))
    place[key] = draw.choice(STRANGE)
    path.write_text(json.dumps(index))
    return f"{key} = {place[key]!r}"[:60]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_damaged_pack_is_refused_in_one_line_or_gives_what_was_packed(cases: Cases, tmp_path: Path):
    made = place(tmp_path, clips=4, size=800, dialects=())
    whole = tmp_path / "whole"
    pack_dataset(made.dataset, whole, made.media, shard_bytes=30_000)
    unpack(whole, tmp_path / "right")
    right = contents(tmp_path / "right")
    assert sum(name.startswith(MEDIA) for name in right) == 4
    for case, draw in cases:
        pack, here = tmp_path / "pack", tmp_path / "here"
        shutil.copytree(whole, pack)
        done = [damage(pack, draw) for _ in range(draw.choice([1, 1, 2]))]
        refused = ""
        try:
            unpack(pack, here)
        except PackDamaged as refusal:
            refused = str(refusal)
        if refused:
            assert refused == one_line(refused, 100_000), (case, done)
            assert not here.exists(), (case, done)
        else:
            assert contents(here) == right, (case, done)
            shutil.rmtree(here)
        shutil.rmtree(pack)
        assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")], (case, done)
