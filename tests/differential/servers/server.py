"""Python's h11 as an oracle: one line in $VIEWS for each request that it has read to its end.

ADDRESS METHOD TARGET BODY NAME=VALUE…     all but the address in hexadecimal digits
"""

import asyncio
import os

import h11

VIEWS = open(os.environ["VIEWS"], "ab", buffering=0)


class Peer(asyncio.Protocol):
    """One connection, request after request."""

    def connection_made(self, transport):
        self.transport = transport
        self.address = transport.get_extra_info("peername")[0]
        # As wide as Ringress's own limits and more.
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=65536)

    def data_received(self, data):
        self.advance(data)

    def eof_received(self):
        self.advance(b"")

    def advance(self, data):
        try:
            self.http.receive_data(data)
            while self.step():
                pass
        except h11.RemoteProtocolError as error:
            if self.http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                self.answer(error.error_status_hint)
            self.transport.close()

    def step(self):
        event = self.http.next_event()
        if event is h11.NEED_DATA:
            return False
        if isinstance(event, h11.Request):
            self.request, self.body = event, bytearray()
        elif isinstance(event, h11.Data):
            self.body += event.data
        elif isinstance(event, h11.EndOfMessage):
            self.view()
            self.answer(200)
            if self.http.our_state is not h11.DONE:
                self.transport.close()
                return False
            self.http.start_next_cycle()
        else:
            self.transport.close()
            return False
        return True

    def view(self):
        words = [self.request.method, self.request.target, bytes(self.body)]
        words = [self.address] + [word.hex() for word in words]
        for name, value in self.request.headers:
            words.append(f"{name.hex()}={value.hex()}")
        VIEWS.write((" ".join(words) + "\n").encode())

    def answer(self, status):
        head = h11.Response(status_code=status, headers=[("Content-Length", "0")])
        self.transport.write(self.http.send(head) + self.http.send(h11.EndOfMessage()))


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Peer, "127.0.0.1", 29004, backlog=1024)
    await server.serve_forever()


asyncio.run(main())
