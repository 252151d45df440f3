"""The frames that the checks look at. How each is made is in `validation.py`, what is asked of it in `suite.py`."""

from typing import Literal

Frame = Literal["triples", "columns", "in_force", "drift", "freshness"]

FRAMES: dict[Frame, str] = {
    "triples": "one row for each triple that would be exported",
    "columns": "one row for each column that the table triples has to have",
    "in_force": "one row for each triple in force at the pinned version of its table",
    "drift": "one row for each distribution that is compared with the last export",
    "freshness": "one row: the newest triple and its age",
}
"""The frames that are validated, each with what its rows are."""
EMPTY_FRAME_NOTES: dict[Frame, str] = {
    "triples": "there is no triple to look at",
    "columns": "there is no column to look at",
    "in_force": "no triple is in force",
    "drift": "nothing was compared: no earlier export to read, or too few triples in it or since",
    "freshness": "there is no triple yet",
}
"""What it means that a frame has no rows; every check of it then passes."""
