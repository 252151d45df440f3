"""Datasets: immutable exports of the triples for training, with their checks."""
