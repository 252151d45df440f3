"""The benchmark of the comparison with a public benchmark."""
