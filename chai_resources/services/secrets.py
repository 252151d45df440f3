"""Secrets of one home: made once, kept in <home>/secrets.json, readable only by their owner.

Keys of model providers are not among them: those stay in the environment.
"""

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path

from chai_resources import environment
from chai_resources.errors import UnusableInput

_SHORTEST_KEY = 16
"""Characters of a key of one's own: 64 bits where they are hex digits, past what anybody tries out."""


def home_secrets(home: Path) -> dict[str, str]:
    """Token, password and key of this home's Label Studio; made once, readable only by their owner."""
    path = home / "secrets.json"
    keep_private(path)  # it may have been restored from a backup that keeps no rights
    known = json.loads(path.read_text()) if path.exists() else {}
    made = {
        "label_studio_token": secrets.token_hex(20),
        "label_studio_password": secrets.token_urlsafe(18),
        "label_studio_secret_key": secrets.token_urlsafe(48),
    }
    if set(made) - set(known):
        known = made | known
        _write_secrets(path, known)
    return known


def pseudonym_key(home: Path) -> str:
    """Key of the pseudonyms that people go by in imports and datasets.

    CHAI_PSEUDONYM_KEY where it is set, so that the machines of a deployment share one; else made once and kept in
    <home>/secrets.json. Raises UnusableInput for a key that could be guessed.
    """
    if given := environment.secret(environment.PSEUDONYM_KEY):
        if len(given) < _SHORTEST_KEY:
            raise UnusableInput(
                f"{environment.PSEUDONYM_KEY} has {len(given)} characters, and a key that short can be guessed: set "
                f"at least {_SHORTEST_KEY} (such as those of `openssl rand -hex 32`)"
            )
        return given
    known = home_secrets(home)
    if "pseudonym_key" not in known:
        known["pseudonym_key"] = secrets.token_hex(32)
        _write_secrets(home / "secrets.json", known)
    return known["pseudonym_key"]


def password_of(home: Path, email: str) -> str:
    """Password of a person's Label Studio account, made once and kept in <home>/secrets.json."""
    known = home_secrets(home)
    name = f"password of {email.lower()}"
    if name not in known:
        known[name] = secrets.token_urlsafe(12)
        _write_secrets(home / "secrets.json", known)
    return known[name]


def keep_private(*paths: Path) -> None:
    """Let only their owner read these files and folders, which hold secrets or people's e-mails.

    What is not there is left out, and so is what belongs to somebody else, whose business it is.
    """
    for path in paths:
        with suppress(FileNotFoundError, PermissionError):
            path.chmod(0o700 if path.is_dir() else 0o600)


def _write_secrets(path: Path, known: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(known, file, indent=1)
    partial.replace(path)
