"""Files of published datasets, damaged in any way: what is left of them is audited, or one line says what is wrong."""

import gzip
import random
from pathlib import Path

from chai_assets.auditing.captions import audit_published_captions
from chai_assets.auditing.jsonl import AuditRefused
from chai_assets.spec.versioning.releases import load_spec
from tests.auditing.test_published_datasets import FORMS
from tests.fuzz.cases import Cases

SPEC = load_spec()


def test_no_damage_of_a_published_file_is_more_than_a_line(cases: Cases, tmp_path: Path) -> None:
    for name, draw in cases:
        dataset, file, data, _ = draw.choice(FORMS)
        path = tmp_path / f"fuzzed-{file}"
        path.write_bytes(damaged(draw, data))
        refused = ""
        try:
            found = audit_published_captions(path, dataset, SPEC)
        except AuditRefused as error:
            refused = str(error)
        else:
            assert found.texts + found.problems.count > 0, name
        assert not refused or (str(path) in refused and "\n" not in refused), (name, refused)


def damaged(draw: random.Random, data: bytes) -> bytes:
    """The file with bytes cut off, put in, doubled or changed; now and then none, or packed."""
    for _ in range(draw.randrange(4)):
        at, end = sorted(draw.randrange(len(data) + 1) for _ in range(2))
        piece = draw.choice(
            [b"", b"\0", b"{", b"]", b'"', b",,,", b"\n", b"\xff\xfe", b"null", b"[[" * 2000, data[at:end]]
        )
        data = draw.choice([data[:at], data[:at] + piece + data[at:], data[:at] + piece + data[end:]])
    packed = gzip.compress(data)
    return draw.choice([data, data, packed, packed[: draw.randrange(len(packed))]])
