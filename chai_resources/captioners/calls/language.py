"""Whether a text is in another language than the specification's, English. Only sure cases are reported.

Another script is noticed at any length. Another language in Latin script is reported only for texts of several words
of which the identifier is sure, so that short captions full of camera terms are left alone.
"""

import re
from functools import cache
from typing import Any

FEWEST_WORDS = 8
"""Words from which on the language of a text is judged; below, names and terms decide it."""
SURE = 0.9
"""Probability from which on a text counts as of another language."""
OTHER_SCRIPT = 0.3
"""Share of letters outside Latin script from which on a text is not English; signs quoted in a scene stay below."""

# Languages that annotators and models write in; among more, the identifier takes names for rare languages.
_PLAUSIBLE = [
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "pl",
    "sv",
    "da",
    "no",
    "cs",
    "ro",
    "hu",
    "tr",
    "vi",
    "id",
    "ru",
]
_PLAUSIBLE += ["uk", "ar", "fa", "hi", "bn", "th", "zh", "ja", "ko"]
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_LETTER = re.compile(r"[^\W\d_]")


def other_language(text: str) -> str | None:
    """The code of the language that the text is surely in, if not English; `?` for another script."""
    if not text.isascii():
        letters = len(_LETTER.findall(text))
        if letters - len(_LATIN.findall(text)) > OTHER_SCRIPT * letters:
            return "?"
    if len(text.split()) < FEWEST_WORDS:
        return None
    language, probability = _identifier().classify(text)
    return language if language != "en" and probability >= SURE else None


@cache
def _identifier() -> Any:
    # Half a second and 30 MB: loaded by the first text that needs it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_PLAUSIBLE)
    return identifier
