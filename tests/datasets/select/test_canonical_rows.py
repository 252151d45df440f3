"""The types of rows as code handles them, against the schema they stand for."""

from typing import get_type_hints

import pyarrow as pa

from chai_assets.datasets.read.manifest_data import ManifestData, SelectionData
from chai_assets.datasets.select.canonical_rows import CANONICAL, CanonicalRow, FindingRow
from chai_assets.datasets.select.selection import Selection
from chai_assets.datasets.write.manifest import Manifest


def test_a_canonical_row_has_the_columns_of_its_schema():
    assert list(get_type_hints(CanonicalRow)) == CANONICAL.names
    findings = CANONICAL.field("findings").type
    assert isinstance(findings, pa.ListType)
    assert list(get_type_hints(FindingRow)) == [field.name for field in findings.value_type]


def test_readers_know_every_field_that_is_written():
    assert set(Manifest.model_fields) <= set(get_type_hints(ManifestData))
    assert set(Selection().as_manifest()) == set(get_type_hints(SelectionData))
