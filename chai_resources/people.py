"""Who works here: the people file, pseudonyms of accounts, and who gets which work.

Making accounts for them is not done here: only the file, and pure decisions about it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from chai_resources.errors import UnusableInput
from chai_resources.yaml_text import YamlRefused, read_yaml

Role = Literal["annotator", "reviewer", "lead"]
WORK_ROLES: frozenset[Role] = frozenset({"annotator", "reviewer"})
"""Those who work in Label Studio; leads decide from the command line, and need no account for that."""
Email = Annotated[
    str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", to_lower=True, strip_whitespace=True, max_length=254)
]
"""An address; Label Studio keeps no longer one than RFC 5321 has."""


class PeopleFileError(UnusableInput):
    """The people file cannot be used; the message names the file and the entry."""


def account_key(email: str) -> str:
    """Pseudonym of a Label Studio account: what task data carries instead of an e-mail.

    The role guard, which runs in Label Studio's environment, repeats this function.
    """
    return "acc_" + hashlib.sha256(email.lower().encode()).hexdigest()[:16]


class Person(BaseModel):
    """One person, who may have several accounts: nobody reviews their own work under another address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=100)]
    name: Annotated[str, StringConstraints(max_length=200)]
    email: Email
    accounts: tuple[Email, ...] = ()
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]

    @property
    def emails(self) -> tuple[str, ...]:
        """Every address of the person; the first is the one that work is assigned to."""
        return (self.email, *self.accounts)

    @property
    def account_key(self) -> str:
        """Pseudonym of the account that work is assigned to."""
        return account_key(self.email)

    @property
    def account_keys(self) -> tuple[str, ...]:
        """Pseudonyms of all the person's accounts."""
        return tuple(account_key(email) for email in self.emails)


@dataclass(frozen=True)
class People:
    """The team, in the order of the file."""

    everyone: tuple[Person, ...]

    @property
    def annotators(self) -> tuple[Person, ...]:
        """Those who label and write critiques."""
        return tuple(person for person in self.everyone if "annotator" in person.roles)

    @property
    def reviewers(self) -> tuple[Person, ...]:
        """Those who judge critiques and revisions."""
        return tuple(person for person in self.everyone if "reviewer" in person.roles)

    def by_email(self, email: str) -> Person | None:
        """The person behind any of their accounts, or None for a stranger."""
        return next((person for person in self.everyone if email.lower() in person.emails), None)

    def by_id(self, person_id: str) -> Person | None:
        """The person of that id, or None for somebody who has left the file."""
        return next((person for person in self.everyone if person.id == person_id), None)

    @property
    def leads(self) -> tuple[Person, ...]:
        """Those who may recall what was approved, and overrule."""
        return tuple(person for person in self.everyone if "lead" in person.roles)

    @property
    def at_work(self) -> tuple[Person, ...]:
        """Those who have work in Label Studio."""
        return tuple(person for person in self.everyone if WORK_ROLES & set(person.roles))

    @property
    def roles_by_email(self) -> dict[str, tuple[Role, ...]]:
        """The roles in Label Studio by each address of who works there: what its accounts are held to."""
        return {
            email: tuple(role for role in person.roles if role in WORK_ROLES)
            for person in self.at_work
            for email in person.emails
        }

    def assign_annotator(self, clip_id: str) -> Person:
        """The annotator of a clip, always the same while the team stands; few clips move when it changes."""
        return _draw(clip_id, self.annotators)

    def assign_reviewer(self, item_key: str, excluded: set[str]) -> Person | None:
        """The reviewer of an item, never one of the `excluded` person ids; None when nobody is left."""
        free = tuple(person for person in self.reviewers if person.id not in excluded)
        return _draw(item_key, free) if free else None


class PeopleFile(dg.ConfigurableResource):
    """The people file as a resource: read anew each time, so that an edit counts from the next run on."""

    path: str

    def load(self) -> People:
        """The team. Raises PeopleFileError."""
        return load_people(Path(self.path))


def load_people(path: Path) -> People:
    """Read the people file: a YAML list of {id, name, email, accounts, roles}. Raises PeopleFileError."""
    try:
        text = read_yaml(path)
    except FileNotFoundError:
        raise PeopleFileError(f"{path} does not exist: copy deploy/people.example.yaml there") from None
    except YamlRefused as error:
        raise PeopleFileError(f"{path} {error}, and run again") from None
    except OSError as error:
        raise PeopleFileError(f"{path} cannot be read ({error.strerror}): check its rights, then run again") from None
    if not isinstance(text.value, list):
        raise PeopleFileError(f"{path} must be a list of people, as in deploy/people.example.yaml")
    try:
        everyone = TypeAdapter(tuple[Person, ...]).validate_python(text.value)
    except ValidationError as error:
        raise PeopleFileError(f"{path}: {text.faults(error, Person.model_fields)}") from None
    people = People(everyone)
    _check_distinct(path, people)
    if not people.annotators:
        raise PeopleFileError(f"{path}: nobody has the role annotator, so no work can be given out")
    return people


def _check_distinct(path: Path, people: People) -> None:
    seen: dict[str, str] = {}
    for number, person in enumerate(people.everyone, 1):
        for what in (f"id {person.id}", *(f"e-mail {email}" for email in person.emails)):
            if what in seen:
                raise PeopleFileError(f"{path}: entry {number} ({person.id}): {what} stands in {seen[what]} too")
            seen[what] = f"entry {number} ({person.id})"


def _draw(item: str, people: tuple[Person, ...]) -> Person:
    """Rendezvous hashing: the person whose hash with the item is greatest."""
    return max(people, key=lambda person: hashlib.sha256(f"{item}\n{person.id}".encode()).digest())
