"""The caption linter: flags on doubtful words, by the lexicon of a specification. It reads text, never video."""
