"""Writing, checking and releasing the next version of the specification."""
