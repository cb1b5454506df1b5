"""The rows of the table. Each yields figures; `main.py` runs and reports them."""

import itertools
import shutil

import measure
import servers
import world
from measure import CARGO, FILE, NPM, PIP, median


class Row:
    """One line of the table: what was measured on whom, against which target."""

    def __init__(self, key, title, target, ratio_of=None, at_least=False, unit=""):
        self.key, self.title, self.target = key, title, target
        self.ratio_of, self.at_least, self.unit = ratio_of, at_least, unit
        self.rounds = {}
        self.note = ""

    def add(self, who, value):
        self.rounds.setdefault(who, []).append(value)

    def figure(self, who="lazaret"):
        return median(self.rounds[who]) if self.rounds.get(who) else None

    def measured(self):
        """The figure held against the target: a ratio of neighbouring rounds, or a quantity."""
        if self.ratio_of is None:
            return self.figure()
        pairs = zip(self.rounds.get("lazaret", []), self.rounds.get(self.ratio_of, []))
        ratios = [ours / theirs for ours, theirs in pairs if theirs]
        return median(ratios) if ratios else None

    def reached(self):
        value = self.measured()
        if value is None or self.target is None:
            return None
        return value >= self.target if self.at_least else value <= self.target


def load_rows(bench, title, unit, contestants, targets, connections=32, kind=0):
    """Interleaved rounds of wrk: contestants are name → (url, headers). One row per peer."""
    for name, (url, headers) in contestants.items():
        measure.get(url, headers)
        measure.wrk(url, headers, 1, connections, name != "lazaret")
    rounds = {name: [] for name in contestants}
    for _ in range(bench.rounds):
        for name, (url, headers) in contestants.items():
            rounds[name].append(measure.wrk(url, headers, bench.seconds, connections, name != "lazaret")[kind])
            bench.say(f"{title}: {name} {rounds[name][-1]:,.0f} {unit}")
    for peer, target in targets.items():
        if peer in contestants:
            row = Row(f"{title}/{peer}", f"{title}, next to {peer}", target, peer, True, unit)
            row.rounds = {"lazaret": rounds["lazaret"], peer: rounds[peer]}
            bench.rows.append(row)


def packed_copy(bench, name, url, headers):
    """What Lazaret answers, put where nginx serves it with the same headers that matter."""
    _, answered, body = measure.get(url, headers)
    folder = "packed" if answered.get("Content-Encoding") == "gzip" else "plain"
    return bench.nginx.put(f"{folder}/{name}", body)


def npm_index(bench):
    with servers.Verdaccio(bench.upstream) as verdaccio, servers.Pnpr(bench.upstream) as pnpr:
        for size, package in (("200 releases", "zz-ordinary"), ("12 releases", "zz-little")):
            contestants = {
                who: (f"{server.npm}/{package}", NPM)
                for who, server in (("lazaret", bench.lazaret), ("verdaccio", verdaccio), ("pnpr", pnpr))
            }
            copy = packed_copy(bench, f"npm-{package}", *contestants["lazaret"])
            contestants["nginx"] = (copy, NPM)
            load_rows(
                bench,
                f"npm index, {size}",
                "requests/s",
                contestants,
                {"verdaccio": 20, "pnpr": 2, "nginx": 0.7},
            )


def pypi_index(bench):
    with servers.Proxpi(bench.upstream) as proxpi, servers.Devpi(bench.upstream) as devpi:
        contestants = {
            who: (f"{server.pypi}/zz-ordinary/", PIP)
            for who, server in (("lazaret", bench.lazaret), ("proxpi", proxpi), ("devpi", devpi))
        }
        contestants["nginx"] = (packed_copy(bench, "pypi-zz-ordinary", *contestants["lazaret"]), PIP)
        load_rows(
            bench,
            "PyPI index, 120 releases",
            "requests/s",
            contestants,
            {"proxpi": 20, "devpi": 20, "nginx": 0.7},
        )


def cargo_index(bench):
    url = f"{bench.lazaret.url}/cargo/zz/-o/zz-ordinary"
    contestants = {
        "lazaret": (url, CARGO),
        "nginx": (packed_copy(bench, "cargo-zz-ordinary", url, CARGO), CARGO),
    }
    load_rows(bench, "cargo index, 120 releases", "requests/s", contestants, {"nginx": 0.7})


