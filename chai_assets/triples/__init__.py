"""Triples: draft, critique and revision that passed review, joined and verified."""
