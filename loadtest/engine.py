"""A fake Docker Engine on a unix socket: a swarm with a fixed set of services, one task each.

As much of the API as discovery asks for, under any version prefix; the event stream stays silent.
The tests have a fake engine too (tests/blackbox/engine.rs), whose swarm changes at will.
"""

import hashlib
import json
import re
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

NETWORK = "mystack_net"
CREATED = "2026-01-01T00:00:00Z"


class Engine:
    """`services` maps a name to its labels and the address of its task."""

    def __init__(self, path, services):
        self.endpoint = f"unix://{path}"
        answers = {
            "/version": {"Version": "26.1.5", "ApiVersion": "1.45", "MinAPIVersion": "1.24",
                         "Os": "linux"},
            "/info": {"Name": "fake", "Swarm": {"NodeID": "node1", "LocalNodeState": "active",
                                                "ControlAvailable": True}},
            "/services": [service(name, labels) for name, (labels, _) in services.items()],
            "/tasks": [task(name, address) for name, (_, address) in services.items()],
            "/networks": [{"Id": identifier(NETWORK), "Name": NETWORK, "Scope": "swarm",
                           "Driver": "overlay"}],
            "/containers/json": [],
            "/nodes": [],
        }  # fmt: skip

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = re.sub(r"^/v1\.\d+", "", self.path.split("?")[0])
                if path == "/events":
                    self.send_response(200)
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    # Until the other side ends it.
                    self.rfile.read(1)
                    self.close_connection = True
                    return
                body = b"OK" if path == "/_ping" else json.dumps(answers.get(path, {})).encode()
                self.send_response(200 if path in answers or path == "/_ping" else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Api-Version", "1.45")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = Server(path, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def get_request(self):
        connection, _ = super().get_request()
        # The handler writes the client's address into its log line.
        return connection, ("engine", 0)


def service(name, labels):
    return {
        "ID": identifier(name), "Version": {"Index": 1},
        "Spec": {"Name": name, "Labels": labels, "Mode": {"Replicated": {"Replicas": 1}},
                 "TaskTemplate": {"ContainerSpec": {"Image": "ringress:latest"}}},
        "Endpoint": {"Spec": {"Mode": "vip"}, "VirtualIPs": []},
    }  # fmt: skip


def task(name, address):
    return {
        "ID": identifier(name + "/1"), "ServiceID": identifier(name), "Slot": 1, "NodeID": "node1",
        "DesiredState": "running",
        "Status": {"State": "running", "Timestamp": CREATED,
                   "ContainerStatus": {"ContainerID": "c" + identifier(name), "PID": 1}},
        "Spec": {"ContainerSpec": {"Image": "ringress:latest"}},
        "NetworksAttachments": [{"Network": {"ID": identifier(NETWORK), "Spec": {"Name": NETWORK}},
                                 "Addresses": [f"{address}/24"]}],
    }  # fmt: skip


def identifier(name):
    """It looks like the engine's: 25 characters, the same for the same name."""
    return hashlib.sha256(name.encode()).hexdigest()[:25]
