"""How things are measured: load, bytes, CPU time, memory."""

import http.client
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import time
import urllib.parse
import urllib.request

import servers

NPM = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "npm/11.19.1 node/v20.20.2 linux x64 workspaces/false",
    "npm-command": "install",
    "npm-auth-type": "web",
    "pacote-req-type": "packument",
}
PIP = {
    "Accept": "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.1, text/html;q=0.01",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "pip/26.3",
}
CARGO = {"Accept": "text/plain", "Accept-Encoding": "gzip, deflate, br", "cargo-protocol": "version=1"}
FILE = {"Accept": "*/*"}

UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}


def wrk(url, headers, seconds, connections=32, forgiving=False):
    """Successful requests and bytes a second. A failure is an error: it would be measured as speed. Of a
    peer that fails under load (`forgiving`) what it did answer counts."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    if failed and not forgiving:
        raise RuntimeError(f"{url} did not answer with success:\n{done.stdout}")
    requests = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
    if failed:
        total = int(re.search(r"(\d+) requests in", done.stdout)[1])
        requests *= (total - int(failed[1])) / total
    transfer = re.search(r"Transfer/sec:\s+([\d.]+)(GB|MB|KB|B)", done.stdout)
    return requests, float(transfer[1]) * UNITS[transfer[2]]


def get(url, headers=FILE):
    """The answer as it is on the wire."""
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=300) as answer:
        return answer.status, answer.headers, answer.read()


def timed_get(url, headers=FILE):
    """Seconds to the first byte of the body and to its last, and its length."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=300)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = bytearray(1 << 20)
    begun = time.perf_counter()
    connection.request("GET", parts.path, headers=headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{url}: {answer.status} {answer.read(300)}")
    length = len(answer.read(1))
    first = time.perf_counter() - begun
    while count := answer.readinto(buffer):
        length += count
    whole = time.perf_counter() - begun
    connection.close()
    return first, whole, length


def cpu_seconds(process):
    """CPU time of all its threads so far, in user and kernel, to the nanosecond."""
    total = 0
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue
    return total / 1e9


def packument(document, package, rounds=40):
    """Milliseconds of CPU to read, judge and render a packument, without a gateway around it."""
    command = [servers.RELEASE / "examples/packument", document, package, str(rounds)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def memory(process, field="VmHWM"):
    """Bytes of resident memory: the peak, or with `VmRSS` now."""
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", text)[1]) * 1024


def forget_peak(process):
    pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def median(values):
    return statistics.median(values)


def command_seconds(command, folder, **more):
    begun = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=servers.environment(**more),
        capture_output=True,
        text=True,
        timeout=900,
    )
    took = time.perf_counter() - begun
    if done.returncode != 0:
        raise RuntimeError(f"{command} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return took


def together(commands, expected):
    """Seconds until programs that were started at once have all ended, each with the words expected."""
    begun = time.perf_counter()
    started = [
        subprocess.Popen(command, env=servers.environment(), stdout=subprocess.PIPE, text=True) for command in commands
    ]
    said = [process.communicate()[0].strip() for process in started]
    took = time.perf_counter() - begun
    for words in said:
        if words != expected:
            raise RuntimeError(f"{commands[0]} said `{words}` instead of `{expected}`")
    return took


def load_average():
    return os.getloadavg()[0]
