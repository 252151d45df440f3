"""Real services for all tests, started once a session on free ports; nothing is shared between test runs."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from xdist.workermanage import WorkerController

from tests.captioners.model_server import Book, model_server
from tests.fuzz.cases import Cases
from tests.services.label_studio import LabelStudioHandle, start_label_studio
from tests.services.local import S3Server, start_s3

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "true"

# Hypothesis would fail an example that takes longer than 0.2 s or is slow to make, and no test here is timed. Under
# CI=true it would take the same examples in every run, and new ones are what finds something.
_SLOW = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("untimed", deadline=None, derandomize=False, suppress_health_check=_SLOW)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-kill", action="store_true", help="kill each process of a deployment, not two of them")
    parser.addoption("--fuzz-cases", type=int, default=60, help="cases that each fuzzer draws")
    parser.addoption("--fuzz-seed", type=int, default=None, help="draws the fuzzers' cases of an earlier run again")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Every run draws other examples and other random sequences, from a seed that `pytest_report_header` shows."""
    if config.option.hypothesis_seed is None:
        given = getattr(config, "workerinput", {"seed": str(random.randrange(2**32))})
        config.option.hypothesis_seed = given["seed"]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """A worker of pytest-xdist draws from the seed of its run."""
    node.workerinput["seed"] = node.config.option.hypothesis_seed


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes give a test no name: packed ones hold the time of packing, and workers of a run would differ in names."""
    return argname if isinstance(val, bytes) else None


def pytest_report_header(config: pytest.Config) -> str:
    return f"drawn in this run: --hypothesis-seed={config.option.hypothesis_seed} draws the same again"


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> Cases:
    """The cases of a fuzzer, drawn anew in every run; the seed is shown where the test fails, and by `-s`."""
    given = request.config.getoption("--fuzz-seed")
    seed = random.SystemRandom().randrange(2**32) if given is None else given
    print(f"{request.node.name}: --fuzz-seed={seed} draws the same cases again")
    return Cases(seed, request.config.getoption("--fuzz-cases"))


@pytest.fixture(scope="session")
def label_studio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioHandle]:
    """A running Label Studio with the role guard; tests use batches of their own."""
    server = start_label_studio(tmp_path_factory.mktemp("label-studio"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running S3 server with the bucket `chai`."""
    server = start_s3(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """An empty s3:// prefix of this test, with the AWS_* variables set."""
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    return f"s3://chai/{Path(request.node.name).name[:40]}-{os.getpid()}"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of models as anybody has them, and retries that wait a hundredth of the time."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("GEMINI_API_KEY", "test")
    monkeypatch.setattr("chai_resources.captioners.calls.network_captioner._FIRST_WAIT_S", 0.01)


@pytest.fixture
def served(impatient: None) -> Iterator[tuple[str, Book]]:
    """A model's server on this machine: its address, and the book of what it saw and is told to do."""
    with model_server() as at:
        yield at
