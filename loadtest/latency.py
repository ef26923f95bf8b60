"""Latency with an open loop: requests come at a fixed rate, whether or not answers do."""

import json
import subprocess

import proxies
from bed import LOAD_CPU

SECONDS = 3
PERCENTILES = ("p50", "p99", "p99.9")


def find():
    """oha, or nothing and a word about it."""
    path = proxies.TOOLS / "oha"
    if path.is_file():
        return str(path)
    print("no latencies: there is no oha (loadtest/prepare makes it)")
    return None


def measure(proxy, scenario, rate):
    """Percentiles in microseconds; nothing where the load is none that oha can make."""
    load = scenario.load
    if load.script:
        return None
    command = ["taskset", "-c", LOAD_CPU, str(proxies.TOOLS / "oha"), "--no-tui",
               "--output-format", "json", "--latency-correction", "-q", str(rate),
               "-c", str(load.connections), "-z", f"{SECONDS}s"]  # fmt: skip
    for header in load.headers:
        command += ["-H", header]
    command.append(f"http://127.0.0.1:{proxy.port}{load.path}")
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    found = json.loads(said)["latencyPercentiles"]
    return {key: found[key] * 1e6 for key in PERCENTILES}
