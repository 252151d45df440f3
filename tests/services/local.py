"""Real services for tests, each started on free ports under a folder of the test and stopped by it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

START_SECONDS = 180
"""Far above the two or three seconds it takes alone: the machine may be running other servers' tests."""


@dataclass
class S3Server:
    """A running S3 server: its address, the AWS_* variables that clients need, and how to end it."""

    endpoint: str
    env: dict[str, str]
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ends the server; harmless if it has ended."""
        if self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def free_ports(count: int) -> list[int]:
    """So many ports of 127.0.0.1 that nobody listens on right now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def start_s3(folder: Path, bucket: str = "chai", readers: Mapping[str, str] | None = None) -> S3Server:
    """A SeaweedFS server with its data under `folder` and one empty bucket, ready when this returns.

    `readers` are keys, with their secrets, that may read and not write. Raises RuntimeError with the end of its log
    if it does not come up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = ["master", "volume", "filer", "s3", "admin"]
    ports = free_ports(2 * len(parts))
    endpoint = f"http://127.0.0.1:{ports[parts.index('s3')]}"
    flags = [f"-{part}.port={port}" for part, port in zip(parts, ports[: len(parts)], strict=True)]
    flags += [f"-{part}.port.grpc={port}" for part, port in zip(parts, ports[len(parts) :], strict=True)]
    flags += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-master.telemetry=false"]
    flags += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={bucket}", f"-dir={folder}"]
    env = {
        "AWS_ACCESS_KEY_ID": "chai-test",
        "AWS_SECRET_ACCESS_KEY": "chai-test-secret",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    if readers:
        (folder / "keys.json").write_text(json.dumps({"identities": list(_identities(env, readers))}))
        flags.append(f"-s3.config={folder / 'keys.json'}")
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "weed"), "mini", *flags],
            env={**os.environ, **env},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = S3Server(endpoint, env, process)
    deadline = time.monotonic() + START_SECONDS
    while not _bucket_answers(server, bucket):
        if process.poll() is not None or time.monotonic() > deadline:
            server.stop()
            raise RuntimeError(f"the S3 server did not start:\n{(folder / 'weed.log').read_text()[-2000:]}")
        time.sleep(0.2)
    return server


def _identities(env: Mapping[str, str], readers: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    owner = {env["AWS_ACCESS_KEY_ID"]: env["AWS_SECRET_ACCESS_KEY"]}
    for keys, actions in ((owner, ["Admin", "Read", "Write", "List"]), (readers, ["Read", "List"])):
        for name, secret in keys.items():
            yield {"name": name, "credentials": [{"accessKey": name, "secretKey": secret}], "actions": actions}


def _bucket_answers(server: S3Server, bucket: str) -> bool:
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=server.env["AWS_SECRET_ACCESS_KEY"],
        region_name=server.env["AWS_REGION"],
        config=Config(connect_timeout=1, retries={"total_max_attempts": 1}),
    )
    try:
        client.head_bucket(Bucket=bucket)
    except (ClientError, BotoCoreError):
        return False
    return True