def tarball(server, package):
    return f"{server.npm}/{package}/-/{package}-1.0.0.tgz"


def warm_files(bench):
    for size, package, connections in (("1 MB", "zz-medium", 32), ("100 MB", "zz-large", 8)):
        url = tarball(bench.lazaret, package)
        _, _, body = measure.get(url)
        contestants = {
            "lazaret": (url, FILE),
            "nginx": (bench.nginx.put(f"files/{package}.tgz", body), FILE),
        }
        load_rows(bench, f"warm file of {size}", "bytes/s", contestants, {"nginx": 0.9}, connections, kind=1)


def cold_files(bench):
    """From an upstream 40 ms and 100 MB/s away, and from one on this machine, whose only limit is memory."""
    for pace, millis, where in (
        (100_000_000, 40, "upstream 40 ms and 100 MB/s away"),
        (100_000_000, 0, "upstream of 100 MB/s on this machine"),
        (None, 0, "upstream without limits on this machine"),
    ):
        spec = servers.WORK / "cold.json"
        world.write(spec, world.cold(bench.now, bench.rounds + 1))
        first = Row(f"cold-first/{pace}/{millis}", f"cold file of 100 MB, {where}: time to first byte", 1.1, "direct", unit="s")
        total = Row(f"cold-total/{pace}/{millis}", f"cold file of 100 MB, {where}: total", 1.1, "direct", unit="s")
        with servers.Upstream(spec, pace, millis) as upstream, servers.Lazaret(upstream, "cold") as gateway:
            for number in range(bench.rounds + 1):
                cold_file(bench, upstream, gateway, number, first, total)
        bench.rows += [first, total]


def cold_file(bench, upstream, gateway, number, first, total):
    package = f"zz-cold-{number}"
    # The documents are known to both; the file is known to neither.
    measure.get(f"{upstream.npm}/{package}", NPM)
    measure.get(f"{gateway.npm}/{package}", NPM)
    turns = [("direct", upstream), ("lazaret", gateway)]
    for who, server in turns if number % 2 else reversed(turns):
        begun, ended, _ = measure.timed_get(tarball(server, package))
        # The first round warms connections and caches of code.
        if number:
            first.add(who, begun)
            total.add(who, ended)
            bench.say(f"cold file: {who} {begun * 1000:.1f} ms, {ended:.3f} s")


def packument(bench):
    """CPU of reading, judging and rendering alone, and of the gateway process with everything around it."""
    title = "packument of 3,000 releases, 10 MB"
    first = Row("judge-first", f"{title}: read, judged and rendered, CPU", 25, unit="ms")
    again = Row("judge-again", f"{title}: again after a policy change, CPU", 5, unit="ms")
    document = servers.WORK / "huge.json"
    document.write_bytes(measure.get(f"{bench.upstream.npm}/zz-huge", {"Accept": "application/json"})[2])
    for _ in range(bench.rounds):
        figures = measure.packument(document, "zz-huge")
        first.add("lazaret", figures["first_ms"])
        again.add("lazaret", figures["again_ms"])
        bench.say(f"packument: {figures}")
    bench.rows += [first, again, *whole_requests(bench, title)]


def whole_requests(bench, title):
    """The same by the CPU of the whole process: store, memory of first sights, hashing, sending."""
    cold = Row("request-cold", f"{title}: whole request with fetch, store and gzip, CPU", None, unit="ms")
    stored = Row("request-stored", f"{title}: whole request from the store after a start, CPU", None, unit="ms")
    changed = Row("request-changed", f"{title}: whole request after a policy change, CPU", None, unit="ms")
    plain = {**NPM, "Accept-Encoding": "identity"}
    policy = servers.WORK / "policy.toml"
    for _ in range(bench.rounds):
        policy.write_text("")
        gateway = servers.Lazaret(bench.upstream, "judge", policy)
        with gateway:
            measure.get(f"{gateway.npm}/zz-little", plain)
            cold.add("lazaret", bench.cpu(gateway, f"{gateway.npm}/zz-huge", NPM))
        gateway.keep = True
        with gateway:
            # What is made once per process, such as the list of popular names, is not this packument's.
            measure.get(f"{gateway.npm}/zz-little", plain)
            stored.add("lazaret", bench.cpu(gateway, f"{gateway.npm}/zz-huge", plain))
            for days in (31, 32, 33):
                policy.write_text(f'[release-too-new]\nmin_age = "{days}d"\n')
                bench.reload(gateway)
                changed.add("lazaret", bench.cpu(gateway, f"{gateway.npm}/zz-huge", plain))
    return cold, stored, changed


