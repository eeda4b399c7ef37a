# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections of several kinds to a VIP, and the real servers that answer on them with their names."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import cast

from ..integration.namespaces import Namespace

PORT, STICKY_PORT = 80, 81
ASK_EVERY = 0.2  # seconds between the requests of a connection in use
PROBE_EVERY = 1  # seconds between the probes of TCP keepalive
_IP_PKTINFO = 8  # include/uapi/linux/in.h
PATIENCE = 5.0  # seconds for an answer: TCP sends again several times

# used: a request every 0.2 s. keepalive: one request, then TCP keepalive. idle: one request, then nothing. silent: nothing
# since its handshake. udp: as used. sticky: of a client with an address of its own, to a persistent service.
KINDS = ("used", "keepalive", "idle", "silent", "udp", "sticky")


class _Answering(asyncio.Protocol):
    """A connection of a server, on which each line is answered."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to answer on."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer."""
        self._transport.write(self._said * data.count(b"\n"))


class Answers:
    """Servers that answer each line, or datagram, with their name."""

    def __init__(self, real_servers: Mapping[str, Namespace]) -> None:
        self._tcp: list[tuple[bytes, socket.socket]] = []
        self._udp: list[tuple[bytes, socket.socket]] = []
        for name, host in real_servers.items():
            said = f"{name}\n".encode()
            with host.inside():
                self._tcp += [(said, socket.create_server(("", port), backlog=512)) for port in (PORT, STICKY_PORT)]
                udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            udp.setblocking(False)
            udp.bind(("", PORT))
            self._udp.append((said, udp))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer in the block, in the loop that runs."""
        loop = asyncio.get_running_loop()
        servers = [await loop.create_server(partial(_Answering, said), sock=served.dup()) for said, served in self._tcp]
        for said, served in self._udp:
            loop.add_reader(served, self._answer_datagram, said, served)
        try:
            yield
        finally:
            for _said, served in self._udp:
                loop.remove_reader(served)
            for server in servers:
                server.close()

    def _answer_datagram(self, said: bytes, served: socket.socket) -> None:
        _asked, ((level, kind, info),), _flags, client = served.recvmsg(64, socket.CMSG_SPACE(12))
        # From the VIP, whatever the device.
        served.sendmsg([said], [(level, kind, bytes(4) + info[8:12] + bytes(4))], 0, client)


class Connection:
    """A connection of one kind."""

    def __init__(self, kind: str, vip: str, source: str | None) -> None:
        self.kind = kind
        self._vip = vip
        self._source = (source, 0) if source else None
        self._lock = asyncio.Lock()
        self.lives = True
        self._whose = ""
        self._task: asyncio.Task[None] | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Open it, and begin to use it."""
        try:
            await asyncio.wait_for(self._connect(), PATIENCE)
        except (OSError, asyncio.TimeoutError):
            self.lives = False
            return
        if self.kind == "keepalive":
            self._keep_alive()
        if self.kind != "silent":
            await self._ask()
        if self.kind in ("used", "udp"):
            self._task = asyncio.create_task(self._use())
        if self.kind == "sticky":
            self.end()

    def _keep_alive(self) -> None:
        its = self._writer.get_extra_info("socket") if self._writer else None
        if its is not None:
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
                its.setsockopt(socket.IPPROTO_TCP, option, PROBE_EVERY)
            its.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 30)
            its.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    async def check(self) -> bool:
        """Whether a request on it is answered now, by the one that answered before."""
        if self.kind == "sticky":
            try:
                await asyncio.wait_for(self._connect(), PATIENCE)
            except (OSError, asyncio.TimeoutError):
                self.lives = False
        if self.lives:
            await self._ask()
        if self.kind == "sticky":
            self.end()
        return self.lives

    async def close(self) -> None:
        """Drop it."""
        self.lives = False  # a request that ends just now would swallow that its task is cancelled
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.kind == "udp":
            self._udp.close()
        elif self._writer is not None:
            self._writer.transport.abort()

    def end(self) -> None:
        """Close it, as a client does that is done."""
        if self._writer is not None:
            self._writer.close()

    async def _connect(self) -> None:
        if self.kind == "udp":
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.setblocking(False)
            self._udp.connect((self._vip, PORT))
        else:
            port = STICKY_PORT if self.kind == "sticky" else PORT
            self._reader, self._writer = await asyncio.open_connection(self._vip, port, local_addr=self._source)

    async def _use(self) -> None:
        while self.lives:
            await asyncio.sleep(ASK_EVERY)
            await self._ask()

    async def _ask(self) -> None:
        async with self._lock:
            try:
                said = await asyncio.wait_for(self._datagram() if self.kind == "udp" else self._line(), PATIENCE)
            except (OSError, asyncio.TimeoutError):
                said = ""
        self._whose = self._whose or said
        if not said or said != self._whose:
            self.lives = False

    async def _line(self) -> str:
        if self._writer is None:
            return ""
        self._writer.write(b"?\n")
        return (await self._reader.readline()).decode()

    async def _datagram(self) -> str:
        loop = asyncio.get_running_loop()
        while True:  # a datagram that is lost is sent again
            await loop.sock_sendall(self._udp, b"?\n")
            try:
                return (await asyncio.wait_for(loop.sock_recv(self._udp, 64), PATIENCE / 5)).decode()
            except asyncio.TimeoutError:
                continue


class Others:
    """Other traffic: connections that are opened, used once and closed."""

    def __init__(self, vip: str, rate: float) -> None:
        self._vip = vip
        self._rate = rate
        self.opened = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + 1 / self._rate, loop.time() - 0.1)
            task = asyncio.create_task(self._one())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(due - loop.time())

    async def _one(self) -> None:
        connection = Connection("other", self._vip, None)
        await connection.open()
        if connection.lives:
            self.opened += 1
            connection.end()


@contextmanager
def addresses(client: Namespace, number: int) -> Iterator[list[str]]:
    """So many more addresses for the client."""
    made = [f"192.168.56.{index + 1}" for index in range(number)]
    client.sh("".join(f"ip address add {address}/32 dev eth0;" for address in made))
    try:
        yield made
    finally:
        client.sh("".join(f"ip address del {address}/32 dev eth0;" for address in made))
