"""Starting and stopping real processes, stubborn and short-lived ones among them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chai_resources.environment import child_environment
from chai_resources.services.processes import Service, ServiceFailed, running, start, stop
from tests.services.local import free_ports

SERVER = "import http.server, sys; http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))"
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(600)
"""


def _service(name: str, program: str, *arguments: object, **options: object) -> Service:
    argv = [sys.executable, "-c", program, *map(str, arguments)]
    return Service(name, argv, child_environment({}), **options)  # type: ignore[arg-type]


def web_service(tmp_path: Path) -> Service:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/"
    return _service("web", SERVER, port, health_url=url, port=port, port_variable="CHAI_WEB_PORT", folder=tmp_path)


def started(home: Path) -> list[str]:
    """Services of this home that have a pid file."""
    return sorted(path.stem for path in (home / "run").glob("*.pid"))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_service_is_started_once_and_stopped(tmp_path: Path):
    web = web_service(tmp_path)
    start(tmp_path, web)
    pid = json.loads((tmp_path / "run" / "web.pid").read_text())["pid"]
    start(tmp_path, web)
    assert (running(tmp_path, "web"), started(tmp_path)) == (True, ["web"])
    assert json.loads((tmp_path / "run" / "web.pid").read_text())["pid"] == pid
    assert os.getsid(pid) == pid != os.getsid(0)
    assert "GET /" in (tmp_path / "run" / "web.log").read_text()
    assert stop(tmp_path, "web")
    assert (running(tmp_path, "web"), started(tmp_path), _alive(pid)) == (False, [], False)
    assert not stop(tmp_path, "web")


def test_a_service_outlives_the_program_that_started_it(tmp_path: Path):
    program = "import sys; from tests.resources.test_processes import *; "
    program += "start(Path(sys.argv[1]), web_service(Path(sys.argv[1])))"
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    assert running(tmp_path, "web")
    assert stop(tmp_path, "web")


def test_a_stubborn_service_is_killed_with_its_children(tmp_path: Path):
    told = tmp_path / "child"
    start(tmp_path, _service("stubborn", STUBBORN, told))
    while not told.exists() or not told.read_text():
        time.sleep(0.05)
    assert stop(tmp_path, "stubborn", grace=0.5)
    assert not _alive(int(told.read_text()))


def test_children_of_a_killed_service_are_stopped_too(tmp_path: Path):
    told = tmp_path / "child"
    start(tmp_path, _service("stubborn", STUBBORN, told))
    while not told.exists() or not told.read_text():
        time.sleep(0.05)
    leader = json.loads((tmp_path / "run" / "stubborn.pid").read_text())["pid"]
    os.kill(leader, 9)
    os.waitpid(leader, 0)
    assert not running(tmp_path, "stubborn")
    assert stop(tmp_path, "stubborn", grace=0.5)
    assert not _alive(int(told.read_text()))


def test_a_pid_that_now_belongs_to_someone_else_is_left_alone(tmp_path: Path):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "web.pid").write_text(json.dumps({"pid": other.pid, "started": 1}))
        assert not running(tmp_path, "web")
        assert not stop(tmp_path, "web")
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_taken_port_a_crash_and_silence_are_told_apart(tmp_path: Path):
    web = web_service(tmp_path)
    start(tmp_path, web)
    try:
        with pytest.raises(ServiceFailed, match=rf"port {web.port} is taken.*set CHAI_WEB_PORT"):
            start(tmp_path / "other", web)
        assert not (tmp_path / "other").exists()
    finally:
        stop(tmp_path, "web")
    with pytest.raises(ServiceFailed, match=r"crash ended with code 3:\n.*no luck"):
        start(
            tmp_path,
            _service("crash", "import sys; print('no luck'); sys.exit(3)", health_url=web.health_url),
        )
    with pytest.raises(ServiceFailed, match=r"silent did not answer within 1 s \(http"):
        start(tmp_path, _service("silent", "import time; time.sleep(60)", health_url=web.health_url), timeout=1)
    assert started(tmp_path) == []
