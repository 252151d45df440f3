"""Types of the specification, immutable once loaded.

Only shapes stand here: what a file may say and what it must. Whether the parts agree with one another is
checked in `consistency.py`; what follows from answers is in `compile.py`.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

UNSURE = "unsure"
NOT_APPLICABLE = "n/a"
SLOT = re.compile(r"\{([^{}]*)\}")

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
AttributeId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
PrimitiveId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
# A slot is as good a beginning as a capital: what fills it is capitalized when the sentence is made.
Sentence = Annotated[str, StringConstraints(pattern=r"^[A-Z{].*\.$")]
Conditions = dict[str, tuple[str, ...]]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Option(_Part):
    """One answer to a choice. `alone`: it rules out every other answer of the same attribute ("none")."""

    id: Text
    label: Text | None = None
    alone: bool = False


def _option(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


class Attribute(_Part):
    """A question put to annotators. It applies when each attribute in `applies_when` has such an answer.

    A text may have `says`, the sentence that states it; choices are stated by the primitives they give.
    `meaning` is raised where new words mean something else, so that people are asked again.
    """

    id: AttributeId
    sub_aspect: Text
    question: Text
    help: Text | None = None
    kind: Literal["choice", "several", "text"]
    options: tuple[Annotated[Option, BeforeValidator(_option)], ...] = ()
    required: bool = True
    applies_when: Conditions = Field(default_factory=dict)
    says: Sentence | None = None
    meaning: Annotated[int, Field(ge=1)] = 1

    @property
    def answers(self) -> tuple[str, ...]:
        """Every answer the page offers: the options, `unsure`, and `n/a` where it may not apply."""
        if self.kind == "text":
            return ()
        always = (*(option.id for option in self.options), UNSURE)
        return (*always, NOT_APPLICABLE) if self.applies_when else always

    @property
    def alone(self) -> frozenset[str]:
        """Answers that cannot stand beside another one."""
        return frozenset({UNSURE, NOT_APPLICABLE} | {option.id for option in self.options if option.alone})


class Primitive(_Part):
    """One thing that can hold of a clip, with its professional term and when it holds.

    It is present when every attribute in `given_by` has one of the options named there. One without `says` is
    recorded but stands in no caption: a text answer says it already. `confused_with` says, by primitive, how to tell
    the two apart. `split_from` names a primitive of the version before that this one
    and its siblings divide between them. `meaning` is raised where a new definition means something else.
    """

    id: PrimitiveId
    sub_aspect: Text
    term: Text
    definition: Text
    rule: Text
    example: Text | None = None
    confused_with: dict[str, Text] = Field(default_factory=dict)
    split_from: str | None = None
    meaning: Annotated[int, Field(ge=1)] = 1
    loose: tuple[Text, ...] = ()
    excludes: tuple[str, ...] = ()
    given_by: Annotated[Conditions, Field(min_length=1)]
    says: Sentence | None = None


class Aspect(_Part):
    """One of the captions of a clip: what people are asked for it, and what it can say.

    `sub_aspects` are in reading order: the order of a caption's sentences. `meaning` is raised where a new
    instruction or policy asks for another caption, so that captions are written again.
    """

    id: AttributeId
    title: Text
    depends_on: tuple[str, ...] = ()
    instruction: Text
    policy: tuple[Text, ...] = Field(min_length=1)
    sub_aspects: tuple[Text, ...] = Field(min_length=1)
    meaning: Annotated[int, Field(ge=1)] = 1
    attributes: tuple[Attribute, ...] = Field(min_length=1)
    primitives: tuple[Primitive, ...] = Field(min_length=1)

    def attribute(self, attribute_id: str) -> Attribute:
        """The attribute of that id. Raises KeyError."""
        for attribute in self.attributes:
            if attribute.id == attribute_id:
                return attribute
        raise KeyError(attribute_id)


class Index(_Part):
    """What `spec.yaml` says: the version, and the aspects in order."""

    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    aspects: tuple[AttributeId, ...] = Field(min_length=1)


class Spec(_Part):
    """A release: its aspects in order, and the hash of all that it says."""

    version: str
    hash: str
    aspects: dict[str, Aspect]
