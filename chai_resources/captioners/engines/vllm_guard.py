"""Runs a command for as long as the process that asked for it lives, and leaves nothing of it behind.

`python vllm_guard.py PARENT COMMAND...`; it needs nothing but Python. vLLM alone does not do: told to end while it
loads, it may go on, and when it is killed its engine stays and holds the GPU.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time

GRACE_S = 15.0
LOOK_S = 0.25


def run(parent: int, command: list[str]) -> int:
    """The command's exit code; all of its processes are gone then."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    # Asked of the kernel as a signal (PR_SET_PDEATHSIG) it would come when the thread that started us ends.
    while server.poll() is None and not told and os.getppid() == parent:
        time.sleep(LOOK_S)
    if server.poll() is None:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(GRACE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    code = server.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), sys.argv[2:]))
