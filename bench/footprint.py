"""The rows on what the gateway itself takes: memory, time to start, size."""

import concurrent.futures
import time
import urllib.error
import urllib.request

import measure
import servers
import world
from measure import FILE, NPM
from rows import Row, tarball


def memory(bench):
    rest = Row("memory-rest", "memory at rest", 50 << 20, unit="bytes")
    used = Row("memory-used", "memory of the gateway that served the rows above, after them", None, unit="bytes")
    many = Row("memory-many", "memory under 1,000 concurrent downloads of 100 MB, peak", 250 << 20, unit="bytes")
    giant = Row("memory-giant", "memory with a packument of 40 MB, cold, peak", 250 << 20, unit="bytes")
    for _ in range(max(1, bench.rounds - 2)):
        gateway = servers.Lazaret(bench.upstream, "memory")
        with gateway:
            time.sleep(3)
            rest.add("lazaret", measure.memory(gateway.process, "VmRSS"))
            measure.forget_peak(gateway.process)
            measure.get(f"{gateway.npm}/zz-giant", NPM)
            giant.add("lazaret", measure.memory(gateway.process))
        gateway = servers.Lazaret(bench.upstream, "memory")
        with gateway:
            measure.get(tarball(gateway, "zz-large"))
            measure.forget_peak(gateway.process)
            measure.wrk(tarball(gateway, "zz-large"), FILE, 20, 1000)
            many.add("lazaret", measure.memory(gateway.process))
            bench.say(f"memory: {[row.figure() / 2**20 for row in (rest, giant, many)]} MiB")
    used.add("lazaret", measure.memory(bench.lazaret.process, "VmRSS"))
    bench.rows += [rest, many, giant, used]


def start(bench):
    """From the start of the process to the first 200 of /readyz, in a house that knows many packages."""
    row = Row("start", f"ready after start with {world.KNOWN:,} known packages", 0.2, unit="s")
    spec = servers.WORK / "many.json"
    world.write(spec, world.many(bench.now))
    folder = servers.WORK / "known"
    gateway_folder = folder / "data"
    with servers.Upstream(spec) as upstream:
        gateway = servers.Lazaret(upstream, "known", keep=True)
        marker = folder / f"filled-{world.KNOWN}"
        if not marker.exists():
            bench.say(f"the gateway gets to know {world.KNOWN:,} packages")
            with gateway, concurrent.futures.ThreadPoolExecutor(32) as pool:
                fetch = lambda number: measure.get(f"{gateway.npm}/zz-known-{number}", NPM)[0]
                assert all(status == 200 for status in pool.map(fetch, range(world.KNOWN)))
            marker.touch()
        assert gateway_folder.exists()
        for number in range(bench.rounds + 1):
            took = ready(gateway)
            if number:
                row.add("lazaret", took)
                bench.say(f"ready after {took * 1000:.0f} ms")
    bench.rows.append(row)


def ready(gateway):
    gateway.prepare()
    begun = time.perf_counter()
    gateway.spawn()
    try:
        while time.perf_counter() - begun < 60:
            try:
                with urllib.request.urlopen(f"{gateway.url}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return time.perf_counter() - begun
            except (urllib.error.URLError, OSError):
                time.sleep(0.002)
        raise RuntimeError("the gateway did not become ready")
    finally:
        gateway.stop()


def size(bench):
    row = Row("size", "release binary", 40 << 20, unit="bytes")
    row.add("lazaret", (servers.LAZARET).stat().st_size)
    bench.rows.append(row)
