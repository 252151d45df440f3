"""Stored clips beside what a correct player shows of their sources."""
