"""What the proxies are compared by: what is asked, and how far Ringress wants to be ahead."""

import dataclasses

from bed import COOKIE, Load

# Of both drivers: the CPU time per request, beside these, at most. `relay` is that of the same
# driver.
SMALL = {"haproxy": 0.70, "nginx": 0.88, "pingora": 0.40, "traefik": 0.25, "relay": 1.20}


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    # For people.
    title: str
    load: Load
    goals: dict = dataclasses.field(default_factory=dict)
    # So many hosts, each with a router of its own; only Ringress, HAProxy and nginx take part.
    routes: int = 0

    def hosts(self):
        return tuple(f"host-{n}.test" for n in range(1, self.routes + 1))


def routed(routes):
    return Scenario(
        f"routes-{routes}", f"{routes} hosts", Load(script=("hosts.lua", str(routes))),
        routes=routes,
    )  # fmt: skip


CLOSE = (COOKIE, "Connection: close")
ALL = [
    Scenario("get", "GET, 100 bytes", Load(), SMALL),
    Scenario("get-1k", "GET, 1 KiB", Load(path="/1k")),
    Scenario("get-64k", "GET, 64 KiB", Load(path="/64k"), {"haproxy": 0.75, "relay": 1.05}),
    Scenario("get-1m", "GET, 1 MiB", Load(16, "/large"), {"haproxy": 0.70, "relay": 1.10}),
    Scenario("post-16k", "POST, 16 KiB", Load(path="/upload", script=("upload.lua",)),
             {"haproxy": 0.64}),
    Scenario("connect", "a connection each", Load(headers=CLOSE), {"haproxy": 0.55, "nginx": 0.90}),
    Scenario("plain", "no cookie", Load(headers=())),
    Scenario("one", "1 connection", Load(1)),
    Scenario("sixteen", "16 connections", Load(16)),
    Scenario("many", "256 connections", Load(256), {"haproxy": 0.60}),
    Scenario("pipelined", "8 at a time", Load(script=("pipelined.lua",))),
    routed(10),
    routed(200),
]  # fmt: skip
