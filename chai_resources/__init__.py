"""The outside world, one module or folder per system: tables, media, Label Studio, captioners, people.

`environment.py` is the ground and `settings.py` lies over what it chooses between; `tests/test_floors.py` holds the
order. Nothing here knows the loop: `chai_assets` imports this package, never the reverse.
"""
