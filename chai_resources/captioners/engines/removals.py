"""What else goes when words are removed from a sentence: articles, prepositions, commas that would be left hanging.

Rules about single words, without a tagger: each is about a word that cannot stand where the removal leaves it. In
doubt nothing more is removed, for a clumsy sentence is better than one that says something else.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


_ARTICLES = frozenset({"a", "an", "the", "its", "their", "every"})
_PARTICLES = _words("in out up down over off on around back through along away")
_PREPOSITIONS = _words("""of with at by from for against between toward towards into onto across behind beside near
    under above below during without within to among amid beneath past upon via""")
_AND = frozenset({"and", "or", "but", "nor", "then", "plus"})
_JOINS = frozenset({"that", "which", "who", "whose", "where", "while", "as", "because", "when", "whereas", "before"})
_IS = frozenset({"is", "are", "was", "were", "be", "being", "remains", "remain", "appears", "seems"})
_VERY = _words("very quite rather too so extremely slightly almost nearly fairly somewhat relatively")
_SUBORDINATES = frozenset({"as", "while", "and", "but", "until", "when", "whereas"})
_LONG_PREPOSITIONS = re.compile(
    r"\b(?:in front of|on top of|next to|close to|out of|because of|instead of|along with|in the (?:middle|center) of"
    r"|at the (?:end|top|bottom|edge|side) of|to the (?:left|right) of|such as|as well as)\s*$",
    re.IGNORECASE,
)
# "Zooms in further", "looks up": what stands there belongs to the verb.
_MOVES = re.compile(
    r"\b(?:zoom|doll|mov|tilt|cran|pan|push|pull|walk|go|run|com|lean|look|fad|truck|pedestal|step|fl|climb|turn|track)"
    r"\w*\s+$",
    re.IGNORECASE,
)
_ADVERBS = _words("""further more again closer fast faster slow slower steadily left right upward upwards downward
    downwards forward forwards backward backwards together apart throughout""")
_LAST = re.compile(r"([\w'’-]+)\s+$")
_NEXT = re.compile(r"\s*([\w'’-]+)")
_NOTHING = re.compile(r"\s*(?:[,.;:!?…)\]—–]|$)")
_ADJECTIVES_BEFORE = re.compile(r"\b(?:a|an|the|its|their|this|that)(?: [\w-]+,)* [\w-]+(,\s*)$", re.IGNORECASE)
_VOWEL = re.compile(r"(?:[aeio]|u(?!ni|s[aeiu]|til|ro)|hour|honest|heir)(?!ne\b|nce\b)", re.IGNORECASE)


_PARTICIPLE = re.compile(
    r"\w+ing (?:a|an|the|its|their|his|her|to|in|on|at|by|from|with|into|through|toward|towards|over|down|up|that)\b"
)
_GOES_ON = re.compile(
    r"\w+[^s\W]s (?:in|on|at|by|from|to|with|into|across|over|up|down|left|right|a|an|the)\b", re.IGNORECASE
)
_SUBJECT = re.compile(r"(?:^|[.!?]\s+)(?:a|an|the|one|two|three|several|some)\b[^,.;:!?]*(,\s*)$", re.IGNORECASE)


def widen(text: str, start: int, end: int, floor: int = 0, ceiling: int | None = None) -> tuple[int, int, str]:
    """The span that goes with the words text[start:end], and what stands in its place: nothing, or another article.

    Offsets are code points, end exclusive. The span stays within text[floor:ceiling].
    """
    ceiling = len(text) if ceiling is None else ceiling
    names = _names_something(text[start:end])
    while True:
        # To the right first: what follows may take the place of what was removed.
        if (new_end := min(ceiling, _right(text, start, end))) != end:
            end = new_end
        elif (new_start := max(floor, _left(text, start, end, names))) != start:
            start = new_start
        else:
            return _with_article(text, start, end, floor, ceiling)


def _left(text: str, start: int, end: int, names: bool) -> int:
    """Where the span begins when the words that cannot stand before the gap go too."""
    before, after = text[:start], text[end:]
    follows = _NEXT.match(after)
    following = follows[1].lower() if follows else ""
    nothing = bool(_NOTHING.match(after))
    if text[end - 1 : end] == "," and (subject := _SUBJECT.search(before)):
        return subject.start(1)
    if (last := _LAST.search(before)) is None:
        adjectives = _ADJECTIVES_BEFORE.search(before)
        listed = adjectives and following and not nothing and not _is_function_word(following)
        return adjectives.start(1) if adjectives and listed else start
    word, at = last[1].lower(), last.start()
    if word in _VERY or (nothing and word in _AND):
        return at
    if word in _ARTICLES and names and (nothing or _cannot_follow_article(following)):
        return at
    if names and (nothing or following in _PREPOSITIONS | _PARTICLES) and (long := _LONG_PREPOSITIONS.search(before)):
        return long.start()
    if names and _hangs(word, before[:at], nothing, following):
        return at
    if nothing and word in _JOINS:
        return at
    if nothing and word in _IS and (joined := re.search(r"\b(?:who|which|that)\s+$", before[:at], re.IGNORECASE)):
        return joined.start()
    return start


def _hangs(word: str, before: str, nothing: bool, following: str) -> bool:
    """Whether a preposition has lost what it is said of."""
    if not nothing and following not in _PREPOSITIONS | _PARTICLES | _AND:
        return False
    return word in _PREPOSITIONS or (word in _PARTICLES and not _MOVES.search(before))


def _right(text: str, start: int, end: int) -> int:
    """Where the span ends when the words and marks that cannot stand behind the gap go too."""
    before, after = text[:start], text[end:]
    last = _LAST.search(before)
    word = last[1].lower() if last else ""
    if comma := re.match(r",\s*", after):
        return end + _comma_goes(word, before, text[start:end], after[comma.end() :])
    if word in _ARTICLES and (of := re.match(r"\s*of\b", after)):
        return end + len(of[0])
    if joined := re.match(r"\s*(?:and|or|but)\b", after):
        return end + len(joined[0]) * _takes_the_place(word, text[start:end], after[joined.end() :])
    opens = not before.strip() or before.rstrip()[-1] in ".!?…"
    if opens and len(text[start:end].split()) > 2 and (follows := _NEXT.match(after)):
        return end + len(follows[0]) * (follows[1].lower() in _SUBORDINATES)
    return end


def _takes_the_place(word: str, removed: str, following: str) -> bool:
    """Whether what follows "and" can stand where the removed words stood; `word` is the one before them."""
    first = (found := _NEXT.match(following)) and found[1].lower()
    named = word in _ARTICLES or ((found := _NEXT.match(removed)) and found[1].lower() in _ARTICLES)
    verb = named and first and re.fullmatch(r"\w+[^s]s", first)  # "past a bench and waves"
    return bool(word in _ARTICLES | _PREPOSITIONS | _IS and not verb) or _alike(removed, following)


def _comma_goes(word: str, before: str, removed: str, following: str) -> bool:
    """Whether the comma behind the removed words parts what belongs together now; `word` is the one before them."""
    if re.search(r",\s*$", before):
        return bool(_SUBJECT.search(before) and _GOES_ON.match(following))  # "A man, likely old, stands on a lawn."
    if word in _IS:
        return bool(re.match(r"\w+ing\b", following))
    # "A short, green dress", but not "at a level angle, looking down".
    first = (found := _NEXT.match(following)) and found[1].lower()
    adjective = first and not _is_function_word(first) and not first.endswith("ly") and not _PARTICIPLE.match(following)
    named = (found := _NEXT.match(removed)) and found[1].lower() in _ARTICLES
    return bool(word in _ARTICLES | _PREPOSITIONS and adjective and not named)


def _with_article(text: str, start: int, end: int, floor: int, ceiling: int) -> tuple[int, int, str]:
    """The span, widened to the article before it where the word that now follows asks for the other one."""
    last, follows = _LAST.search(text[:start]), _NEXT.match(text[end:])
    if not last or not follows or last[1].lower() not in ("a", "an") or last.start() < floor:
        return start, end, ""
    right = "an" if _VOWEL.match(follows[1]) else "a"
    removed = _NEXT.match(text[start:end])
    was_right = removed and ("an" if _VOWEL.match(removed[1]) else "a") == last[1].lower()
    if not was_right or right == last[1].lower() or end + follows.start(1) > ceiling:
        return start, end, ""
    # What was widened to the right may have taken the blank along.
    gap = "" if text[end : end + 1].isspace() else " "
    return last.start(), end, (right.capitalize() if last[1][0].isupper() else right) + gap


def _names_something(removed: str) -> bool:
    """Whether the removed words may be what an article or a preposition is said of: no adverb, no phrase of its own."""
    found = re.findall(r"[\w'’-]+", removed.lower())
    if not found:
        return False
    first, last = found[0], found[-1]
    own = first in _PREPOSITIONS | _PARTICLES | _AND | _JOINS or first.endswith("ing")
    return not own and not last.endswith("ly") and last not in _ADVERBS


def _cannot_follow_article(word: str) -> bool:
    return word in _PREPOSITIONS | _PARTICLES | _AND | _IS | _JOINS | _ARTICLES


def _is_function_word(word: str) -> bool:
    return _cannot_follow_article(word) or word in ("this", "these", "those", "he", "she", "it")


def _alike(removed: str, following: str) -> bool:
    """Whether the removed words and those after "and" begin alike, so that the second can take its place."""
    first, second = (re.match(r"\s*([\w'’-]+)", each) for each in (removed, following))
    if not first or not second:
        return False
    one, other = first[1].lower(), second[1].lower()
    both = (one in _ARTICLES and other in _ARTICLES, one.endswith("ing") and other.endswith("ing"))
    return any(both) or bool(re.fullmatch(r"\w+[^s]s", one) and re.fullmatch(r"\w+[^s]s", other))
