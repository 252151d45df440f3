"""Local features of clips: what finds a mirrored or cropped copy, another cut of a recording, and the same place."""
