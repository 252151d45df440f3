"""Doubts about the words of captions: the lexicon that a specification gives, and what the linter makes of it."""
