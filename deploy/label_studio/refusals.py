"""What all rules of access share: the refusal, and the pseudonym by which tasks name the person they are for."""

import hashlib


class NotAllowed(Exception):
    """A request that this user may not make; the words are shown to them."""


def account_key(email: str) -> str:
    """Pseudonym of an account in task data. chai_resources/people.py, which cannot be imported here, has the same."""
    return "acc_" + hashlib.sha256(email.lower().encode()).hexdigest()[:16]
