"""Starting and stopping the contestants. Each has the fake upstream as its only upstream, and a proxy setting
that leads nowhere keeps anything else from being asked by accident."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / "target/bench/tools"
WORK = ROOT / "target/bench/work"
RELEASE = ROOT / "target/release"
LAZARET = pathlib.Path(os.environ.get("LAZARET_BENCH_BINARY", RELEASE / "lazaret"))
# Where nginx would put what it does not keep in memory.
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def free_port(below=None):
    """One of the kernel's choice, or the first free one counted down from `below`."""
    for port in range(below - 1, 1024, -1) if below else (0,):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise RuntimeError("there is no free port")


def environment(**more):
    """Nothing of the user's settings, nothing beyond loopback."""
    home = WORK / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "127.0.0.1,localhost",
        "NO_COLOR": "1",
        "PIP_CONFIG_FILE": "/dev/null",
        **more,
    }


class Server:
    """A process that listens on a port of its own."""

    name = ""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.folder = WORK / self.name
        self.log = None
        self.log_file = WORK / f"{self.name}-{self.port}.log"

    def command(self):
        raise NotImplementedError

    def environment(self):
        return environment()

    def prepare(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def alive(self):
        return "/"

    def spawn(self):
        self.log = open(self.log_file, "ab")
        self.process = subprocess.Popen(
            self.command(), env=self.environment(), stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL
        )

    def start(self, patience=60):
        self.prepare()
        self.spawn()
        self.wait(patience)
        return self

    def wait(self, patience=60):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.url + self.alive(), timeout=5).read()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start; see {self.log_file.relative_to(ROOT)}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.log:
            self.log.close()
            self.log = None
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Upstream(Server):
    """The fake registries."""

    name = "upstream"

    def __init__(self, spec, file_bytes_per_second=None, distance_millis=0):
        super().__init__()
        self.spec = spec
        self.pace = ["--distance-millis", str(distance_millis)]
        if file_bytes_per_second:
            self.pace += ["--file-bytes-per-second", str(file_bytes_per_second)]

    def command(self):
        fake = RELEASE / "lazaret-fake-upstream"
        return [fake, "--port", str(self.port), "--spec", str(self.spec), *self.pace]

    def wait(self, patience=60):
        """It listens before it knows its packages, and prints its addresses once it does."""
        end = time.monotonic() + 300
        while time.monotonic() < end and self.process.poll() is None:
            if f"cargo sparse+{self.url}" in self.log_file.read_text():
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start; see {self.log_file}")

    @property
    def npm(self):
        return f"{self.url}/npm"

    @property
    def pypi(self):
        return f"{self.url}/pypi/simple"


class Lazaret(Server):
    name = "lazaret"

    def __init__(self, upstream, folder="lazaret", policy=None, keep=False):
        super().__init__()
        self.upstream = upstream
        self.folder = WORK / folder
        self.keep = keep
        self.policy = policy

    def prepare(self):
        if not self.keep:
            super().prepare()
        self.folder.mkdir(parents=True, exist_ok=True)
        policy = f'policy = "{self.policy}"\n' if self.policy else ""
        (self.folder / "lazaret.toml").write_text(
            f'data = "{self.folder}/data"\nlisten = "127.0.0.1:{self.port}"\n{policy}'
            f'[upstreams.npm]\nregistry = "{self.upstream.npm}"\n'
            f'[upstreams.pypi]\nsimple = "{self.upstream.pypi}"\n'
            f'[upstreams.cargo]\nindex = "{self.upstream.url}/cargo/index"\n'
        )

    def command(self):
        return [LAZARET, "serve", "--config", self.folder / "lazaret.toml"]

    def alive(self):
        return "/readyz"

    @property
    def npm(self):
        return f"{self.url}/npm"

    @property
    def pypi(self):
        return f"{self.url}/pypi/simple"


class Verdaccio(Server):
    name = "verdaccio"

    def __init__(self, upstream):
        super().__init__()
        self.upstream = upstream
        self.npm = self.url

    def prepare(self):
        super().prepare()
        (self.folder / "config.yaml").write_text(f"""
storage: {self.folder}/storage
auth: {{htpasswd: {{file: {self.folder}/htpasswd}}}}
uplinks:
  fake: {{url: "{self.upstream.npm}/", maxage: 60m, timeout: 60s}}
packages:
  '@*/*': {{access: $all, proxy: fake}}
  '**': {{access: $all, proxy: fake}}
server: {{keepAliveTimeout: 60}}
web: {{enable: false}}
max_body_size: 100mb
log: {{type: stdout, format: pretty, level: error}}
""")

    def command(self):
        return [
            TOOLS / "npm/node_modules/.bin/verdaccio",
            *("-c", self.folder / "config.yaml", "-l", f"127.0.0.1:{self.port}"),
        ]


class Pnpr(Server):
    name = "pnpr"

    def __init__(self, upstream):
        super().__init__()
        self.upstream = upstream
        self.npm = self.url

    def prepare(self):
        super().prepare()
        (self.folder / "pnpr.yaml").write_text(f"""
storage: {self.folder}/storage
cache: {self.folder}/cache
auth: {{htpasswd: {{file: {self.folder}/htpasswd, max_users: -1}}}}
registries:
  fake: {{type: upstream, url: "{self.upstream.npm}/", public: true}}
defaultRegistry: fake
log: {{type: stdout, format: pretty, level: error}}
""")

    def environment(self):
        return environment(RUST_LOG="error")

    def command(self):
        return [
            TOOLS / "npm/node_modules/.bin/pnpr",
            *("-c", self.folder / "pnpr.yaml", "--listen", f"127.0.0.1:{self.port}"),
            *("--packument-ttl-secs", "3600"),
        ]


