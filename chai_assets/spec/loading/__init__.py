"""Reading one version of the specification, and refusing one that cannot be used."""
