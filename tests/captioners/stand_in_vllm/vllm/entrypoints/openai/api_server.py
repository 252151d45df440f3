"""Stands in for vLLM where only its being a child process matters: same command line, same key, same two pages.

What it answers holds what it was asked and told, for tests to look at. `--fail` makes it end as it starts. Like the
real one it has an engine in a process of its own, which outlives it, and it may not listen when told to end.
"""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ARGS = sys.argv[1:]
if "--fail" in ARGS:
    sys.exit("ValueError: the model does not fit into the memory")
if "--deaf" in ARGS:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
ENGINE = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
NAME = ARGS[ARGS.index("--served-model-name") + 1]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send({"data": [{"id": NAME}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "die now" in json.dumps(asked):
            print("CUDA out of memory", flush=True)
            os._exit(9)
        seen = {"asked": asked, "args": ARGS, "pid": os.getpid(), "engine": ENGINE.pid, "env": dict(os.environ)}
        message = {"role": "assistant", "content": f"The camera pans left. {json.dumps(seen)}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}
        self.send(
            {"id": "1", "object": "chat.completion", "created": 1, "model": NAME, "choices": [choice], "usage": usage}
        )

    def send(self, body: dict[str, Any]) -> None:
        known = self.headers["authorization"] == f"Bearer {os.environ['VLLM_API_KEY']}"
        data = json.dumps(body).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(ARGS[ARGS.index("--port") + 1])), Handler).serve_forever()
