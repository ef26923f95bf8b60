"""A client that believes nothing: HTTP/1.1 framing by the book, RFC 9112 sections 4 to 7.

A body is complete only if its framing says so; an end of the stream anywhere else, a reset or too
long a wait is `Broken`, with what had come until then. What the book forbids is `Malformed`.
"""

import re
import socket
import time

HEAD_MOST = 1 << 17
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-9][0-9][0-9]) [\t\x20-\x7e\x80-\xff]*")
FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[\t ]*;[\t\x20-\x7e]*)?")


class Malformed(Exception):
    pass


class Broken(Exception):
    """The connection ended (`why`: end, reset, timeout) before the response did."""

    def __init__(self, why, response):
        super().__init__(why)
        self.why, self.response = why, response


class Response:
    def __init__(self, status, fields):
        self.status, self.fields, self.body = status, fields, bytearray()

    def values(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def value(self, name):
        return next(iter(self.values(name)), None)


class Connection:
    def __init__(self, address, timeout_s):
        self.timeout_s = timeout_s
        self.sock = socket.create_connection(address, timeout_s)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = bytearray()
        self.interim = 0
        self.partial = None
        # Whether a further request may follow.
        self.usable = True

    def close(self):
        self.sock.close()

    def send(self, data):
        """As much as the other side takes: it may answer before it has all."""
        self.sock.settimeout(self.timeout_s)
        try:
            self.sock.sendall(data)
        except OSError:
            self.usable = False

    def response(self, method):
        """The final response to the request just sent."""
        self.end, self.partial = time.monotonic() + self.timeout_s, None
        while True:
            response = self._head()
            if response.status >= 200:
                break
            if response.status == 101:
                raise Malformed("101 that nobody asked for")
            self.interim += 1
        self.partial = response
        connection = ",".join(response.values("Connection")).lower()
        if "close" in [token.strip() for token in connection.split(",")]:
            self.usable = False
        self._body(response, method)
        if self.data:
            raise Malformed(f"bytes behind the response: {bytes(self.data[:80])!r}")
        return response

    def quiet(self):
        """Nothing may come unasked; whether the connection is still open."""
        self.sock.setblocking(False)
        try:
            data = self.sock.recv(4096)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if data:
            raise Malformed(f"bytes that nobody asked for: {data[:80]!r}")
        return False

    def _body(self, response, method):
        codings, lengths = response.values("Transfer-Encoding"), response.values("Content-Length")
        if codings and lengths:
            raise Malformed("both Transfer-Encoding and Content-Length")
        if codings and codings != ["chunked"]:
            raise Malformed(f"Transfer-Encoding: {codings}")
        if lengths and (len(lengths) > 1 or not re.fullmatch("[0-9]{1,15}", lengths[0])):
            raise Malformed(f"Content-Length: {lengths}")
        if method == "HEAD" or response.status in (204, 304):
            return
        if codings:
            self._chunks(response.body)
        elif lengths:
            self._take(int(lengths[0]), response.body)
        else:
            self.usable = False
            self._until_end(response.body)

    def _chunks(self, body):
        while True:
            line = self._line()
            size = CHUNK_SIZE.fullmatch(line)
            if not size:
                raise Malformed(f"chunk size: {line[:80]!r}")
            if int(size[1], 16) == 0:
                break
            self._take(int(size[1], 16), body)
            if self._line() != b"":
                raise Malformed("no line end behind a chunk")
        while line := self._line():
            if not FIELD.fullmatch(line):
                raise Malformed(f"trailer: {line[:80]!r}")

    def _take(self, count, into):
        while count > 0:
            if not self.data:
                self._more()
            piece = self.data[:count]
            del self.data[:count]
            into += piece
            count -= len(piece)

    def _until_end(self, into):
        while True:
            into += self.data
            self.data.clear()
            try:
                self._more()
            except Broken as broken:
                if broken.why == "end":
                    return
                raise

    def _head(self):
        line = self._line()
        status = STATUS_LINE.fullmatch(line)
        if not status:
            raise Malformed(f"status line: {line[:80]!r}")
        fields = []
        while line := self._line():
            field = FIELD.fullmatch(line)
            if not field:
                raise Malformed(f"field: {line[:80]!r}")
            fields.append((field[1].decode("latin-1"), field[2].decode("latin-1")))
        return Response(int(status[1]), fields)

    def _line(self):
        while (at := self.data.find(b"\r\n")) < 0:
            if len(self.data) > HEAD_MOST:
                raise Malformed("a line without an end")
            self._more()
        line = bytes(self.data[:at])
        del self.data[: at + 2]
        return line

    def _more(self):
        try:
            self.sock.settimeout(max(0.001, self.end - time.monotonic()))
            data = self.sock.recv(65536)
        except TimeoutError:
            raise Broken("timeout", self.partial) from None
        except OSError:
            raise Broken("reset", self.partial) from None
        if not data:
            raise Broken("end", self.partial)
        self.data += data
