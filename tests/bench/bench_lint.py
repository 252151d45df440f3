"""Linting captions with their labels known: seconds of one core for 10,000 of about a hundred words each.

python -m tests.bench.bench_lint [--smoke]
"""

import json
import random
import sys
import time

from chai_assets.linting.caption_lint import lint_caption
from chai_assets.linting.lexicon import lexicon_of
from chai_assets.spec.compile import ABSENT, PRESENT
from chai_assets.spec.models import Aspect
from chai_assets.spec.versioning.releases import load_spec
from tests.bench.support.measuring import load, timed

CAPTIONS, SAID = 10_000, 8
# What models write beside the terms; a doubt here and there, as in real drafts.
_FILLING = (
    "from the left side of a narrow street two people walk toward a market stall",
    "the background remains in view while a child in a red coat waits near the door",
    "it seems to slow down, and the shot ends on a shop with a green sign above its window",
    "in the video a man lifts a crate from the ground and puts it on the back of a small van",
)


def run(captions: int = CAPTIONS) -> dict[str, float]:
    """Figures by name: the captions of all aspects in turn, the lexicons compiled beforehand."""
    spec, dice = load_spec(), random.Random(7)
    aspects = list(spec.aspects.values())
    made = [(aspect, *_caption(aspect, dice)) for aspect in aspects for _ in range(captions // len(aspects))]
    _, compiled = timed(lambda: [lexicon_of(spec, aspect.id) for aspect in aspects])
    begun = time.process_time()
    flags = sum(len(lint_caption(text, lexicon_of(spec, aspect.id), states)) for aspect, text, states in made)
    per_10k = (time.process_time() - begun) * CAPTIONS / len(made)
    return {"captions": len(made), "flags": flags, "compile_s": compiled, "lint_10k_s": per_10k, "load": load()}


def _caption(aspect: Aspect, dice: random.Random) -> tuple[str, dict[str, str]]:
    """A text of about a hundred words and the states of its primitives, one of them not what the text says.

    The sentences are joined, so that none is recognized as a whole and all are read term by term.
    """
    said = dice.sample(aspect.primitives, SAID)
    states = dict.fromkeys((primitive.id for primitive in aspect.primitives), ABSENT)
    states |= dict.fromkeys((primitive.id for primitive in said[1:]), PRESENT)
    clauses = [primitive.says.rstrip(".") for primitive in said if primitive.says]
    told = [f"{clause}, and {dice.choice(_FILLING)}" for clause in clauses[: SAID // 2]]
    return ". ".join([*told, ", while ".join(clauses[SAID // 2 :])]) + ".", states


if __name__ == "__main__":
    print(json.dumps(run(*((200,) if "--smoke" in sys.argv else ()))))
