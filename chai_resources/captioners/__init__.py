"""Models that draft, revise and merge: what they are asked (`protocol.py`), and which there are (`registry.py`)."""
