"""A TCP proxy that makes a local connection as slow to answer as one between two cities.

It runs as a process of its own, `python -m flows.bench.delay_proxy HOST PORT MILLISECONDS`, so that it does not take
the measured program's time; it prints its port and ends when its standard input ends.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Pieces on their way in one direction: 256 of 64 KiB, more than any SSH window.
_PIECES = 256
_PIECE = 65_536


@contextmanager
def delay_proxy(host: str, port: int, round_trip: float) -> Iterator[int]:
    """The port on 127.0.0.1 of a proxy that adds `round_trip` milliseconds, half in each direction."""
    command = [sys.executable, "-m", "flows.bench.delay_proxy", host, str(port), str(round_trip)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline() if process.stdout else "")
        finally:
            process.kill()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """One direction: every piece is handed on `seconds` after it came, in order."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_PIECES)

    async def deliver() -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                return
            writer.write(piece)
            await writer.drain()

    with suppress(ConnectionError):
        async with asyncio.TaskGroup() as group:
            group.create_task(deliver())
            piece = b"-"
            while piece:
                piece = await reader.read(_PIECE)
                await pieces.put((loop.time() + seconds, piece))
    writer.close()


async def _serve(host: str, port: int, seconds: float) -> None:
    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        there, back = _carry(reader, far_writer, seconds), _carry(far_reader, writer, seconds)
        await asyncio.gather(there, back, return_exceptions=True)

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)
    server.close()


def main() -> None:
    """Carry connections until standard input ends. Arguments: host, port, milliseconds of a round trip."""
    host, port, round_trip = sys.argv[1:]
    asyncio.run(_serve(host, int(port), float(round_trip) / 2000))


if __name__ == "__main__":
    main()
