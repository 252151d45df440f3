"""A model server for benchmarks, in a process of its own: the same answer to all, after a time, to so many at once.

It reads requests and does not look into them, so that it takes little of the processor that is measured. More
requests at a time than allowed get a 429, as a provider would give.

python -m tests.bench.support.slow_model SECONDS AT_ONCE
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from chai_assets.demo.model_server.dialects import OpenAIDialect

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
TOKENS = (1_500, 80)
_CAPTION = (
    "A man in a dark green coat walks from the left side of a narrow street toward a market stall, while a child "
    "waits near the door of a shop with a green sign. He lifts a crate, carries it past two bicycles that lean "
    "against the wall, and puts it on the back of a small van. The light is soft and comes from the right."
)


@contextmanager
def slow_model(seconds: float, at_once: int) -> Iterator[str]:
    """Its address."""
    command = [sys.executable, "-m", "tests.bench.support.slow_model", str(seconds), str(at_once)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.terminate()


class _Server:
    def __init__(self, seconds: float, at_once: int) -> None:
        self._seconds, self._at_once, self._now = seconds, at_once, 0
        self._answer = _response(200, OpenAIDialect().answer(_CAPTION, "stop", TOKENS))
        self._busy = _response(429, OpenAIDialect().error(429, "too many requests at once"))

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one connection, one after the other."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                await reader.readexactly(int(found[1]) if found else 0)
                writer.write(await self._respond())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _respond(self) -> bytes:
        if self._now >= self._at_once:
            return self._busy
        self._now += 1
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self._now -= 1
        return self._answer


def _response(status: int, body: object) -> bytes:
    data = json.dumps(body).encode()
    return b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        status,
        len(data),
        data,
    )


async def _main(seconds: float, at_once: int) -> None:
    server = await asyncio.start_server(_Server(seconds, at_once).connection, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(float(sys.argv[1]), int(sys.argv[2])))
