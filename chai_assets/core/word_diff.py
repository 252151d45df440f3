"""The difference of two texts, word by word, as pages and terminals show it."""

import difflib
import re
from collections.abc import Iterator


def word_changes(before: str, after: str) -> Iterator[tuple[str, str]]:
    """The texts cut into pairs (before, after), equal or not; changes with only a blank between them are one."""
    old, new = _words(before), _words(after)
    gone = come = ""
    for what, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        was, now = "".join(old[i:j]), "".join(new[k:m])
        if what == "equal" and (was.strip() or not (gone or come)):
            if gone or come:
                yield gone, come
            yield was, now
            gone = come = ""
        else:
            gone, come = gone + was, come + now
    if gone or come:
        yield gone, come


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+(?:['’-]\w+)*|[^\w\s]", text)
