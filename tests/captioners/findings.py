"""Findings for tests: single ones by quote, and drafts with random findings that do not overlap."""

from typing import Any

from hypothesis import strategies as st

from chai_resources.captioners.engines.edits import words

_WORDS = [
    "the",
    "The",
    "camera",
    "Pans",
    "pans",
    "left",
    "dog",
    "it's",
    "ß",
    "ŉ",
    "ǰ",
    "a",
    "A",
    "3.5",
    "e.g.",
]
_BETWEEN = [
    " ",
    " ",
    " ",
    ", ",
    ". ",
    "; ",
    "! ",
    "  ",
    "\n",
    " (",
    ") ",
    "-",
    " — ",
    ' "',
    '" ',
    "'",
    "’",
    "",
    "…",
]

prose = st.lists(st.tuples(st.sampled_from(_WORDS), st.sampled_from(_BETWEEN)), min_size=1, max_size=14).map(
    lambda parts: "".join(word + between for word, between in parts)
)
anything = st.one_of(prose, st.text(max_size=30))


def mark(draft: str, quote: str, fix: str, kind: str = "wrong") -> dict[str, Any]:
    """A finding on the first place where the draft says the quote."""
    start = draft.index(quote)
    return {
        "finding_id": f"{kind}:{quote}",
        "kind": kind,
        "quote": quote,
        "start": start,
        "end": start + len(quote),
        "fix": fix,
    }


def missing(fix: str) -> dict[str, Any]:
    """A finding that the draft leaves something out."""
    return {"finding_id": fix, "kind": "missing", "quote": "", "start": None, "end": None, "fix": fix}


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    """A draft, and findings on words of it that do not overlap, in any order, with a few things missing."""
    draft = draw(anything)
    cuts = sorted(draw(st.lists(st.integers(0, len(draft)), max_size=6, unique=True)))
    found = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        if words(draft[start:end]):
            kind = draw(st.sampled_from(["wrong", "imprecise", "redundant", "subjective"]))
            fix = draw(st.one_of(st.just(""), anything))
            quoted = {"quote": draft[start:end], "start": start, "end": end}
            found.append({"finding_id": f"at {start}", "kind": kind, **quoted, "fix": fix})
    found += [missing(fix) for fix in draw(st.lists(anything.filter(words), max_size=2, unique=True))]
    return draft, draw(st.permutations(found))
