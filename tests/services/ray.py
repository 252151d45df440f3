"""A real Ray cluster of several nodes on this machine, on ports of its own; only its own processes are ever ended.

Nodes have loopback addresses of their own (127.0.0.2 and up: Ray replaces 127.0.0.1 by the outward address), and
a logical GPU each where asked for.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import requests

from tests.services.local import free_ports

START_SECONDS = 600
_STORE_BYTES = 150_000_000
_places = count()


@dataclass
class RayCluster:
    """A head without GPUs, and worker nodes; `address` is where jobs are submitted."""

    address: str
    gcs: str
    env: dict[str, str]
    temp: Path
    place: int
    """Which of the clusters of this process it is: each has addresses and ports of its own."""
    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: int = 0
    arguments: dict[str, list[str]] = field(default_factory=dict)
    """What each node was started with."""

    def add_node(self, cpus: int = 2, gpus: int = 1) -> str:
        """Starts one more worker node and waits for it; returns its name.

        One after the other: nodes that start together on one machine choose the same names for their sockets.
        """
        self.started += 1
        name, number = f"node-{self.started}", self.started
        arguments = ["--address", self.gcs, *_own(self.place, number)]
        before = self.alive()
        self._start(name, [*arguments, f"--num-cpus={cpus}", f"--num-gpus={gpus}"])
        _wait_for(lambda: self.alive() > before, name, self)
        return name

    def kill(self, name: str) -> None:
        """SIGKILL to every process of a node."""
        process = self.nodes.pop(name)
        end(*_tree(process.pid))
        process.wait()

    def alive(self) -> int:
        """Nodes that are up, the head among them."""
        nodes = requests.get(f"{self.address}/nodes?view=summary", timeout=10).json()["data"]["summary"]
        return sum(node["raylet"]["state"] == "ALIVE" for node in nodes)

    def gpus(self) -> tuple[float, float]:
        """Logical GPUs in use, and all there are."""
        status = requests.get(f"{self.address}/api/cluster_status", timeout=10).json()
        usage = status["data"]["clusterStatus"]["loadMetricsReport"]["usage"].get("GPU", [0.0, 0.0])
        return usage[0], usage[1]

    def stop(self) -> None:
        """Ends all nodes, the head last."""
        for name in reversed(list(self.nodes)):
            self.kill(name)
        shutil.rmtree(self.temp, ignore_errors=True)

    def start_again(self) -> None:
        """Starts the nodes again that have given up: on a busy machine a node's parts do not find one another."""
        for name, process in self.nodes.items():
            if process.poll() is not None:
                self._start(name, self.arguments[name])

    def _start(self, name: str, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
        command += [f"--object-store-memory={_STORE_BYTES}", *arguments]
        self.arguments[name] = arguments
        with (self.temp / f"{name}.log").open("ab") as log:
            self.nodes[name] = subprocess.Popen(
                command, env=self.env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )


def start_ray(env: dict[str, str] | None = None, nodes: int = 2) -> RayCluster:
    """A cluster whose jobs find this environment's Python and `env`; ready when this returns, or RuntimeError."""
    # Ray puts sockets below this folder, and their paths may not be long.
    temp = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    dashboard, client = free_ports(2)
    gcs = random.choice([*range(7000, 9900)])  # Ray refuses one among its workers' ports, which start at 10002
    settings = {
        **os.environ,
        **(env or {}),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "RAY_raylet_start_wait_time_s": "120",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    place = next(_places) % 3
    cluster = RayCluster(f"http://127.0.0.1:{dashboard}", f"127.0.{place}.2:{gcs}", settings, temp, place)
    head = ["--head", f"--port={gcs}", "--num-cpus=2", "--num-gpus=0", *_own(place, 0)]
    head += ["--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}", f"--ray-client-server-port={client}"]
    cluster._start("head", [*head, f"--temp-dir={temp}"])
    try:
        # The dashboard is up before the head's own node is, and a node that comes earlier gives up.
        _wait_for(lambda: cluster.alive() >= 1, "the head", cluster)
        for _ in range(nodes):
            cluster.add_node()
        _wait_for(lambda: cluster.gpus()[1] >= nodes, f"{nodes} nodes", cluster)
    except RuntimeError:
        cluster.stop()
        raise
    return cluster


def _own(place: int, number: int) -> list[str]:
    """Address and ports of a node; the ports are below those that the system gives to whoever connects somewhere."""
    lowest = 20_000 + 4_000 * place + 1_000 * number
    return [
        f"--node-ip-address=127.0.{place}.{number + 2}",
        f"--dashboard-agent-listen-port={lowest}",
        f"--dashboard-agent-grpc-port={lowest + 1}",
        f"--runtime-env-agent-port={lowest + 2}",
        f"--metrics-export-port={lowest + 3}",
        f"--node-manager-port={lowest + 4}",
        f"--object-manager-port={lowest + 5}",
        f"--min-worker-port={lowest + 100}",
        f"--max-worker-port={lowest + 999}",
    ]


def _wait_for(ready: Callable[[], bool], what: str, cluster: RayCluster) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        cluster.start_again()
        try:
            if ready():
                return
        except (requests.RequestException, KeyError, ValueError):
            pass
        time.sleep(0.5)
    logs = "\n".join(path.read_text()[-1500:] for path in cluster.temp.glob("*.log"))
    raise RuntimeError(f"Ray: {what} not ready after {START_SECONDS} s\n{logs}")


def processes(cluster: RayCluster, named: str) -> list[int]:
    """Processes of the cluster, drivers and actors included, whose command line holds a text."""
    alike = [(pid, parent) for pid, parent, command in _listed() if named in command]
    if not alike:
        return []
    own = {pid for process in cluster.nodes.values() for pid in _tree(process.pid)}
    return [pid for pid, _ in alike if pid in own]


def end(*pids: int) -> bool:
    """SIGKILL to each; whether there was any."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(pids)


def _tree(pid: int) -> list[int]:
    """A process and all below it, also those that began a session of their own."""
    found, listed = [pid], _listed()
    for each in found:
        found += [child for child, parent, _ in listed if parent == each]
    return found


def _listed() -> list[tuple[int, int, str]]:
    """Every process: its id, its parent's, its command line."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args", "-ww"], capture_output=True, text=True, check=True).stdout
    split = [line.split(maxsplit=2) for line in listed.splitlines()[1:]]
    return [(int(pid), int(parent), command) for pid, parent, command in split]
