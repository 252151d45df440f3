"""Why a primitive is not decided: because it does not apply to the clip, or because somebody was unsure. Pure.

The states that `compile.derive` gives call both not_applicable; whoever evaluates a model wants them told apart.
"""

from chai_assets.spec.compile import Answers, decisions
from chai_assets.spec.models import UNSURE, Aspect


def unsure_primitives(aspect: Aspect, answers: Answers) -> set[str]:
    """The primitives that are undecided because of an answer `unsure`, given or to a question that theirs rests on."""
    decided = decisions(aspect, answers)
    open_: dict[str, bool] = {}
    for attribute in aspect.attributes:
        rests_on = attribute.applies_when.items()
        ruled_out = any(not (decided[name] or set(options)) & set(options) for name, options in rests_on)
        unsure = UNSURE in answers.get(attribute.id, ()) or any(open_[name] for name, _ in rests_on)
        open_[attribute.id] = decided[attribute.id] is None and unsure and not ruled_out
    return {
        primitive.id
        for primitive in aspect.primitives
        if any(open_[name] for name in primitive.given_by)
        and all(open_[name] or decided[name] is not None for name in primitive.given_by)
    }
