"""Which aspects a whole caption mentions: by the terms of the lexicon, by its name, or by everyday words.

The everyday words stand in `spec/everyday_words.yaml`, measured on real captions in tests/corpus.
"""

import re
from functools import cache
from pathlib import Path

from chai_assets.linting.caption_lint import primitives_named_in
from chai_assets.linting.lexicon import Lexicon
from chai_assets.linting.phrase_patterns import normalize
from chai_resources.yaml_text import read_yaml

EVERYDAY_WORDS = Path(__file__).parents[1] / "spec" / "everyday_words.yaml"


def mentions_aspect(text: str, lexicon: Lexicon) -> bool:
    """Whether the caption says anything of the lexicon's aspect."""
    spoken = _words_of(lexicon.aspect).search(normalize(text)) is not None
    return spoken or bool(primitives_named_in(text, lexicon))


@cache
def _words_of(aspect: str) -> re.Pattern[str]:
    name = aspect.replace("_", "[ _-]")
    words = f"{name}s? | {read_yaml(EVERYDAY_WORDS).value.get(aspect, name)}"
    return re.compile(rf"(?<![\w-])(?:{words.replace(' | ', '|')})(?![\w-])")
