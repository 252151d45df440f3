"""Doubts about the words of captions: the lexicon that follows from a specification, and what the linter makes of it."""
