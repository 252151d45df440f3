"""Practice: clips whose truth is known, and people who work on them, so that the whole loop can be watched."""
