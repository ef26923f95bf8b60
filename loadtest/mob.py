#!/usr/bin/env python3
"""The mob of loadtest/chaos: misbehaving backends, and clients that ask for them, all at once.

A process of its own with the lowest priority: it shall burden the proxy, not the client that
measures beside it. Words on its standard input: `proxy` and `backends` say whom to ask, `rest` to
ask nobody, and `report` is answered with a line of JSON: by role, how often each outcome was seen
through the proxy, and what should not have been.
"""

import argparse
import collections
import itertools
import json
import os
import sys
import threading
import time

import misbehaviour
from strict import Broken, Connection, Malformed

CLIENTS_PER_ROLE = 3
# A client that gets no answer from a staller leaves soon; others wait until it is surely a fault.
PATIENCE_S, GENEROUS_S = 1.0, 15.0
PAUSE_S = 0.01


class Aim:
    """Whom the clients ask: the proxy at an address, or their backends; while `going` is set."""

    def __init__(self):
        self.going, self.proxy = threading.Event(), None

    def take(self, proxy):
        self.proxy = proxy
        self.going.set()


class Client(threading.Thread):
    """Asks one role again and again, on a kept connection while there is one."""

    def __init__(self, role, number, backend, aim):
        super().__init__(daemon=True)
        self.role, self.backend, self.aim = role, backend, aim
        self.tokens = (f"{role.name}.{number}.{n}" for n in itertools.count())
        self.seen, self.faults = collections.Counter(), []
        self.connection, self.peer = None, None

    def run(self):
        while True:
            self.aim.going.wait()
            proxy, token = self.aim.proxy, next(self.tokens)
            try:
                outcome, fault = self.exchange(proxy or self.backend, token)
            except OSError as error:
                outcome, fault = "error", f"cannot talk to the proxy: {error}"
            # What a backend says without a proxy is nobody's fault.
            if proxy:
                self.seen[outcome] += 1
                if fault:
                    self.faults.append(f"{self.role.name} {token}: {fault}")
            time.sleep(PAUSE_S)

    def exchange(self, peer, token):
        role = self.role
        try:
            if self.connection and (self.peer != peer or not self.connection.quiet()):
                self.leave()
            if not self.connection:
                patience = PATIENCE_S if role.waits else GENEROUS_S
                self.connection, self.peer = Connection(peer, patience), peer
            method = "POST" if role.upload else "GET"
            self.connection.send(request(role, method, token))
            response = self.connection.response(method)
        except Malformed as error:
            self.leave()
            return "malformed", str(error)
        except Broken as broken:
            self.leave()
            return judge_broken(role, token, broken)
        if not self.connection.usable:
            self.leave()
        return judge_whole(role, token, response)

    def leave(self):
        self.connection.close()
        self.connection = None


def request(role, method, token):
    head = f"{method} /{token} HTTP/1.1\r\nHost: {role.name}.test\r\nX-Token: {token}\r\n"
    head += f"Content-Length: {role.upload}\r\n" if role.upload else ""
    return (head + "\r\n").encode() + bytes(role.upload)


def judge_broken(role, token, broken):
    """An answer that did not come to its end."""
    response, why = broken.response, broken.why
    if response is None:
        allowed = role.waits if why == "timeout" else role.cut
        return f"no answer ({why})", None if allowed else f"no answer: {why}"
    if fault := foreign(role, token, response):
        return "wrong", fault
    if response.value("X-Role") is None:
        return "cut", f"the proxy's own answer {response.status} was cut: {why}"
    allowed = role.waits if why == "timeout" else role.partial
    return f"cut ({why})", None if allowed else f"cut after {len(response.body)} bytes: {why}"


def judge_whole(role, token, response):
    """An answer that is complete, as its framing says."""
    if fault := foreign(role, token, response):
        return "wrong", fault
    if response.value("X-Role") is None:
        fault = None if response.status in role.errors else f"the proxy says {response.status}"
        return f"{response.status} by the proxy", fault
    if not role.whole or len(response.body) != role.length:
        return "truncated", f"{len(response.body)} bytes were passed as a complete answer"
    return "whole", None


def foreign(role, token, response):
    """What does not come from this exchange."""
    name = response.value("X-Role")
    if name is None:
        body = bytes(response.body)
        if response.status < 400 or b"poison" in body or len(body) > 500:
            return f"an answer of nobody: {response.status} {body[:80]!r}"
        return None
    if (name, response.value("X-Token")) != (role.name, token):
        return f"the answer of {name} {response.value('X-Token')}"
    if response.status != role.status:
        return f"status {response.status}"
    wanted = misbehaviour.content(token, role.length)[: len(response.body)]
    return None if response.body == wanted else f"wrong bytes: {bytes(response.body[:80])!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("port", type=int)
    port = parser.parse_args().port
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    aim = Aim()
    misbehaviour.start()
    clients = [
        Client(role, number, (misbehaviour.address(at), misbehaviour.PORT), aim)
        for at, role in enumerate(misbehaviour.ROLES)
        for number in range(CLIENTS_PER_ROLE)
    ]
    for client in clients:
        client.start()
    print("ready", flush=True)
    for word in map(str.strip, sys.stdin):
        if word == "proxy":
            aim.take(("127.0.0.1", port))
        elif word == "backends":
            aim.take(None)
        elif word == "rest":
            aim.going.clear()
        elif word == "report":
            seen = {role.name: collections.Counter() for role in misbehaviour.ROLES}
            for client in clients:
                seen[client.role.name] += client.seen
            faults = [fault for client in clients for fault in list(client.faults)]
            print(json.dumps({"seen": seen, "faults": faults}), flush=True)


if __name__ == "__main__":
    main()
