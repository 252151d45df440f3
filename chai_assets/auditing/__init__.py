"""Audits of captions and critiques of any dataset given as lines of JSON, this platform's or another's."""
