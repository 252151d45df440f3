"""The outside world, one module per system: tables, media, Label Studio, captioners, people.

Nothing here knows the loop; `chai_assets` imports this package, never the reverse.
"""
