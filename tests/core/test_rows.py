"""The types of rows say what the schemas say: the same columns, of the same types."""

from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pyarrow as pa
import pytest

from chai_assets.core.rows import ROW_TYPES
from chai_resources.schemas import TABLES


def arrow_of(hint: Any) -> set[pa.DataType]:
    """The Arrow types that a column of this Python type may have."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        (hint,) = [argument for argument in arguments if argument is not NoneType]
        return arrow_of(hint)
    if origin is Literal:
        return {pa.string()}
    if origin is list:
        return {pa.list_(item) for item in arrow_of(arguments[0])}
    if is_typeddict(hint):
        fields = [(name, kind) for name, kind in get_type_hints(hint).items()]
        return {pa.struct([(name, _one(arrow_of(kind), wide)) for name, kind in fields]) for wide in (False, True)}
    return {
        str: {pa.string()},
        bool: {pa.bool_()},
        float: {pa.float64()},
        int: {pa.int32(), pa.int64()},
        datetime: {pa.timestamp("us", tz="UTC")},
    }[hint]


def _one(kinds: set[pa.DataType], wide: bool) -> pa.DataType:
    return sorted(kinds, key=str)[-1 if wide else 0]


@pytest.mark.parametrize("name", ROW_TYPES)
def test_a_row_type_has_the_columns_of_its_table(name: str):
    hints, schema = get_type_hints(ROW_TYPES[name]), TABLES[name].schema
    assert set(hints) == set(schema.names)
    assert {
        column: schema.field(column).type
        for column in hints
        if schema.field(column).type not in arrow_of(hints[column])
    } == {}


@pytest.mark.parametrize("name", ROW_TYPES)
def test_a_column_that_says_it_may_be_null_may_be_none(name: str):
    said = {field.name for field in TABLES[name].schema if b"null" in (field.metadata or {}).get(b"comment", b"")}
    optional = {column for column, hint in get_type_hints(ROW_TYPES[name]).items() if NoneType in get_args(hint)}
    assert said <= optional
