"""The proxies that are compared, and the backend behind them: how each of them is started.

All of them run one worker and do what Ringress does: keep connections to the backend, add the
forwarding headers. The relays do not even that; they are what the kernel's TCP costs. Whatever is
not there (`loadtest/prepare` makes it) is named and left out.
"""

import os
import pathlib
import re
import shutil

from bed import HERE, LOAD_CPU, ROOT, Proxy
from engine import NETWORK, Engine

BACKEND = "127.0.0.2"
TOOLS = ROOT / "target/loadtest/bin"
# Bytes of the files that the backend serves, by name.
FILES = {"1k": 1 << 10, "64k": 1 << 16, "large": 1 << 20}
# Go takes a thread per CPU otherwise, and then they wait for each other.
ONE_THREAD = ["env", "GOMAXPROCS=1"]


def backend(folder):
    for name, size in FILES.items():
        (pathlib.Path(folder) / name).write_bytes((bytes(range(256)) * (size // 256 + 1))[:size])
    command = ["nginx", "-c", config("backend.conf", 9000, folder)]
    return Proxy("backend", 9000, command, LOAD_CPU, f"http://{BACKEND}:9000/")


def peers(options, folder, offset=0, routes=()):
    """Ringress on either driver, HAProxy and nginx. Another set of them needs another offset.

    With routes each of these hosts has a router and a service of its own.
    """
    haproxy, nginx = 8003 + offset, 8004 + offset
    start = ringress_with_routes if routes else ringress
    config("hosts.map", haproxy, folder, routes)
    cfg = config("haproxy.cfg", haproxy, folder, routes)
    conf = config("nginx.conf", nginx, folder, routes)
    return [
        start(options, "io_uring", 8001 + offset, folder, routes),
        start(options, "epoll", 8002 + offset, folder, routes),
        Proxy("haproxy", haproxy, ["haproxy", "-db", "-f", cfg]),
        Proxy("nginx", nginx, ["nginx", "-c", conf]),
    ]


def others(folder):
    """What else is there on this machine, and the names of what is not."""
    listen = [f"--{key}=127.0.0.{value}" for key, value in (("listen", "1:%d"), ("backend", "2:9000"))]
    relay = [str(TOOLS / "relay"), *listen]
    traefik = os.environ.get("TRAEFIK_BIN", "")
    known = [
        ("relay io_uring", 8005, relay[0], [*relay, "--driver=io_uring"]),
        ("relay epoll", 8006, relay[0], [*relay, "--driver=epoll"]),
        ("pingora", 8007, str(TOOLS / "pingora-peer"), [str(TOOLS / "pingora-peer"), *listen]),
        ("caddy", 8008, "caddy",
         [*ONE_THREAD, "caddy", "run", "--adapter", "caddyfile", "--config", "Caddyfile"]),
        ("sozu", 8009, str(TOOLS / "sozu"), [str(TOOLS / "sozu"), "start", "-c", "sozu.toml"]),
        ("traefik", 8010, traefik, [*ONE_THREAD, traefik, "--configFile=traefik.yml"]),
    ]  # fmt: skip
    found, missing = [], []
    for name, port, binary, command in known:
        if not binary or not shutil.which(binary):
            missing.append(name)
            continue
        if name == "traefik":
            config("traefik-dynamic.yml", port, folder)
        found.append(Proxy(name, port, [placed(word, port, folder) for word in command]))
    return found, missing


def placed(word, port, folder):
    """A word of a command line, with the port in it and the file that it names made."""
    key, _, name = word.rpartition("=")
    if name in os.listdir(HERE / "peers"):
        return f"{key}={config(name, port, folder)}" if key else config(name, port, folder)
    return word % port if "%d" in word else word


def config(name, port, folder, routes=()):
    """A file of loadtest/peers for this port.

    What stands between marks is there once for each route, or once if there are any.
    """
    text = (HERE / "peers" / name).read_text()

    def repeated(found):
        hosts = routes if found[1] == "route" else routes[:1]
        return "".join(found[2].replace("@HOST@", host) for host in hosts)

    text = re.sub(r"(?ms)^ *# <(routes?)>\n(.*?)^ *# </\1>\n", repeated, text)
    text = text.replace("@PORT@", str(port)).replace("@DIR@", str(folder))
    path = pathlib.Path(folder) / f"{port}-{name}"
    path.write_text(text)
    return str(path)


def ringress(options, driver, port, _folder=None, _routes=(), workers=1):
    command = [
        options.binary, "demo", "--listen", f"127.0.0.1:{port}",
        "--dashboard", f"127.0.0.1:{port + 100}", "--backend", BACKEND,
        "--backend-port", "9000", "--", f"--ringress.workers={workers}",
        f"--ringress.driver={driver}",
    ]  # fmt: skip
    return Proxy(f"ringress {driver}", port, command)


def ringress_with_routes(options, driver, port, folder, routes):
    """With a swarm that has a service for each of these hosts."""
    services = {f"service-{n}": (labels(host), BACKEND) for n, host in enumerate(routes)}
    engine = Engine(str(pathlib.Path(folder) / f"{port}-engine.sock"), services)
    command = [
        options.binary, "--docker", "--docker.swarmmode", "--docker.watch",
        f"--docker.endpoint={engine.endpoint}", f"--entryPoints=Name:http Address:127.0.0.1:{port}",
        "--web", f"--web.address=127.0.0.1:{port + 100}", "--ringress.workers=1",
        f"--ringress.driver={driver}",
    ]  # fmt: skip
    return Proxy(f"ringress {driver}", port, command, host=routes[0])


def labels(host):
    return {
        "traefik.docker.network": NETWORK, "traefik.port": "9000",
        "traefik.frontend.rule": f"Host:{host}",
        "traefik.backend.loadbalancer.stickiness": "true",
    }  # fmt: skip