class Proxpi(Server):
    name = "proxpi"

    def __init__(self, upstream):
        super().__init__()
        self.upstream = upstream
        self.pypi = f"{self.url}/index"

    def environment(self):
        return environment(
            PROXPI_INDEX_URL=f"{self.upstream.pypi}/",
            PROXPI_CACHE_DIR=str(self.folder / "cache"),
            PROXPI_LOGGING_LEVEL="ERROR",
        )

    def prepare(self):
        super().prepare()
        (self.folder / "cache").mkdir()

    def command(self):
        # One process, since its cache is the process's own.
        return [
            TOOLS / "py/bin/gunicorn",
            *("-w", "1", "--threads", "8", "-b", f"127.0.0.1:{self.port}", "proxpi.server:app"),
        ]

    def alive(self):
        return "/health"


class Devpi(Server):
    name = "devpi"

    def __init__(self, upstream):
        super().__init__()
        self.upstream = upstream
        self.pypi = f"{self.url}/root/m/+simple"

    def prepare(self):
        super().prepare()
        # Without the mirror that it makes by default, which would read a whole public index.
        subprocess.run(
            [TOOLS / "py/bin/devpi-init", "--serverdir", self.folder / "server", "--no-root-pypi"],
            env=environment(),
            check=True,
            capture_output=True,
        )

    def command(self):
        return [
            TOOLS / "py/bin/devpi-server",
            *("--serverdir", self.folder / "server", "--host", "127.0.0.1", "--port", str(self.port)),
        ]

    def start(self, patience=60):
        super().start(patience)
        for arguments in (
            ["use", self.url],
            ["login", "root", "--password="],
            [
                *("index", "-c", "root/m", "type=mirror", f"mirror_url={self.upstream.pypi}/"),
                *("mirror_no_project_list=True", "mirror_use_external_urls=False"),
                "mirror_cache_expiry=3600",
            ],
        ):
            subprocess.run(
                [TOOLS / "py/bin/devpi", *arguments, "--clientdir", self.folder / "client"],
                env=environment(),
                check=True,
                capture_output=True,
            )
        return self


class Nginx(Server):
    """The same bytes as plain files: what the machine can do at most."""

    name = "nginx"

    def prepare(self):
        super().prepare()
        (self.folder / "files").mkdir()
        places = "".join(f"  {kind}_temp_path {self.folder}/{kind};\n" for kind in TEMPORARY)
        (self.folder / "nginx.conf").write_text(f"""
worker_processes auto;
daemon off;
pid {self.folder}/pid;
error_log {self.folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000;
  open_file_cache max=1000 inactive=600s; open_file_cache_valid 600s;
{places}
  default_type application/json;
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    root {self.folder}/files;
    location /packed/ {{ add_header Content-Encoding gzip; add_header Vary Accept-Encoding; }}
  }}
}}
""")

    def command(self):
        return ["nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"]

    def put(self, name, content):
        path = self.folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        readable(path)
        return f"{self.url}/{name}"

    def link(self, name, path):
        """A file that another server has too, without a copy of it."""
        linked = self.folder / "files" / name
        linked.parent.mkdir(parents=True, exist_ok=True)
        linked.unlink(missing_ok=True)
        linked.hardlink_to(path)
        readable(linked)
        return f"{self.url}/{name}"


def readable(path):
    """nginx's workers may run as another user."""
    for parent in (path, *path.parents):
        if parent == ROOT:
            break
        parent.chmod(parent.stat().st_mode | 0o555)


def machine():
    """What a reader needs to place the figures."""
    cpu = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gib": round(memory / 2**20), "kernel": ".".join(os.uname().release.split(".")[:2])}


def built_from(program):
    """The version of the module that a Go program was built from."""
    try:
        done = subprocess.run(["go", "version", "-m", program], capture_output=True, text=True, timeout=60)
        return next(line.split()[2] for line in done.stdout.splitlines() if line.split()[:1] == ["mod"])
    except (OSError, StopIteration, subprocess.TimeoutExpired):
        return "absent"


def versions():
    def first_line(*command):
        try:
            done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60)
            return (done.stdout or done.stderr).strip().splitlines()[0]
        except (OSError, IndexError, subprocess.TimeoutExpired):
            return "absent"

    found = {
        "nginx": first_line("nginx", "-v").rsplit("/", 1)[-1],
        "wrk": first_line("wrk", "-v").split()[1].removeprefix("debian/"),
        "node": first_line("node", "-v"),
        "npm": first_line("npm", "-v"),
        "lazaret": first_line(LAZARET, "--version").split()[-1],
    }
    for package in ("docker-registry", "apt-cacher-ng"):
        found[package] = first_line("dpkg-query", "-W", "-f", "${Version}\n", package)
    registry = TOOLS / "go/bin/registry"
    found["distribution"] = built_from(registry)
    for package in ("verdaccio", "@pnpm/pnpr"):
        manifest = TOOLS / "npm/node_modules" / package / "package.json"
        if manifest.exists():
            found[package] = json.loads(manifest.read_text())["version"]
    for package in ("proxpi", "devpi-server", "pip"):
        line = first_line(TOOLS / "py/bin/pip", "show", package, "--disable-pip-version-check")
        code = f"import importlib.metadata as m; print(m.version('{package}'))"
        found[package] = first_line(TOOLS / "py/bin/python", "-c", code) if line != "absent" else "absent"
    return found
