"""Pseudonyms of people: a keyed hash, so that nobody finds a name by trying names.

The same person is the same pseudonym in every import and every dataset of a deployment, since the key is the
deployment's. Whoever has the key can tell who is who; the key is in no file that leaves.
"""

import hashlib
import hmac
import unicodedata

import polars as pl


def pseudonym(key: str, name: str) -> str:
    """The pseudonym of a name; case, white space and the form of its characters make no other person of it."""
    same = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return "person-" + hmac.new(key.encode(), same.encode(), hashlib.sha256).hexdigest()[:16]


def pseudonyms(people: pl.Series, key: str) -> pl.Series:
    """The pseudonym of each; with an empty key they stay as they are, since they are pseudonyms already."""
    known = people.drop_nulls().unique().to_list()
    return people.replace(known, [pseudonym(key, one) for one in known]) if key else people


def key_fingerprint(key: str) -> str:
    """What tells a key from another without telling the key."""
    return hashlib.sha256(f"mark of {key}".encode()).hexdigest()[:12]
