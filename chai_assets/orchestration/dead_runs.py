"""Runs whose process is gone: a machine that went down, a worker killed together with the server that watched it.

Dagster's default launcher watches a worker only from the code server that started it. Left alone such a run counts
as under way for ever, and holds its batch and its pool. A sensor looks for them from within a code server, which
shares its machine (its container) with the workers; a command looks for those of its own machine.
"""

import os
import re
import socket
import time
from pathlib import Path

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG

from chai_resources.services.processes import started_at

PROCESS_TAG = "chai/process"
"""Run tag of a run that lives in a command's own process: which one that is."""
GONE = "its process is gone (killed, out of memory, or the machine went down); the next run finishes the work"

_WORKER = re.compile(r"Started process for run \(pid: (\d+)\)")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_CLOCKS_APART_S = 2.0
"""A process starts before it says so; the two clocks are read one after the other, in ticks of 10 ms."""


def bury_dead_runs(instance: dg.DagsterInstance, in_code_server: bool = False) -> list[str]:
    """Ends the runs of this machine whose process is gone; returns their ids.

    A run of another launcher, or of a command on another machine, is left to those who can see it. Workers are seen
    only `in_code_server`: a command may run in another container, to which theirs are no processes.
    """
    under_way = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
    )
    buried = []
    for run in instance.get_runs(under_way):
        if _process_is_gone(instance, run, in_code_server) and not _ended(instance, run.run_id):
            canceled = run.status == dg.DagsterRunStatus.CANCELING
            (instance.report_run_canceled if canceled else instance.report_run_failed)(run, GONE)
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            buried.append(run.run_id)
    return buried


def process_tag(pid: int) -> str:
    """A process as no other can be: machine, pid, and when it started."""
    return f"{socket.gethostname()} {pid} {started_at(pid)}"


def _process_is_gone(instance: dg.DagsterInstance, run: dg.DagsterRun, in_code_server: bool) -> bool:
    if command := run.tags.get(PROCESS_TAG):
        host, _, rest = command.partition(" ")
        return host == socket.gethostname() and bool(rest) and process_tag(int(rest.split()[0])) != command
    # The tag is the default launcher's: the worker is a child of the code server.
    return in_code_server and GRPC_INFO_TAG in run.tags and _worker_is_gone(instance, run)


def worker_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int | None:
    """The pid of the run's worker, while that lives and is no other process by now."""
    named = _named(instance, run)
    began = _began_at(named[0]) if named else None
    return named[0] if named and began and began <= named[1] + _CLOCKS_APART_S else None


def _worker_is_gone(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the worker that named its pid is gone; one that has named none yet is starting."""
    return _named(instance, run) is not None and worker_of(instance, run) is None


def _named(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[int, float] | None:
    """The pid that the run's worker named, and when it did, in seconds since the epoch."""
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        if named := _WORKER.search(entry.message or entry.user_message):
            return int(named[1]), entry.timestamp
    return None


def _began_at(pid: int) -> float | None:
    """When a process of this machine began, in seconds since the epoch; None if there is none."""
    ticks = started_at(pid)
    if ticks is None:
        return None
    up = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - up + ticks / _TICKS_A_SECOND


def _ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run has ended since it was read: a worker that is done is gone as well."""
    now = instance.get_run_by_id(run_id)
    return now is None or now.is_finished