def npm_client(bench):
    """Beside an upstream on this machine, and beside one as far away as registries are."""
    with servers.Upstream(bench.spec, distance_millis=40) as far:
        warm(bench, far)
        npm_rows(bench, {"lazaret": bench.lazaret.npm, "direct": bench.upstream.npm, "direct, 40 ms away": far.npm})


def npm_rows(bench, places):
    install = Rounds("npm-install", "npm install without a lock, 400 packages, cold client", 0.6)
    clean = Rounds("npm-ci", "npm ci, 400 packages, cold client", 1.0)
    locks = {}
    for number, (who, registry) in itertools.product(range(bench.client_rounds + 1), places.items()):
        took = npm(bench, registry, "install", None)
        locks[who] = (servers.WORK / "client/package-lock.json").read_bytes()
        install.add(bench, who, took, number)
    for number, (who, registry) in itertools.product(range(bench.client_rounds + 1), places.items()):
        clean.add(bench, who, npm(bench, registry, "ci", locks[who]), number)
    bench.rows += [*install.rows(), *clean.rows()]


class Rounds:
    """Times of a client, which become one row for each other place that it went to."""

    def __init__(self, key, title, target):
        self.key, self.title, self.target = key, title, target
        self.times = {}

    def add(self, bench, who, took, number):
        # The first round warms everything but the client.
        if number:
            self.times.setdefault(who, []).append(took)
            bench.say(f"{self.title}: {who} {took:.2f} s")

    def rows(self):
        for who in self.times:
            if who != "lazaret":
                row = Row(f"{self.key}/{who}", self.title, self.target, who, unit="s")
                row.rounds = {"lazaret": self.times["lazaret"], who: self.times[who]}
                yield row


def npm(bench, registry, verb, lock):
    folder = servers.WORK / "client"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wanted = ", ".join(f'"{name}": "^1.0.0"' for name in bench.npm_roots)
    (folder / "package.json").write_text(f'{{"name": "app", "version": "1.0.0", "dependencies": {{{wanted}}}}}')
    (folder / ".npmrc").write_text(
        f"registry={registry}/\ncache={folder}/cache\naudit=false\nfund=false\nupdate-notifier=false\n"
    )
    if lock:
        (folder / "package-lock.json").write_bytes(lock)
    took = measure.command_seconds(["npm", verb, "--ignore-scripts"], folder)
    count = sum(1 for _ in (folder / "node_modules").iterdir())
    if count < 390:
        raise RuntimeError(f"npm {verb} installed {count} packages only")
    return took


def pip_client(bench):
    rounds = Rounds("pip-install", "pip install, 30 wheels, cold client", 1.0)
    with servers.Upstream(bench.spec, distance_millis=40) as far:
        warm(bench, far)
        places = {"lazaret": bench.lazaret.pypi, "direct": bench.upstream.pypi, "direct, 40 ms away": far.pypi}
        for number, (who, index) in itertools.product(range(bench.client_rounds + 1), places.items()):
            rounds.add(bench, who, pip(bench, index), number)
    bench.rows += rounds.rows()


def pip(bench, index):
    folder = servers.WORK / "client"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [
        *(servers.TOOLS / "py/bin/pip", "install", "-q", "--index-url", f"{index}/", "--no-compile"),
        *("--disable-pip-version-check", "--cache-dir", folder / "cache", "--target", folder / "site"),
        *bench.pypi_roots,
    ]
    took = measure.command_seconds(command, folder)
    count = sum(1 for _ in (folder / "site").glob("*.dist-info"))
    if count < world.WHEELS:
        raise RuntimeError(f"pip installed {count} wheels only")
    return took


def warm(bench, upstream):
    """The fake upstream builds a package's files when first asked for it; nobody is to pay for that."""
    for package in bench.npm_names:
        measure.get(f"{upstream.npm}/{package}", NPM)
    for package in bench.pypi_names:
        measure.get(f"{upstream.pypi}/{package}/", PIP)
