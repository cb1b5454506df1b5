"""Starting and stopping what stands beside Lazaret for images, Debian packages and Go modules, and the server
of files on loopback that is everybody's only upstream for them."""

import os
import shutil
import urllib.request

import measure
import servers
from goods import MANIFEST
from servers import TOOLS, Server, environment


def find(program):
    """A peer that `bench/run.sh` installed, or the machine has."""
    own = [TOOLS / "go/bin" / program, TOOLS / "debian/usr/sbin" / program, TOOLS / "debian/usr/bin" / program]
    found = [path for path in own if path.exists()]
    return found[0] if found else shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin")


def low(server):
    """apt-cacher-ng knows no port above 32767, neither its own nor its upstream's."""
    server.port = servers.free_port(32768)
    server.url = f"http://127.0.0.1:{server.port}"


class Files(servers.Nginx):
    """nginx as the upstream: a folder, with the two answers of a registry that files alone cannot give. Its log
    says how much was asked of it."""

    name = "files"

    def __init__(self, root):
        super().__init__()
        low(self)
        self.root = root

    def alive(self):
        return "/v2/"

    def prepare(self):
        Server.prepare(self)
        servers.readable(self.root)
        digests = [
            f'"/{path.parent.relative_to(self.root)}/{path.name}" "{self.digest(path)}";'
            for path in sorted(self.root.glob("v2/**/manifests/*"))
        ]
        places = "".join(f"  {kind}_temp_path {self.folder}/{kind};\n" for kind in servers.TEMPORARY)
        (self.folder / "nginx.conf").write_text(f"""
worker_processes auto;
daemon off;
pid {self.folder}/pid;
error_log {self.folder}/error.log;
events {{ worker_connections 4096; }}
http {{
{places}
  sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000;
  log_format sent '$status $body_bytes_sent $request_method $uri';
  access_log {self.folder}/access.log sent;
  map_hash_bucket_size 256;
  map $uri $digest {{ default ""; {" ".join(digests)} }}
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    root {self.root};
    location = /v2/ {{ default_type application/json; return 200 "{{}}"; }}
    location ~ /manifests/ {{ default_type {MANIFEST}; add_header Docker-Content-Digest $digest; }}
  }}
}}
""")

    @staticmethod
    def digest(path):
        if path.name.startswith("sha256:"):
            return path.name
        return next(other.name for other in path.parent.glob("sha256:*") if other.read_bytes() == path.read_bytes())

    def sent(self, path):
        """Bytes of the bodies sent for an address so far."""
        total = 0
        for line in (self.folder / "access.log").read_text().splitlines():
            _, count, method, uri = line.split(" ", 3)
            if method == "GET" and uri == path:
                total += int(count)
        return total


class Gateway(servers.Lazaret):
    """Lazaret with the files as the upstream of all three. What the house sees first today is let in: these rows
    measure how bytes are served, and the judgement of each release takes place all the same."""

    def __init__(self, upstream, folder, limit=None, keep=False):
        super().__init__(upstream, folder, keep=keep)
        self.limit = limit

    def prepare(self):
        Server.prepare(self)
        policy = self.folder / "policy.toml"
        policy.write_text('[release-too-new]\nfirst_sight_age = "0"\n[package-too-new]\nfirst_sight_age = "0"\n')
        limit = f"artifact_limit_bytes = {self.limit}\n" if self.limit else ""
        (self.folder / "lazaret.toml").write_text(
            f'data = "{self.folder}/data"\nlisten = "127.0.0.1:{self.port}"\npolicy = "{policy}"\n{limit}'
            f'[upstreams.oci]\nregistry = "{self.upstream.url}"\n'
            f'[upstreams.deb]\ndebian = "{self.upstream.url}/debian"\n'
            f'[upstreams.go]\nproxy = "{self.upstream.url}"\n'
        )


class Registry(Server):
    """A registry as a pull-through cache: `docker-registry` of Debian, which is distribution 2.8, and the present
    distribution 3. Harbor's registry is distribution too."""

    programs = {"docker-registry": "docker-registry", "distribution": "registry"}

    def __init__(self, name, upstream):
        self.name = name
        super().__init__()
        self.upstream = upstream

    def prepare(self):
        super().prepare()
        (self.folder / "registry.yml").write_text(
            f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.folder}/data}}}}\n"
            f'http: {{addr: "127.0.0.1:{self.port}"}}\nproxy: {{remoteurl: "{self.upstream.url}"}}\n'
        )

    def command(self):
        return [find(self.programs[self.name]), "serve", self.folder / "registry.yml"]

    def environment(self):
        return environment(OTEL_TRACES_EXPORTER="none")

    def alive(self):
        return "/v2/"


class AptCacher(Server):
    name = "apt-cacher-ng"

    def __init__(self, upstream):
        super().__init__()
        low(self)
        self.upstream = upstream

    def prepare(self):
        super().prepare()
        support = TOOLS / "debian/usr/lib/apt-cacher-ng"
        if not support.exists():
            support = "/usr/lib/apt-cacher-ng"
        (self.folder / "conf").mkdir()
        (self.folder / "conf/acng.conf").write_text(
            f"CacheDir: {self.folder}/cache\nLogDir: {self.folder}/log\nSupportDir: {support}\nPort: {self.port}\n"
            "BindAddress: 127.0.0.1\nForeGround: 1\nVerboseLog: 0\nFreshIndexMaxAge: 3600\n"
            f"Remap-deb: /debian ; {self.upstream.url}/debian\n"
        )

    def command(self):
        return [find("apt-cacher-ng"), "-c", self.folder / "conf"]

    def environment(self):
        # It takes the proxy for loopback too.
        return environment(http_proxy="", https_proxy="")


def get_whole(url, headers, size):
    """Fetches a file piece by piece, since it may be larger than memory; its length has to be right."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=600) as answer:
        length = 0
        while piece := answer.read(1 << 20):
            length += len(piece)
    if size is not None and length != size:
        raise RuntimeError(f"{url}: {length} bytes instead of {size}")
    return length


def at_once(url, size, count):
    """Seconds until `count` clients that begin at once have a file whole. They are processes of their own, so
    that none waits for another."""
    command = ["curl", "-s", "-o", "/dev/null", "--noproxy", "*", "-w", "%{http_code} %{size_download}", url]
    return measure.together([command] * count, f"200 {size}")
