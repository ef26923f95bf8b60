#!/usr/bin/env python3
"""A crowd of client connections that cost next to nothing: idle, slow, or dripping.

  idle   one GET on each, read to its end, then silence on the kept-alive connection
  slow   half a request head, then silence
  drip   half a request head, then one more byte of it every few seconds, each in its own time

A connection that the proxy ends is opened again with --reopen, as an attacker would. One process
holds a few thousand: `Crowd` starts as many as are needed, and gives each a loopback address of
its own to come from, since one address has only so many ports. A crowd that is slow sends its half
heads at a word, all at once; one that drips begins at that word and has begun everywhere when
`RAMP` intervals are over.
"""

import argparse
import collections
import contextlib
import pathlib
import select
import socket
import subprocess
import sys
import time

PER_PROCESS = 5000
# Of all processes together, so that neither the proxy nor its backend sees a burst.
IN_FLIGHT = 64
HALF_HEAD = b"GET / HTTP/1.1\r\nHost: crowd\r\nX-Slow: "
GET = b"GET / HTTP/1.1\r\nHost: crowd\r\nCookie: _TRAEFIK_BACKEND=http://127.0.0.2:9000\r\n\r\n"
# Linux: the port is chosen when connecting, so addresses do not have to share one range of ports.
IP_BIND_ADDRESS_NO_PORT = 24
OPENING_S = 60
RAMP = 2


class Crowd:
    """The processes, as the load tests see them."""

    def __init__(self, kind, port, connections, cpu, reopen=False, every=5.0):
        self.processes, at = [], 0
        while connections > 0:
            number = min(connections, PER_PROCESS)
            command = ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", cpu, sys.executable,
                       str(pathlib.Path(__file__).resolve()), kind, str(port), str(number),
                       "--from", f"127.0.1.{at + 1}", "--every", str(every)]  # fmt: skip
            pipe = subprocess.PIPE
            command += ["--reopen"] if reopen else []
            self.processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
            connections, at = connections - number, at + 1

    def open(self):
        """Returns when every connection is open (and idle ones have got their answer)."""
        # One after another: together they would only wait for each other on the same CPU.
        for process in self.processes:
            self._say(process, "open")
            self._hear(process)

    def go(self):
        """Lets slow and dripping ones send their half heads."""
        for process in self.processes:
            self._say(process, "go")
        for process in self.processes:
            self._hear(process)

    def pids(self):
        return [process.pid for process in self.processes]

    def close(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
            process.stdin.close()
            process.stdout.close()

    @staticmethod
    def _say(process, word):
        process.stdin.write(word + "\n")
        process.stdin.flush()

    @staticmethod
    def _hear(process):
        if process.stdout.readline().strip() != "done":
            raise SystemExit("a process of the crowd has failed; it says why above")


class Part:
    """The connections of one process."""

    def __init__(self, options):
        self.options = options
        self.target = ("127.0.0.1", options.port)
        self.epoll = select.epoll()
        self.sockets = {}
        # Bytes of its answer that an idle one still waits for; no entry once it has them all.
        self.answers = {}
        self.ended = 0

    def connect(self):
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((self.options.source, 0))
        sock.settimeout(10)
        sock.connect(self.target)
        sock.setblocking(False)
        self.sockets[sock.fileno()] = sock
        self.epoll.register(sock.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        if self.options.kind == "idle":
            sock.send(GET)
            self.answers[sock.fileno()] = b""
        return sock

    def look(self, timeout_s):
        """Takes what has come; drops the connections that have ended."""
        for fd, _ in self.epoll.poll(timeout_s):
            sock = self.sockets[fd]
            try:
                data = sock.recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self.drop(fd)
            elif fd in self.answers:
                self.answers[fd] += data
                if complete(self.answers[fd]):
                    del self.answers[fd]

    def drop(self, fd):
        self.answers.pop(fd, None)
        self.sockets.pop(fd).close()
        self.ended += 1

    def open_all(self):
        end = time.monotonic() + OPENING_S
        while len(self.sockets) < self.options.connections or self.answers:
            if time.monotonic() > end or self.ended > self.options.connections:
                raise SystemExit(
                    f"crowd: {len(self.sockets)} open, {len(self.answers)} of them without their "
                    f"answer, {self.ended} ended by the proxy"
                )
            if len(self.sockets) < self.options.connections and len(self.answers) < IN_FLIGHT:
                self.connect()
                self.look(0)
            else:
                self.look(0.1)

    def go(self):
        if self.options.kind == "slow":
            for sock in list(self.sockets.values()):
                with contextlib.suppress(OSError):
                    sock.send(HALF_HEAD)

    def stay(self):
        """Until this process is ended: drips, and opens again what the proxy has ended."""
        first, later = self.first_drips(), collections.deque()
        while True:
            self.look(0.05)
            now = time.monotonic()
            for queue, piece in (first, HALF_HEAD), (later, b"x"):
                while queue and queue[0][0] <= now:
                    _, sock = queue.popleft()
                    if sock.fileno() >= 0:
                        with contextlib.suppress(OSError):
                            sock.send(piece)
                        later.append((now + self.options.every, sock))
            missing = self.options.connections - len(self.sockets)
            # At most so many at a time that the drips are not late.
            for _ in range(min(missing, 50) if self.options.reopen else 0):
                try:
                    sock = self.connect()
                    if self.options.kind != "idle":
                        sock.send(HALF_HEAD)
                except OSError:
                    break
                if self.options.kind == "drip":
                    later.append((now + self.options.every, sock))

    def first_drips(self):
        """When each of the connections begins."""
        if self.options.kind != "drip":
            return collections.deque()
        now, step = time.monotonic(), RAMP * self.options.every / len(self.sockets)
        drips = ((now + number * step, sock) for number, sock in enumerate(self.sockets.values()))
        return collections.deque(drips)


def complete(answer):
    """A whole response with a length; a crowd asks for nothing else."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        return False
    if not head.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"crowd: the proxy answered {head[:100]}")
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    raise SystemExit("crowd: an answer without a length")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("kind", choices=("idle", "slow", "drip"))
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("--from", dest="source", default="127.0.1.1")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between drips")
    parser.add_argument("--reopen", action="store_true")
    part = Part(parser.parse_args())
    sys.stdin.readline()
    part.open_all()
    print("done", flush=True)
    if part.options.kind != "idle":
        sys.stdin.readline()
        part.go()
        print("done", flush=True)
    part.stay()


if __name__ == "__main__":
    main()
