"""Datasets: immutable exports of the triples for training. They are selected, checked, written, read and evaluated."""
