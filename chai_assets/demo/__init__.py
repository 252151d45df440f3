"""The demo: practice clips whose true answers are known, practice people who work on them, and a practice model.

`run.py` takes them through the whole loop. Nothing of it is used by the platform itself.
"""
