"""What died is started again with growing pauses, what was stopped stays stopped, and what hangs is ended."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import requests

from chai_assets.deployment.supervisor import FIRST_PAUSE_S, LONGEST_PAUSE_S, PROVEN_S, Supervisor, Watched
from chai_resources.environment import child_environment
from chai_resources.services.processes import Service, members_of, running, should_run, start, started_at, stop
from tests.services.local import free_ports

SERVER = "import http.server, sys; http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))"
PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
time.sleep(600)
"""
PATIENCE_S = 20.0


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Home:
    """A home with one service, and a supervisor that looks after it."""

    def __init__(self, folder: Path, program: str = SERVER) -> None:
        [port] = free_ports(1)
        argv = [sys.executable, "-c", program, str(port)]
        where = {"health_url": f"http://127.0.0.1:{port}/", "port": port} if program == SERVER else {}
        self.service = Service("web", argv, child_environment({}), folder=folder, **where)  # type: ignore[arg-type]
        self.folder, self.said, self.clock = folder, list[str](), Clock()
        watched = Watched(self.service, self.answers, PATIENCE_S)
        self.supervisor = Supervisor(folder, [watched], self.said.append, self.clock)

    def answers(self) -> bool:
        try:
            return requests.get(self.service.health_url, timeout=0.5).ok
        except requests.RequestException:
            return False

    def pid(self) -> int:
        return json.loads((self.folder / "run" / "web.pid").read_text())["pid"]

    def kill(self) -> None:
        os.kill(self.pid(), signal.SIGKILL)
        while running(self.folder, "web"):
            time.sleep(0.01)

    def look(self, seconds: float = 0.0) -> None:
        """One look, so many seconds later."""
        self.clock.now += seconds
        self.supervisor.look()


@pytest.fixture
def home(tmp_path: Path):
    made = Home(tmp_path)
    yield made
    stop(tmp_path, "web")


def test_a_service_that_died_is_started_again_and_said_so(home: Home) -> None:
    start(home.folder, home.service)
    home.look()
    assert home.said == []
    home.kill()
    home.look()
    assert running(home.folder, "web")
    [said] = home.said
    assert said.startswith("web died and was started again; its log is ")


def test_what_a_dead_service_left_behind_is_ended_first(tmp_path: Path) -> None:
    home = Home(tmp_path, PARENT)
    start(tmp_path, home.service)
    while len(left := members_of(tmp_path, "web")) < 2:
        time.sleep(0.05)
    home.kill()
    assert members_of(tmp_path, "web") == left[1:]
    home.look()
    assert running(tmp_path, "web")
    assert started_at(left[1]) is None
    stop(tmp_path, "web")


def test_what_was_stopped_or_never_started_stays_so(home: Home) -> None:
    home.look()
    assert not running(home.folder, "web")
    start(home.folder, home.service)
    stop(home.folder, "web")
    home.look(1000)
    assert (running(home.folder, "web"), home.said) == (False, [])


def test_pauses_double_to_a_minute_and_end_once_a_service_lasts(home: Home) -> None:
    start(home.folder, home.service)
    pauses = []
    for _ in range(9):
        home.kill()
        waited = 0.0
        while not running(home.folder, "web"):
            home.look(0.5)
            waited += 0.5
        pauses.append(waited)
    assert pauses[1:4] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S
    for _ in range(2):
        home.look(PROVEN_S)
    home.kill()
    home.look()
    assert running(home.folder, "web")


def test_one_that_cannot_be_started_is_tried_again_and_stops_no_look(home: Home) -> None:
    start(home.folder, home.service)
    home.kill()
    argv = list(home.service.argv)
    home.service.argv[:] = [sys.executable, "-c", "raise SystemExit('no disk')"]
    home.look()
    assert "web died and does not come up, which is tried again: web ended with code 1:" in home.said[0]
    assert "no disk" in home.said[0]
    assert should_run(home.folder, "web")
    home.service.argv[:] = argv
    home.look(LONGEST_PAUSE_S)
    assert running(home.folder, "web")


def test_one_that_answers_no_more_is_ended_and_started_again_after_a_while(home: Home) -> None:
    start(home.folder, home.service)
    pid = home.pid()
    os.kill(pid, signal.SIGSTOP)
    home.look(11)
    assert home.pid() == pid, "it may only be slow"
    home.look(PATIENCE_S)
    assert home.pid() != pid
    assert home.said[0].startswith("web did not answer for 20 s and was started again")
    assert home.answers()
