"""What goes with removed words, so that the sentence stays one: on sentences of our own, and on any text."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chai_resources.captioners.engines import removals
from chai_resources.captioners.engines.edits import revise, words
from tests.captioners.findings import anything, mark

REMOVALS = [
    ("He wears a [tall], pointed hat.", "He wears a pointed hat."),
    ("He wears a tall, [pointed] hat.", "He wears a tall hat."),
    ("A girl holds an [old] kite.", "A girl holds a kite."),
    ("A girl holds a [new] umbrella.", "A girl holds an umbrella."),
    ("It is a [static], eye-level shot.", "It is an eye-level shot."),
    ("It is a very [small] boat.", "It is a boat."),
    ("A boy walks past a [bench] and waves.", "A boy walks and waves."),
    ("A woman with [red hair], wearing a coat, sits.", "A woman, wearing a coat, sits."),
    ("The table is covered with [white], folded napkins.", "The table is covered with folded napkins."),
    ("The shot is taken at a [level angle], looking down.", "The shot is taken, looking down."),
    ("The camera is at a [low angle], looking up at a tower.", "The camera is looking up at a tower."),
    ("Next to him stand a dog and [a cat].", "Next to him stand a dog."),
    ("Next to him stand [a dog] and a cat.", "Next to him stand a cat."),
    ("The [wide] and empty square lies in the sun.", "The empty square lies in the sun."),
    ("The sky is [clear] and blue.", "The sky is blue."),
    ("The sky is clear and [blue].", "The sky is clear."),
    ("He [sits down] and reads.", "He reads."),
    ("The camera pans left, then [tilts up].", "The camera pans left."),
    ("A man who is [tall] enters.", "A man who is enters."),
    ("There is a man who is [tall].", "There is a man."),
    ("There are hills that [reach the sea].", "There are hills."),
    ("The boat lies in front of [a pier].", "The boat lies."),
    ("In the [middle] of a square stands a fountain.", "In a square stands a fountain."),
    ("[The man looks down] as the camera moves on.", "The camera moves on."),
    ("[Slowly], the camera pans.", "The camera pans."),
    ("A bus, [probably red], stops at a corner.", "A bus stops at a corner."),
    # What stands well without the removed words is left alone.
    ("The camera zooms in [slowly].", "The camera zooms in."),
    ("The camera moves up [further].", "The camera moves up."),
    ("It is seen from above [with a wide lens].", "It is seen from above."),
    ("The camera pans [slightly] to the left.", "The camera pans to the left."),
    ("A tall, dark [wooden] door opens.", "A tall, dark door opens."),
    ("He gives her [flowers].", "He gives her."),
    ("A cup, a [red] plate, and a fork lie there.", "A cup, a plate, and a fork lie there."),
    ("Two [big] dogs run.", "Two dogs run."),
]


@pytest.mark.parametrize(("marked", "expected"), REMOVALS, ids=[marked for marked, _ in REMOVALS])
def test_a_sentence_stays_one_when_words_of_it_go(marked: str, expected: str) -> None:
    before, quote, after = re.split(r"[\[\]]", marked)
    for more in ("", "A door opens. "):
        draft, start = f"{more}{before}{quote}{after}", len(more + before)
        finding = {**mark(draft, quote, "", kind="redundant"), "start": start, "end": start + len(quote)}
        assert revise(draft, [finding]) == more + expected


SMALL = set().union(*(value for value in vars(removals).values() if isinstance(value, frozenset)))
SMALL |= set(
    re.findall(r"\w+", "such along instead because close next out front top well middle center end bottom edge")
)
SMALL |= {"side", "left", "right", "who", "which", "that"}
"""All words that may go or change with the removed ones."""

sentences = st.lists(st.sampled_from([marked.replace("[", "").replace("]", "") for marked, _ in REMOVALS]), max_size=3)


@settings(max_examples=300)
@given(st.one_of(sentences.map(" ".join), anything), st.data())
def test_no_word_that_says_something_goes_but_those_that_were_marked(draft: str, data: st.DataObject) -> None:
    there = words(draft)
    if not there:
        return
    first = data.draw(st.integers(0, len(there) - 1))
    last = data.draw(st.integers(first, min(len(there) - 1, first + 5)))
    quote = draft[there[first].start : there[last].end]
    finding = {**mark(draft, quote, "", kind="redundant"), "start": there[first].start, "end": there[last].end}
    after = Counter(word.text for word in words(revise(draft, [finding])))
    kept = Counter(word.text for word in [*there[:first], *there[last + 1 :]])
    assert set(kept - after) | set(after - kept) <= SMALL
    start, end, _ = removals.widen(draft, there[first].start, there[last].end)
    assert (start <= there[first].start, end >= there[last].end) == (True, True)
    assert not any(mark in draft[start : there[first].start] + draft[there[last].end : end] for mark in '.!?…;:"()[]')
