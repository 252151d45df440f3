"""The people file and who is given which work."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chai_resources.people import People, PeopleFileError, Person, account_key, load_people

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "people.example.yaml"
IDS = st.sets(st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True), min_size=2, max_size=8)
ITEMS = st.lists(st.text(min_size=1), min_size=1, max_size=30, unique=True)


def _people(ids: set[str]) -> People:
    both = ("annotator", "reviewer")
    return People(tuple(Person(id=i, name=i, email=f"{i}@example.com", roles=both) for i in sorted(ids)))


def test_the_example_loads_with_three_annotators_and_two_reviewers():
    people = load_people(EXAMPLE)
    assert (len(people.annotators), len(people.reviewers)) == (3, 2)
    assert all(email.endswith("@example.com") for person in people.everyone for email in person.emails)


def test_a_person_is_found_under_any_of_their_accounts():
    people = load_people(EXAMPLE)
    ben = people.by_email("Ben.Builder@Example.com")
    assert ben is not None
    assert ben == people.by_email("ben@example.com")
    assert ben.account_keys == (account_key("ben@example.com"), account_key("ben.builder@example.com"))
    assert ben.account_key == ben.account_keys[0]
    assert people.by_email("stranger@example.com") is None


ADA = {"id": "ada", "name": "Ada", "email": "ada@example.com", "roles": ["annotator"]}
BAD = {
    "an unknown role": (
        [ADA | {"roles": ["boss"]}],
        r"entry 1 \(ada\): roles.0: .*'annotator', 'reviewer' or 'lead'",
    ),
    "no roles": ([ADA | {"roles": []}], r"entry 1 \(ada\): roles"),
    "a bad id": ([ADA, ADA | {"id": "Ada B"}], r"entry 2 \(Ada B\): id"),
    "a bad address": ([ADA | {"email": "ada"}], r"entry 1 \(ada\): email"),
    "a missing name": ([{k: v for k, v in ADA.items() if k != "name"}], r"entry 1 \(ada\): name"),
    "a field too many": ([ADA | {"rolls": []}], r"entry 1 \(ada\): rolls"),
    "an id twice": ([ADA, ADA | {"email": "b@example.com"}], r"entry 2 \(ada\): id ada stands in entry 1"),
    "an address twice": (
        [ADA, ADA | {"id": "bea", "email": "ADA@example.com"}],
        r"entry 2 \(bea\): e-mail ada@",
    ),
    "an address twice among accounts": (
        [ADA, ADA | {"id": "bea", "email": "b@example.com", "accounts": ["ada@example.com"]}],
        r"entry 2 \(bea\): e-mail ada@example.com stands in entry 1",
    ),
    "nobody to annotate": ([ADA | {"roles": ["reviewer"]}], "nobody has the role annotator"),
    "no list": ({"people": [ADA]}, "must be a list"),
    "an entry that is a word": (["ada"], r"entry 1 \(ada\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_people_file_is_refused_by_file_and_entry(tmp_path: Path, name: str):
    content, message = BAD[name]
    file = tmp_path / "people.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(PeopleFileError, match=message) as refusal:
        load_people(file)
    assert str(file) in str(refusal.value)


def test_a_missing_file_and_broken_yaml_say_what_to_do(tmp_path: Path):
    with pytest.raises(PeopleFileError, match=r"people\.example\.yaml"):
        load_people(tmp_path / "people.yaml")
    (tmp_path / "people.yaml").write_text("- id: [")
    with pytest.raises(PeopleFileError, match=r"(?s)is not YAML.*line 1"):
        load_people(tmp_path / "people.yaml")


@given(IDS, ITEMS)
def test_the_same_clip_goes_to_the_same_person_whatever_the_order_of_the_file(ids: set[str], items: list[str]):
    people = _people(ids)
    turned = People(people.everyone[::-1])
    assert [people.assign_annotator(i) for i in items] == [turned.assign_annotator(i) for i in items]


@given(IDS, ITEMS)
def test_when_someone_leaves_only_their_clips_move(ids: set[str], items: list[str]):
    people, gone = _people(ids), min(ids)
    fewer = _people(ids - {gone})
    for item in items:
        before = people.assign_annotator(item)
        if before.id != gone:
            assert fewer.assign_annotator(item) == before


@given(IDS, ITEMS, st.data())
def test_no_excluded_person_reviews_and_someone_does_while_anyone_is_left(
    ids: set[str], items: list[str], data: st.DataObject
):
    people = _people(ids)
    excluded = data.draw(st.sets(st.sampled_from(sorted(ids))))
    for item in items:
        reviewer = people.assign_reviewer(item, excluded)
        assert (reviewer is None) == (excluded == ids)
        assert reviewer is None or reviewer.id not in excluded


def test_work_is_spread_over_the_team():
    people = load_people(EXAMPLE)
    given_out = [people.assign_annotator(f"clp_{n}").id for n in range(3000)]
    assert all(800 < given_out.count(person.id) < 1200 for person in people.annotators)
