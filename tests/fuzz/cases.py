"""How the fuzzers draw: `random.Random` objects of one run, each named by a seed that makes the same case again.

A fuzzer is a test that takes the fixture `cases` and, for each of them, makes one bad thing and sees that the rest goes
on. `make test` takes a small share; `make test-fuzz` takes 2,000 of each kind. A test that fails says the seed of its
case; `--fuzz-seed` with the run's seed and `--fuzz-cases` draw all of them again.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Cases:
    """The cases of one fuzzer in one run."""

    seed: int
    count: int

    def __iter__(self) -> Iterator[tuple[str, random.Random]]:
        """The name of each case, which an assertion should show, and what it draws from."""
        for number in range(self.count):
            name = f"{self.seed}:{number}"
            yield name, random.Random(name)
