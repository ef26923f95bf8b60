"""The bed that the load tests share: a network namespace of its own, proxies under test, figures.

Each proxy runs with one worker on CPU 0; clients, attackers and backends run on CPU 1; without
connection tracking, and away from every other network of the machine.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
PROXY_CPU, LOAD_CPU = "0", "1"
# The HAProxy and nginx of the bed allow so many connections (loadtest/peers).
PEER_CONNECTIONS = 21_000
# Descriptors that a proxy needs beside those of its clients: listeners, backends, rings.
OTHER_DESCRIPTORS = 500
# Without it the sticky service would add a Set-Cookie line to every response; HAProxy and nginx
# are not asked to do so either.
COOKIE = "Cookie: _TRAEFIK_BACKEND=http://127.0.0.2:9000"
PACKAGES = {
    "wrk": "wrk", "nginx": "nginx-light", "haproxy": "haproxy", "taskset": "util-linux",
    "setpriv": "util-linux", "ss": "iproute2", "slowhttptest": "slowhttptest",
}  # fmt: skip


class Proxy:
    """A proxy (or another server) under test: how it is started, and which processes it has."""

    def __init__(self, name, port, command, cpu=PROXY_CPU, url=None, host=None):
        self.name, self.port, self.command, self.cpu = name, port, command, cpu
        # Answered with 200 once it is up.
        self.request = urllib.request.Request(url or f"http://127.0.0.1:{port}/")
        if host:
            self.request.add_header("Host", host)
        self.process = None

    def start(self):
        # Pinned from its first moment, and ended when this tool is, however that happens.
        command = ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", self.cpu, *self.command]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def wait_until_it_answers(self):
        for _ in range(100):
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(self.request, timeout=1) as answer:
                    if answer.status == 200:
                        return
            time.sleep(0.05)
        sys.exit(f"{self.name} does not answer")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def wait(self):
        if self.process:
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def pids(self):
        """The process and its children: nginx works in a child."""
        own = self.process.pid
        found = subprocess.run(["pgrep", "-P", str(own)], capture_output=True, text=True).stdout
        return [own, *map(int, found.split())]

    def cpu_ns(self):
        return sum(map(cpu_ns, self.pids()))

    def memory(self):
        """Resident bytes, all of them and those that no other process shares."""
        total = {"rss": 0, "private": 0}
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                if name == "Rss":
                    total["rss"] += int(value.split()[0]) * 1024
                elif name.startswith("Private_") and name != "Private_Hugetlb":
                    total["private"] += int(value.split()[0]) * 1024
        return total

    def accepted(self):
        """Established connections of clients that the proxy has taken from the kernel's queue."""
        command = ["ss", "-Htne", "state", "established", f"( sport = :{self.port} )"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        # A socket that nobody has accepted yet has no inode.
        return sum("ino:" in line and "ino:0 " not in line for line in lines.splitlines())


def cpu_ns(pid):
    """CPU time of all threads of a process; nothing once it has ended."""
    total = 0
    for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(stat.read_text().split()[0])
    return total


def add_options(parser):
    parser.add_argument("--binary", default=str(ROOT / "target/release/ringress"))
    parser.add_argument("--json", metavar="FILE", help="write every single figure to this file")


def enter(options, *tools):
    """Returns as root in a network namespace of its own; ends with advice where that fails."""
    if not os.access(options.binary, os.X_OK):
        sys.exit(f"{options.binary} is not there; build it with: cargo build --release")
    if os.geteuid() != 0:
        sys.exit(f"needs root, for a network namespace of its own: sudo {sys.argv[0]}")
    if (os.cpu_count() or 1) < 2:
        sys.exit("needs two CPUs: one for the proxy, one for the load")
    needed = {"nginx", "taskset", "setpriv", "ss", *tools}
    missing = sorted({PACKAGES[tool] for tool in needed if not shutil.which(tool)})
    if missing:
        sys.exit(f"missing: {' '.join(missing)}; install with: apt-get install {' '.join(missing)}")
    if os.environ.get("RINGRESS_LOADTEST_INSIDE") != "1":
        os.environ["RINGRESS_LOADTEST_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.sched_setaffinity(0, {int(LOAD_CPU)})
    # SIGTERM becomes an exception, so that every `finally` on the way ends what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="ringress-loadtest.") as path:
        # nginx, which serves files from here, works as another user.
        os.chmod(path, 0o755)
        yield path


@contextlib.contextmanager
def running(servers):
    """Starts them, waits until they answer, and ends them in the end."""
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait_until_it_answers()
        yield
    finally:
        for server in servers:
            server.stop()
        for server in servers:
            server.wait()


def raise_descriptor_limit():
    """As far as this machine allows, for all that is started from here; says how far that is."""
    wanted = 4 * PEER_CONNECTIONS
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
    limit = wanted if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


@dataclasses.dataclass(frozen=True)
class Load:
    """What wrk asks for."""

    connections: int = 64
    path: str = "/"
    headers: tuple = (COOKIE,)
    # A file of loadtest/wrk, and what it is told.
    script: tuple = ()


def wrk(proxies, load, seconds, meanwhile=None, cpus=LOAD_CPU):
    """One slice of load on each of them at once; `meanwhile` is called in its middle."""
    total, stolen = machine_time()
    cpu, begun = [proxy.cpu_ns() for proxy in proxies], time.monotonic_ns()
    clients, texts, seen = [], [], None
    try:
        for proxy in proxies:
            command = ["taskset", "-c", cpus, "wrk", "-t1", f"-c{load.connections}",
                       f"-d{seconds}", f"http://127.0.0.1:{proxy.port}{load.path}"]  # fmt: skip
            for header in load.headers:
                command += ["-H", header]
            if load.script:
                command += ["-s", str(HERE / "wrk" / load.script[0]), "--", *load.script[1:]]
            clients.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        if meanwhile:
            time.sleep(seconds / 2)
            seen = meanwhile()
        texts = [client.communicate(timeout=seconds + 30)[0] for client in clients]
    finally:
        for client in clients:
            client.kill()
    elapsed = time.monotonic_ns() - begun
    cpu = [proxy.cpu_ns() - before for proxy, before in zip(proxies, cpu, strict=True)]
    total_after, stolen_after = machine_time()
    steal = (stolen_after - stolen) / max(1, total_after - total)
    slices = []
    for text, used in zip(texts, cpu, strict=True):
        lines = [line.strip() for line in text.splitlines()]
        requests = next(int(line.split()[0]) for line in lines if "requests in" in line)
        rate = next(float(line.split()[1]) for line in lines if "Requests/sec" in line)
        slices.append({
            "rate": rate,
            "us": used / 1000 / max(1, requests),
            "busy": used / elapsed,
            "steal": steal,
            "errors": [line for line in lines if is_error(line)],
            "meanwhile": seen,
        })  # fmt: skip
    return slices


def is_error(line):
    return "Non-2xx" in line or "Socket errors" in line


def machine_time():
    """All CPU time so far, and the part of it that the hypervisor took."""
    fields = [int(n) for n in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return sum(fields), fields[7]


def machine():
    return f"{platform.machine()}, Linux {platform.release()}"


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown CPU"


def write_json(options, figures):
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1))
