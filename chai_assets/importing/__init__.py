"""Importing: an existing corpus in the original project's layout, taken over as records of our own, and audited.

What is imported lies in a batch that the loop never works on: its people, its specification and its clock are
not ours. Nothing of the original is dropped: every file is a record, or a row that says why it is none.
"""
