"""Dagster's own storage on a real PostgreSQL and on SQLite, through the checkout's dagster.yaml."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from chai_resources.instance_storage import with_driver
from tests.services.local import free_ports

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """Address of a running PostgreSQL with an empty database, on a free port of this machine."""
    # Not under pytest's folder, which only its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="chai-postgres-"))
    folder.chmod(0o755)
    packages, data = _packages(), folder / "data"
    # PostgreSQL refuses to run as root, and another user may not be let into the checkout.
    as_user: dict[str, str] = {"user": "nobody"} if os.geteuid() == 0 else {}
    if as_user:
        for part in ("pgserver/pginstall", "pgserver.libs"):
            shutil.copytree(packages / part, folder / part)
        packages = folder
        data.mkdir()
        shutil.chown(data, **as_user)
    programs = packages / "pgserver" / "pginstall" / "bin"
    (port,) = free_ports(1)
    command = [str(programs / "pg_ctl"), "-D", str(data), "-w"]
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, **as_user}
    initdb = ["--auth=trust", "--encoding=utf8", "--username=postgres", "--no-sync"]
    subprocess.run([str(programs / "initdb"), "-D", str(data), *initdb], **quiet)
    options = f"-p {port} -h 127.0.0.1 -k {data} -F"
    subprocess.run([*command, "-l", str(data / "log"), "-o", options, "start"], **quiet)
    yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    subprocess.run([*command, "-m", "fast", "stop"], **quiet)
    shutil.rmtree(folder)


def _packages() -> Path:
    """Where Python's packages lie. pgserver is used as files: its own starter, as root, adds a user to the system."""
    found = importlib.util.find_spec("pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parents[1]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copyfile(CHECKOUT / "dagster.yaml", tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv("CHAI_POSTGRES_URL", raising=False)
    return tmp_path


@dg.op
def work() -> None: ...


@dg.job
def a_job() -> None:
    work()


def run_once() -> str:
    """Runs a job on the instance that the environment names; returns the run's id."""
    with dg.DagsterInstance.get() as instance:
        return a_job.execute_in_process(instance=instance).run_id


def known(run_id: str) -> bool:
    """Whether an instance opened now knows the run, its end and its events."""
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        return run is not None and run.is_success and bool(instance.all_logs(run_id))


@pytest.mark.parametrize("scheme", ["postgresql://", "postgres://", "postgresql+psycopg2://", "postgresql+psycopg://"])
def test_a_run_is_kept_in_postgres_however_its_address_is_written(
    home: Path, postgres: str, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("CHAI_POSTGRES_URL", postgres.replace("postgresql://", scheme))
    run_id = run_once()
    assert known(run_id)
    assert not list(home.rglob("*.db"))
    monkeypatch.delenv("CHAI_POSTGRES_URL")
    assert not known(run_id)


def test_without_postgres_a_run_is_kept_in_files_under_the_home(home: Path) -> None:
    run_id = run_once()
    assert known(run_id)
    assert list((home / "storage").rglob("*.db"))


def test_partitions_and_cursors_are_kept_in_postgres(
    home: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAI_POSTGRES_URL", postgres)
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions("batches", ["2026-01"])
        instance.daemon_cursor_storage.set_cursor_values({"a": "b"})
    with dg.DagsterInstance.get() as instance:
        assert instance.get_dynamic_partitions("batches") == ["2026-01"]
        assert instance.daemon_cursor_storage.get_cursor_values({"a"}) == {"a": "b"}


def test_the_driver_is_named_and_the_rest_of_an_address_stays() -> None:
    rest = "chai:p%40ss@db.example:5432/dagster?sslmode=require"
    for scheme in ("postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"):
        assert with_driver(f"{scheme}://{rest}") == f"postgresql+psycopg2://{rest}"
