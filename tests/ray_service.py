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
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.services import free_ports

START_SECONDS = 120
_STORE_BYTES = 150_000_000


@dataclass
class RayCluster:
    """A head without GPUs, and worker nodes; `address` is where jobs are submitted."""

    address: str
    gcs: str
    env: dict[str, str]
    temp: Path
    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: int = 0

    def add_node(self, cpus: int = 2, gpus: int = 1) -> str:
        """Starts one more worker node; returns its name."""
        self.started += 1
        name, number = f"node-{self.started}", self.started
        address = f"127.0.0.{number + 2}"
        arguments = ["--address", self.gcs, "--node-ip-address", address, *_ports(number)]
        self._start(name, [*arguments, f"--num-cpus={cpus}", f"--num-gpus={gpus}"])
        return name

    def kill(self, name: str) -> None:
        """SIGKILL to every process of a node."""
        process = self.nodes.pop(name)
        for pid in _tree(process.pid):
            _signal(pid, signal.SIGKILL)
        process.wait()

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

    def _start(self, name: str, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
        command += [f"--object-store-memory={_STORE_BYTES}", *arguments]
        with (self.temp / f"{name}.log").open("wb") as log:
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
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    cluster = RayCluster(f"http://127.0.0.1:{dashboard}", f"127.0.0.2:{gcs}", settings, temp)
    head = ["--head", "--node-ip-address=127.0.0.2", f"--port={gcs}", "--num-cpus=2", "--num-gpus=0", *_ports(0)]
    head += ["--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}", f"--ray-client-server-port={client}"]
    cluster._start("head", [*head, f"--temp-dir={temp}"])
    try:
        _wait_for(lambda: requests.get(f"{cluster.address}/api/version", timeout=5).ok, "the head", cluster)
        for _ in range(nodes):
            cluster.add_node()
        _wait_for(lambda: cluster.gpus()[1] >= nodes, f"{nodes} nodes", cluster)
    except RuntimeError:
        cluster.stop()
        raise
    return cluster


def _ports(number: int) -> list[str]:
    lowest = 20_000 + 1_000 * number
    agent, grpc, runtime = free_ports(3)
    return [
        f"--min-worker-port={lowest + 102}",
        f"--max-worker-port={lowest + 999}",
        f"--dashboard-agent-listen-port={agent}",
        f"--dashboard-agent-grpc-port={grpc}",
        f"--runtime-env-agent-port={runtime}",
    ]


def _wait_for(ready: Callable[[], bool], what: str, cluster: RayCluster) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            if ready():
                return
        except (requests.RequestException, KeyError, ValueError):
            pass
        time.sleep(0.5)
    logs = "\n".join(path.read_text()[-1500:] for path in cluster.temp.glob("*.log"))
    raise RuntimeError(f"Ray: {what} not ready after {START_SECONDS} s\n{logs}")


def _tree(pid: int) -> list[int]:
    """A process and all below it, also those that began a session of their own."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    parents = [tuple(map(int, line.split())) for line in listed.splitlines()[1:]]
    found = [pid]
    for each in found:
        found += [child for child, parent in parents if parent == each]
    return found


def _signal(pid: int, what: signal.Signals) -> None:
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        pass
