"""What Traefik does with the worlds: its answers, what reaches the servers, and what its API says."""

import contextlib
import http.server
import json
import socket
import subprocess
import threading
import time
import urllib.request

import worlds

PORTS = {"web": 21900, "other": 21901}
API = 21902
PROVIDER = 21903
HOSTNAME = socket.gethostname()
# So often each is asked: enough for every server to have its turn.
REPEATS = 6


def record(binary):
    """The worlds with what came of them; requests as servers got them are kept once each."""
    forwarded = {}
    with echoes(), provider() as configuration, traefik(binary):
        found = []
        for number, (name, dynamic) in enumerate(worlds.worlds(version(binary)[:2])):
            mark(dynamic, number)
            configuration["text"] = json.dumps(dynamic)
            wait_for(f"mark-{number}")
            first = [ask(*request, forwarded) for request in REQUESTS]
            again = [(pairs, ask("web", request, forwarded)) for pairs, request in with_cookies(first[0])]
            world = {"name": name, "dynamic": dynamic, "outcomes": first, "again": again}
            found.append({**world, "api": api()})
    return {"version": version(binary), "forwarded": list(forwarded), "worlds": found}


def version(binary):
    text = subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout
    number = next(line.split()[1] for line in text.splitlines() if line.startswith("Version"))
    return f"v{number}"


def mark(dynamic, number):
    """A router that tells this world from the one before."""
    rule = f"Host(`mark-{number}.invalid`)"
    dynamic["http"]["routers"][f"mark-{number}"] = {"rule": rule, "service": "one", "priority": 7}


@contextlib.contextmanager
def traefik(binary):
    flags = [
        *(f"--entrypoints.{name}.address=127.0.0.1:{port}" for name, port in PORTS.items()),
        f"--entrypoints.traefik.address=127.0.0.1:{API}", "--api.insecure",
        f"--providers.http.endpoint=http://127.0.0.1:{PROVIDER}/",
        "--providers.http.pollinterval=100ms", "--providers.providersthrottleduration=50ms",
    ]  # fmt: skip
    process = subprocess.Popen([binary, *flags], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def provider():
    """Serves the configuration of the moment."""
    configuration = {"text": "{}"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = configuration["text"].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", PROVIDER), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield configuration
        server.shutdown()


@contextlib.contextmanager
def echoes():
    """Servers that say which one they are, and what they got."""
    listeners = []
    for address in worlds.SERVERS:
        ip, port = address.split(":")
        listener = socket.create_server((ip, int(port)), backlog=100)
        listeners.append(listener)
        threading.Thread(target=accept, args=(listener, address), daemon=True).start()
    yield
    for listener in listeners:
        # Wakes who waits in accept, too.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def accept(listener, address):
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=echo, args=(client, address), daemon=True).start()


def echo(client, address):
    with client, client.makefile("rb") as lines, contextlib.suppress(OSError):
        while True:
            line = lines.readline().decode("latin-1").strip()
            if not line:
                return
            fields = []
            while field := lines.readline().decode("latin-1").strip():
                name, value = field.split(":", 1)
                fields.append(f"{name.lower()}: {value.strip()}")
            length = [field for field in fields if field.startswith("content-length")]
            body = lines.read(int(length[0].split(":")[1])) if length else b""
            got = json.dumps([line, *sorted(fields), body.decode()])
            answer = f"HTTP/1.1 200 OK\r\nX-Server: {address}\r\nX-Got: {got}\r\n"
            client.sendall(f"{answer}Content-Length: 0\r\n\r\n".encode())


def wire(method, target, fields, body=""):
    return "\r\n".join([f"{method} {target} HTTP/1.1", *fields, "", body])


REQUESTS = [(entry_point, wire(*rest)) for entry_point, *rest in worlds.requests()]


def ask(entry_point, request, forwarded):
    """All that may come of a request."""
    port, request = PORTS[entry_point], request.encode()
    found = {outcome(port, request, forwarded) for _ in range(REPEATS)}
    return sorted(json.loads(outcome) for outcome in found)


def outcome(port, request, forwarded):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        lines = connection.makefile("rb")
        status = int(lines.readline().split()[1])
        fields = []
        while line := lines.readline().decode("latin-1").strip():
            name, value = line.split(":", 1)
            fields.append((name.lower(), value.strip()))
    cookies = sorted(value for name, value in fields if name == "set-cookie")
    server = next((value for name, value in fields if name == "x-server"), "")
    got = next((value for name, value in fields if name == "x-got"), "")
    got = got.replace(f"x-forwarded-server: {HOSTNAME}", "x-forwarded-server: HOSTNAME")
    place = forwarded.setdefault(got, len(forwarded))
    return json.dumps([status, server, place, cookies])


def with_cookies(outcomes):
    """The first request once more, with the cookies that each outcome brought."""
    for status, _server, _got, cookies in outcomes:
        if status == 200 and cookies:
            pairs = "; ".join(cookie.split(";")[0] for cookie in cookies)
            yield pairs, wire("GET", "/", ["Host: a.b", f"Cookie: {pairs}"])


def get(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{API}{path}", timeout=10) as answer:
        return json.load(answer)


def wait_for(name):
    for _ in range(300):
        with contextlib.suppress(OSError):
            if any(router["name"] == f"{name}@http" for router in get("/api/http/routers")):
                time.sleep(0.2)
                return
        time.sleep(0.1)
    raise TimeoutError(f"{name} does not appear")


def api():
    """Lists by name, without what is Traefik's own."""
    kinds = ("routers", "services", "middlewares")
    lists = {kind: get(f"/api/http/{kind}?per_page=1000") for kind in kinds}
    return {
        kind: {
            one["name"]: {key: value for key, value in one.items() if key != "name"}
            for one in found
            if not one["name"].endswith("@internal")
        }
        for kind, found in lists.items()
    }
