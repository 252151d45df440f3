"""The versions of the specification: which are released, how they differ, and what older records are worth."""
