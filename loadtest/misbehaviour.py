"""Backends that break their promises: what each does, and what a client may get of it.

Every answer of theirs names the role and the token of its request, and its body is made from that
token alone: so bytes of another exchange, another service or another place show.
"""

import contextlib
import hashlib
import socket
import struct
import threading
import time

PORT = 9100
BODY = 20_000
UPLOAD = 1 << 20
POISON = b"HTTP/1.1 200 OK\r\nX-Role: poison\r\nContent-Length: 6\r\n\r\npoison"
# Longer than any client waits.
STALL_S = 4


class Role:
    """`whole`, `partial`: its own answer may reach the client complete, or cut. `errors`: what the
    proxy may answer in its place. `waits`: the client may be left without an end of the answer.
    `cut`: the client's connection may end without an answer."""

    def __init__(self, play, *, errors=(), whole=False, partial=False, waits=False, cut=False,
                 upload=0, status=200, length=BODY):  # fmt: skip
        self.name, self.play = play.__name__.replace("_", "-"), play
        self.errors, self.whole, self.partial = set(errors), whole, partial
        self.waits, self.cut, self.upload = waits, cut, upload
        self.status, self.length = status, length


def content(token, length):
    seed = hashlib.sha256(token.encode()).hexdigest().encode()
    return (seed * (length // len(seed) + 1))[:length]


class Peer:
    """The proxy, as a backend sees it."""

    def __init__(self, role, sock):
        self.role, self.sock, self.token = role, sock, ""
        self.reader = sock.makefile("rb")

    def request(self, body=True):
        """Reads a request; false at the end of the connection."""
        length = 0
        while line := self.reader.readline():
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "x-token":
                self.token = value.strip()
            elif name.lower() == "content-length":
                length = int(value)
            elif line == b"\r\n":
                return not body or len(self.reader.read(length)) == length
        return False

    def say(self, data):
        self.sock.sendall(data)

    def head(self, *fields, status="200 OK", then=b""):
        """`then` goes out in the same piece."""
        lines = [f"HTTP/1.1 {status}", f"X-Role: {self.role}", f"X-Token: {self.token}", *fields]
        self.say("\r\n".join([*lines, "", ""]).encode() + then)

    def body(self, length=BODY):
        return content(self.token, length)

    def reset(self):
        # No lingering: the close is a reset.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_at_once(peer):
    peer.reset()


def reset_in_body(peer):
    if peer.request():
        peer.head(f"Content-Length: {BODY}")
        peer.say(peer.body()[: BODY // 2])
        peer.reset()


def stall_before_head(peer):
    if peer.request():
        time.sleep(STALL_S)


def stall_in_body(peer):
    if peer.request():
        peer.head(f"Content-Length: {BODY}")
        peer.say(peer.body()[: BODY // 2])
        time.sleep(STALL_S)


def half_close(peer):
    """Ends its direction inside the body, and goes on reading."""
    if peer.request():
        peer.head(f"Content-Length: {BODY}")
        peer.say(peer.body()[: BODY // 2])
        peer.sock.shutdown(socket.SHUT_WR)
        peer.sock.settimeout(STALL_S)
        peer.reader.read(1)


def garbage(peer):
    if peer.request():
        peer.say(b"SSH-2.0-OpenSSH_9.2\r\n\x00\x01\x02\r\n\r\n")


def early_answer(peer):
    """Refuses a large upload after its head and leaves the rest unread, so its close is a reset."""
    if peer.request(body=False):
        peer.head("Content-Length: 100", "Connection: close", status="413 Content Too Large")
        peer.say(peer.body(100))


def short_length(peer):
    if peer.request():
        peer.head(f"Content-Length: {BODY}")
        peer.say(peer.body()[: BODY - 1])


def short_chunks(peer):
    """Ends between two chunks, without the last one."""
    if peer.request():
        peer.head("Transfer-Encoding: chunked")
        peer.say(b"%x\r\n%s\r\n" % (BODY // 2, peer.body()[: BODY // 2]))


def bad_chunk(peer):
    if peer.request():
        peer.head("Transfer-Encoding: chunked")
        peer.say(b"10\r\n%s\r\n-1\r\n%s\r\n0\r\n\r\n" % (peer.body(16), peer.body(16)))


def endless_interim(peer):
    if peer.request():
        end = time.monotonic() + STALL_S
        while time.monotonic() < end:
            peer.say(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
            time.sleep(0.001)


def slow_drip(peer):
    while peer.request():
        peer.head("Content-Length: 40")
        for byte in peer.body(40):
            peer.say(bytes([byte]))
            time.sleep(0.01)


def huge_head(peer):
    if peer.request():
        peer.head(f"X-Huge: {'x' * 200_000}", f"Content-Length: {BODY}")
        peer.say(peer.body())


def extra_bytes(peer):
    """In one piece with the answer: later ones might meet the next request already on its way."""
    while peer.request():
        peer.head("Content-Length: 40", then=peer.body(40) + POISON)


def body_of_no_content(peer):
    while peer.request():
        peer.head(status="204 No Content", then=POISON)


def close_on_reuse(peer):
    if peer.request():
        peer.head(f"Content-Length: {BODY}")
        peer.say(peer.body())
        peer.reader.read(1)


def never_reads(peer):
    time.sleep(STALL_S)


def two_lengths(peer):
    if peer.request():
        peer.head(f"Content-Length: {BODY}", f"Content-Length: {BODY // 2}")
        peer.say(peer.body())


def length_and_chunks(peer):
    if peer.request():
        peer.head("Content-Length: 5", "Transfer-Encoding: chunked")
        peer.say(b"%x\r\n%s\r\n0\r\n\r\n" % (BODY, peer.body()))


ROLES = [
    Role(reset_at_once, errors={502}),
    Role(reset_in_body, errors={502}, partial=True),
    Role(stall_before_head, waits=True),
    Role(stall_in_body, partial=True, waits=True),
    Role(half_close, partial=True),
    Role(garbage, errors={502}),
    # Its reset may overtake its answer: then there is none to pass on.
    Role(early_answer, errors={502}, whole=True, partial=True, cut=True, upload=UPLOAD, status=413,
         length=100),
    Role(short_length, partial=True),
    Role(short_chunks, partial=True),
    Role(bad_chunk, errors={502}, partial=True),
    Role(endless_interim, errors={502}),
    Role(slow_drip, whole=True, length=40),
    Role(huge_head, errors={502}),
    Role(extra_bytes, whole=True, length=40),
    Role(body_of_no_content, whole=True, status=204, length=0),
    Role(close_on_reuse, whole=True),
    Role(never_reads, waits=True, upload=UPLOAD),
    Role(two_lengths, errors={502}),
    Role(length_and_chunks, errors={502}),
]  # fmt: skip


def address(number):
    return f"127.0.3.{number + 1}"


def start():
    """Every role listens on an address of its own."""
    for number, role in enumerate(ROLES):
        listener = socket.create_server((address(number), PORT), backlog=1024)
        if role.play is never_reads:
            # Hardly any room in the kernel either.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        threading.Thread(target=accept, args=(role, listener), daemon=True).start()


def accept(role, listener):
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=converse, args=(role, sock), daemon=True).start()


def converse(role, sock):
    with contextlib.suppress(OSError), contextlib.closing(sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(role.name, sock)
        try:
            role.play(peer)
        finally:
            # It holds the descriptor open too.
            peer.reader.close()
