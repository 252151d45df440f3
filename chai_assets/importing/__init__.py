"""Importing: an existing corpus in the original project's layout becomes records of our own, and is audited.

A corpus has a batch of its own, on which the loop never works: its people and its specification are not ours. Every
file of the original becomes a record, or a row that says why it became none.
"""
