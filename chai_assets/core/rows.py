"""Rows of the tables as code handles them one by one. Their columns are declared in `chai_resources/schemas.py`."""

from typing import Any

Row = dict[str, Any]
