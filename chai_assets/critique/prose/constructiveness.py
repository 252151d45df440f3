"""Whether a critique is constructive: whether an editor who cannot see the video could apply it.

The score is a logistic regression over the means of hand-made features of its statements
(`constructiveness_features.py`). This judges a whole text; what a single finding lacks is the business of `lint.py`.
"""

import math

from chai_assets.critique.prose.constructiveness_features import FEATURES, Statement, statements

CONSTRUCTIVE = 0.5
"""Score from which on a critique counts as constructive: where it is as likely to be so as not.

On the fitting half 98 % of the critiques that reviewers approved reach it, and 6 % of those rewritten without their
remedy. A higher one catches few more of these and cries wolf more often: at 0.7 it is 93 % and 3 %.
"""

# Fitted by `python -m tests.corpus.fit_constructiveness --fit`, on the half of the sources that it fits on.
INTERCEPT = -0.64
COEFFICIENTS = {
    "points": 1.97,
    "fresh": 0.81,
    "concrete": 0.53,
    "fact": 1.36,
    "named": 0.07,
    "verdict": -3.9,
    "lack": -0.64,
    "denial": -0.82,
    "abstract": -0.51,
    "vague": -0.27,
}
_WEIGHTS = tuple(COEFFICIENTS[name] for name in FEATURES)

_FOR = {
    "points": "point at words of the caption",
    "fresh": "bring words that the caption does not have",
    "concrete": "give a number, color, place, direction or camera term",
    "fact": "say what the video shows",
}
_AGAINST = {
    "verdict": ("only says or asks whether something is wrong", "say what should stand there instead"),
    "lack": ("says that something is left out", "write it as the caption should say it"),
    "vague": ("only says how good it is or should be", "write the words that the caption should have"),
    "denial": ("says what is not so", "say what is so"),
    "abstract": ("names a kind of thing and no value of it", "say which"),
}
_ABSENT = {
    "points": "it hardly points at words of the caption: quote the words that are at fault.",
    "fresh": "it hardly says anything that the caption does not say: write the words that the caption should have.",
}
_SHOWN = 60


def score(critique: str, caption: str = "") -> float:
    """How likely the critique is to be constructive, 0 to 1; 0 for a text without words.

    Against its caption it is judged better: without one, nothing in the critique can be known to point at it.
    """
    read = statements(critique, caption)
    if not read:
        return 0.0
    weighed = sum(weight * mean for weight, mean in zip(_WEIGHTS, means(read), strict=True))
    return 1 / (1 + math.exp(-INTERCEPT - weighed))


def means(read: list[Statement]) -> list[float]:
    """The mean of each of FEATURES over some statements, of which there must be one at least.

    Means, not sums: a long critique is not for that a better one.
    """
    return [sum(column) / len(read) for column in zip(*(statement[1:] for statement in read), strict=True)]


def reasons(critique: str, caption: str = "") -> list[str]:
    """What speaks against the critique, with what to do about it, and then what speaks for it; a line each."""
    read = statements(critique, caption)
    exact = sum(statement.exact for statement in read)
    counts = {"can be carried out word for word": exact} if exact else {}
    rest = [statement for statement in read if not statement.exact]
    counts |= {what: sum(getattr(statement, name) >= 0.5 for statement in rest) for name, what in _FOR.items()}
    speaks_for = [f"for: {count} of {len(read)} statements {what}." for what, count in counts.items() if count]
    return [*(f"against: {line}" for line in shortcomings(critique, caption)), *speaks_for]


def shortcomings(critique: str, caption: str = "") -> list[str]:
    """What would make the critique easier to apply, the weightiest first; a critique below CONSTRUCTIVE has some."""
    read = statements(critique, caption)
    if not read:
        return ["it has no words: write what the caption should say."]
    found = {name: [statement for statement in read if getattr(statement, name)] for name in _AGAINST}
    # What counts against a critique by its weight: how often, and how much each time. A statement is named once.
    lines, left = [], set(read)
    for name in sorted(found, key=lambda name: COEFFICIENTS[name] * len(found[name])):
        if some := [statement for statement in found[name] if statement in left]:
            lines.append(_line(name, some))
            left -= set(some)
    if score(critique, caption) < CONSTRUCTIVE:
        mean = dict(zip(FEATURES, means(read), strict=True))
        lines += [line for name, line in _ABSENT.items() if mean[name] < 0.5] or [_ABSENT["fresh"]] * (not lines)
    return lines


def _line(name: str, found: list[Statement]) -> str:
    what, remedy = _AGAINST[name]
    first = " ".join(found[0].text.split())
    cut = first if len(first) <= _SHOWN else f"{first[:_SHOWN]}…"
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f'"{cut}"{more} {what}: {remedy}.'
