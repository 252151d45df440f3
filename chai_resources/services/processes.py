"""The processes of one local deployment, started in the background and stopped again.

Each has a process session of its own, and a pid file and a log in <home>/run. Only processes that this home
started are ever signaled: the pid file keeps the start time, so that a pid that was given to someone else is
left alone. A pid file stays until its service is stopped: one without a living process names a service that died.
Larger deployments (containers, several machines) are in deploy/ and do not come through here.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from chai_resources.errors import Unavailable

_HUNG_GRACE_S = 5.0
"""Seconds to end in order that a service gets which answers no more."""

Say = Callable[[str], None]


class ServiceFailed(Unavailable):
    """A service could not be started; the message names it, the reason and the remedy."""


@dataclass(frozen=True)
class Service:
    """A process to keep running. `environment` is whole: nothing is inherited."""

    name: str
    argv: list[str]
    environment: dict[str, str]
    health_url: str = ""
    port: int = 0
    port_variable: str = ""
    folder: Path = field(default_factory=Path.cwd)


@dataclass(frozen=True)
class _Record:
    """What a pid file says: the session's leader, and when it started (clock ticks since boot)."""

    pid: int
    started: int
    port: int


def start(home: Path, service: Service, say: Say = lambda _: None, timeout: float = 180) -> None:
    """Start a service and wait until it is healthy; nothing to do when it runs already.

    Raises ServiceFailed when its port is taken (before anything starts), when it ends, or when it is not
    healthy within `timeout` seconds; it is stopped again then.
    """
    if service.port and not should_run(home, service.name):
        require_free_port(service.port, service.name, service.port_variable)
    with _alone(home, service.name):
        if runs_already(home, service.name, service.port):
            return
        _end(home, service.name)
        if service.port:
            require_free_port(service.port, service.name, service.port_variable)
        try:
            _launch(home, service, say, timeout)
        except BaseException:
            _end(home, service.name)
            _pid_file(home, service.name).unlink(missing_ok=True)
            raise


def revive(home: Path, service: Service, hung: bool = False, timeout: float = 180) -> bool:
    """Start a service again that was started and not stopped; returns whether it was, which another may have done.

    One that runs is left alone unless it is `hung`.
    What is left of its processes is ended first. Raises ServiceFailed where it does not come up; it can be revived
    again then.
    """
    with _alone(home, service.name):
        if not should_run(home, service.name) or (running(home, service.name) and not hung):
            return False
        _end(home, service.name, _HUNG_GRACE_S)
        try:
            _launch(home, service, lambda _: None, timeout)
        except ServiceFailed:
            _end(home, service.name)
            raise
    return True


def stop(home: Path, name: str, grace: float = 20) -> bool:
    """Ask the service to end, and kill what is left of its process session after `grace` seconds.

    Returns whether anything ran.
    """
    if not should_run(home, name):
        return False
    with _alone(home, name):
        found = _end(home, name, grace)
        _pid_file(home, name).unlink(missing_ok=True)
    return found


def should_run(home: Path, name: str) -> bool:
    """Whether the service was started and not stopped since."""
    return _pid_file(home, name).exists()


def running(home: Path, name: str) -> bool:
    """Whether the service's leading process, as started by this home, is alive."""
    record = _record(home, name)
    return record is not None and started_at(record.pid) == record.started


def runs_already(home: Path, name: str, port: int) -> bool:
    """Whether the service runs on this port. Raises ServiceFailed when it runs on another one."""
    record = _record(home, name)
    if record is None or not running(home, name):
        return False
    if record.port != port:
        raise ServiceFailed(
            f"{name} of {home} runs on port {record.port} and is asked for on {port}: `make down` first, or "
            "set the port it runs on"
        )
    return True


def started_at(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when it has ended."""
    stat = _stat(pid)
    return int(stat[19]) if stat else None


def log_path(home: Path, name: str) -> Path:
    """Where a service's output goes."""
    return home / "run" / f"{name}.log"


def require_free_port(port: int, name: str, variable: str) -> None:
    """Raise ServiceFailed when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            remedy = f"stop what listens there, or set {variable} to a free port"
            raise ServiceFailed(f"{name}: port {port} is taken ({error.strerror}); {remedy}") from None


@contextmanager
def _alone(home: Path, name: str) -> Iterator[None]:
    """Nobody else starts or stops the service meanwhile."""
    (home / "run").mkdir(parents=True, exist_ok=True)
    with (home / "run" / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _launch(home: Path, service: Service, say: Say, timeout: float) -> None:
    with log_path(home, service.name).open("ab") as log:
        process = subprocess.Popen(
            service.argv,
            env=service.environment,
            cwd=service.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    record = {"pid": process.pid, "started": started_at(process.pid) or 0, "port": service.port}
    partial = _pid_file(home, service.name).with_suffix(".partial")
    partial.write_text(json.dumps(record))
    partial.replace(_pid_file(home, service.name))
    _wait_healthy(home, service, process, say, timeout)


def _end(home: Path, name: str, grace: float = 20) -> bool:
    """End what lives of a service's session, its leader first; returns whether anything did."""
    members = members_of(home, name)
    found = bool(members)
    if members:
        _signal(members[:1], signal.SIGTERM)  # the leader, which ends its children in order
        deadline = time.monotonic() + grace
        while members and time.monotonic() < deadline:
            time.sleep(0.1)
            members = members_of(home, name)
        _signal(members, signal.SIGKILL)
        while members := members_of(home, name):
            time.sleep(0.05)
    return found


def _wait_healthy(home: Path, service: Service, process: subprocess.Popen[bytes], say: Say, timeout: float) -> None:
    begun = told = time.monotonic()
    while True:
        if process.poll() is not None:
            raise ServiceFailed(f"{service.name} ended with code {process.returncode}:\n{_tail(home, service.name)}")
        if healthy(service):
            return
        now = time.monotonic()
        if now - begun > timeout:
            raise ServiceFailed(
                f"{service.name} did not answer within {timeout:.0f} s ({service.health_url or service.port}); "
                f"the end of {log_path(home, service.name)}:\n{_tail(home, service.name)}"
            )
        if now - told > 5:
            say(f"waiting for {service.name} ({now - begun:.0f} s)")
            told = now
        time.sleep(0.2)


def healthy(service: Service) -> bool:
    """Whether its health page is fine; without one, whether its port answers; without a port, always."""
    try:
        if service.health_url:
            return requests.get(service.health_url, timeout=5).ok
        if service.port:
            socket.create_connection(("127.0.0.1", service.port), timeout=5).close()
    except (requests.RequestException, OSError):
        return False
    return True


def _tail(home: Path, name: str, lines: int = 15) -> str:
    return "\n".join(log_path(home, name).read_text(errors="replace").splitlines()[-lines:])


def _pid_file(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.pid"


def _record(home: Path, name: str) -> _Record | None:
    try:
        return _Record(**json.loads(_pid_file(home, name).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def members_of(home: Path, name: str) -> list[int]:
    """Living processes of the service, its leader first.

    A session keeps the id of its leader, and no new process gets that id while one of them lives.
    """
    record = _record(home, name)
    if record is None or started_at(record.pid) not in (record.started, None):
        return []
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            session, started = int(stat[3]), int(stat[19])
            if session == record.pid and started >= record.started:
                found.append(int(entry.name))
    return sorted(found, key=lambda pid: pid != record.pid)


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the state on, or None when the process is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    return None if fields[0] in "ZX" else fields


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
