"""Whether a dataset holds what a public benchmark asks about: its clips by their pictures, captions by their words."""
