"""The one tree of errors: what both packages raise and a person can do something about.

    ChaiError
    ├── UnusableInput   what a person wrote, set or named cannot be used: correct it, and run again
    ├── Unavailable     a system or a resource outside does not do its part: see to it, and run again
    └── NotAllowed      it could be done, but would do harm: the text says what to do instead

An error of a kind of its own stands in the module that raises it, below one of the three. Its text is meant for the
person: what is wrong, where, and the remedy. The command line prints it and ends with status 1.

What a caller always catches and turns into a row (a video that cannot be read, a prompt that a rule cannot answer)
is no `ChaiError`: if it gets out, that is a defect, and a traceback is wanted.
"""

import codecs
from dataclasses import dataclass
from pathlib import Path


class ChaiError(Exception):
    """Anything that stops the platform and that a person can mend."""


class UnusableInput(ChaiError, ValueError):
    """A setting, a file or an argument of a command cannot be used; the text names it and the remedy.

    A `ValueError`, so that pydantic reports one that a validator raises.
    """


class Unavailable(ChaiError):
    """A service, a store, a process or free space is missing; the text names it and the remedy."""


class NotAllowed(ChaiError, ValueError):
    """What was asked for can be understood but must not be done; the text says why and what to do instead."""


@dataclass(frozen=True)
class NotUtf8:
    """What is wrong with the bytes of a text, said of its file, and on which line."""

    what: str
    line: int


def decode_utf8(data: bytes) -> str | NotUtf8:
    """The text of bytes that a person wrote, or why they are none."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]:
        # Without a mark, text in UTF-16 or UTF-32 begins with an ASCII character beside a zero byte.
        return NotUtf8("is UTF-16 or UTF-32, and not UTF-8 text", 1)
    try:
        # A mark at the start is what editors on Windows put before UTF-8.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return NotUtf8("is not UTF-8 text", data.count(b"\n", 0, error.start) + 1)


def read_utf8(path: Path) -> str:
    """The text of a file that a person writes. Raises UnusableInput where it is not UTF-8, OSError as usual."""
    text = decode_utf8(path.read_bytes())
    if isinstance(text, NotUtf8):
        raise UnusableInput(f"{path} {text.what}, at line {text.line}: save it as UTF-8, and run again")
    return text


def one_line(text: object, at_most: int = 80) -> str:
    """What a message quotes of a file: in one line, without control characters, its end cut off where it is long."""
    kept = "".join(char if char.isprintable() else " " for char in str(text)[: 4 * at_most])
    words = " ".join(kept.split())
    return words if len(words) <= at_most else words[: at_most - 1] + "…"
