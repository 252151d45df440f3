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


def read_utf8(path: Path) -> str:
    """The text of a file that a person writes. Raises UnusableInput where it is not UTF-8, OSError as usual."""
    data = path.read_bytes()
    try:
        # A mark at the start is what editors on Windows put before UTF-8.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnusableInput(f"{path} is not UTF-8 text, at line {line}: save it as UTF-8, and run again") from None
