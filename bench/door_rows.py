"""The rows on images, Debian packages and Go modules: warm next to nginx and to caches of their kind, and a layer
of gigabytes that passes through."""

import contextlib
import hashlib
import http.client
import shutil
import urllib.parse

import doors
import goods
import measure
from goods import MANIFEST
from measure import FILE
from rows import Row, load_rows

IMAGE = {
    "Accept": f"{MANIFEST}, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"
}
APT = {"Accept": "text/*", "User-Agent": "Debian APT-HTTP/1.3 (2.6.1)"}
GO = {"Accept-Encoding": "gzip", "User-Agent": "Go-http-client/1.1"}

CLIENTS = 8
PEAK = 300_000_000
LARGE = "files/large-layer"
NO_ATHENS = "cannot be had: the Go module proxy refuses its module"


def absent(bench, title, peer, target, unit, why):
    """The row of a peer that could not be asked, so that nobody takes its absence for a win."""
    row = Row(f"{title}/{peer}", f"{title}, next to {peer}", target, peer, True, unit)
    row.note = why
    bench.rows.append(row)
    bench.say(f"{title}: {peer} {why}")


def peers(bench, stack, *servers):
    """Those of the peers that are there and start."""
    found, missing = {}, {}
    for server in servers:
        try:
            if server.command()[0] is None:
                raise RuntimeError("is not installed")
            found[server.name] = stack.enter_context(server)
        except (OSError, RuntimeError) as error:
            # One that runs and does not answer would outlive the bench.
            server.stop()
            missing[server.name] = str(error)
    return found, missing


def beside(bench, title, unit, urls, targets, headers, missing, connections=32):
    """One measurement of all that answer it, after each was asked once; a row for each that does not."""
    kind = ["requests/s", "bytes/s"].index(unit)
    missing = dict(missing)
    size = doors.get_whole(urls["lazaret"], headers, None)
    contestants = {}
    for who, url in urls.items():
        try:
            doors.get_whole(url, headers, size)
            contestants[who] = (url, headers)
        except (OSError, RuntimeError) as error:
            missing[who] = f"does not answer it: {error}"
    load_rows(bench, title, unit, contestants, targets, connections, kind)
    for peer in targets:
        if peer not in contestants:
            absent(bench, title, peer, targets[peer], unit, missing.get(peer, "is not there"))


def oci_warm(bench):
    root = goods.fresh("oci")
    image = goods.Image(root, "library/bench", bench.sizes["layer"])
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(doors.Files(root))
        gateway = stack.enter_context(doors.Gateway(upstream, "oci"))
        names = ("docker-registry", "distribution")
        found, missing = peers(bench, stack, *(doors.Registry(name, upstream) for name in names))
        size = f"{bench.sizes['layer'] // 10**6} MB"
        for title, path, headers, unit, to_nginx, connections in (
            ("image manifest by digest, warm", image.manifest, IMAGE, "requests/s", 0.7, 32),
            ("image manifest by tag, warm", image.tag, IMAGE, "requests/s", 0.7, 32),
            (f"image layer of {size}, warm", image.blob, FILE, "bytes/s", 0.9, CLIENTS),
        ):
            urls = {"lazaret": gateway.url + path, **{name: server.url + path for name, server in found.items()}}
            urls["nginx"] = bench.nginx.link(path.lstrip("/"), root / path.lstrip("/"))
            beside(bench, title, unit, urls, {"docker-registry": 1, "distribution": 1, "nginx": to_nginx},
                   headers, missing, connections)


def oci_large(bench):
    root = goods.fresh("large")
    size = bench.sizes["large"]
    named = f"{size / 10**9:g} GB"
    bench.say(f"the large layer has {named}" + ("" if size >= 5 * 10**9 else ", not 5: BENCH_LARGE=1 makes it so"))
    image = goods.Image(root, "library/large", size)
    title = f"layer of {named}, {CLIENTS} clients at once"
    cold = Row("oci-large-cold", f"{title}, cold: all of them together", None, unit="bytes/s")
    asked = Row("oci-large-asked", f"{title}, cold: asked of the upstream, in sizes of the layer", 1.1, unit="×")
    rising = Row("oci-large-memory-cold", f"{title}, cold: peak memory", PEAK, unit="bytes")
    warm = Row("oci-large-warm", f"{title}, warm, next to nginx", 0.9, "nginx", True, "bytes/s")
    level = Row("oci-large-memory-warm", f"{title}, warm: peak memory", PEAK, unit="bytes")
    rounds = max(1, bench.rounds - 2)
    limit = max(4 << 30, size + 1)
    with doors.Files(root) as upstream:
        for number in range(rounds):
            with doors.Gateway(upstream, "large", limit) as gateway:
                let_in(gateway, image)
                before = upstream.sent(image.blob)
                measure.forget_peak(gateway.process)
                cold.add("lazaret", CLIENTS * size / doors.at_once(gateway.url + image.blob, size, CLIENTS))
                rising.add("lazaret", measure.memory(gateway.process))
                asked.add("lazaret", (upstream.sent(image.blob) - before) / size)
                bench.say(f"{title}: cold {cold.figure() / 2**20:,.0f} MiB/s, {rising.figure() / 2**20:.0f} MiB")
                if number == rounds - 1:
                    large_warm(bench, gateway, image, root, rounds, warm, level)
        bench.rows += [cold, asked, rising, warm, level]
        bench.rows += resumed(bench, upstream, image, named, rounds, limit)
    # Gigabytes that nobody needs afterwards.
    shutil.rmtree(root)
    shutil.rmtree(doors.Gateway(upstream, "large").folder)
    (bench.nginx.folder / "files" / LARGE).unlink()


def let_in(gateway, image):
    """A layer is served as part of an image that is let in."""
    measure.get(gateway.url + image.tag, IMAGE)


def large_warm(bench, gateway, image, root, rounds, warm, level):
    urls = {
        "lazaret": gateway.url + image.blob,
        "nginx": bench.nginx.link(LARGE, root / image.blob.lstrip("/")),
    }
    for number in range(rounds + 1):
        for who, url in urls.items():
            measure.forget_peak(gateway.process)
            speed = CLIENTS * image.size / doors.at_once(url, image.size, CLIENTS)
            # The first round warms the kernel's cache of the files.
            if number:
                warm.add(who, speed)
                bench.say(f"{warm.title}: {who} {speed / 2**20:,.0f} MiB/s")
                if who == "lazaret":
                    level.add(who, measure.memory(gateway.process))


def resumed(bench, upstream, image, named, rounds, limit):
    """A client that closes at half and goes on by Range, of a layer that is still on its way and of one that is
    there. Other bytes than the upstream's fail the row; the figure is what that cost upstream."""
    cold = Row(
        "oci-large-resume", f"layer of {named}, cut at half and continued by Range, cold: the same bytes;"
        " asked of the upstream, in sizes of the layer", 1.1, unit="×",
    )
    warm = Row("oci-large-resume-warm", cold.title.replace("cold", "warm"), 0, unit="×")
    for _ in range(rounds):
        with doors.Gateway(upstream, "large", limit) as gateway:
            let_in(gateway, image)
            for row in (cold, warm):
                before = upstream.sent(image.blob)
                cut_and_continued(gateway.url + image.blob, image)
                row.add("lazaret", (upstream.sent(image.blob) - before) / image.size)
        bench.say(f"{cold.title}: {cold.figure():.2f}, then {warm.figure():.2f}")
    return cold, warm


def cut_and_continued(url, image):
    parts = urllib.parse.urlsplit(url)
    digest, half = hashlib.sha256(), image.size // 2
    for headers, status, count in (({}, 200, half), ({"Range": f"bytes={half}-"}, 206, image.size - half)):
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=600)
        connection.request("GET", parts.path, headers={**FILE, **headers})
        answer = connection.getresponse()
        if answer.status != status:
            raise RuntimeError(f"{url} {headers}: {answer.status} instead of {status}: {answer.read(300)}")
        if headers and answer.getheader("Content-Range") != f"bytes {half}-{image.size - 1}/{image.size}":
            raise RuntimeError(f"{url} {headers}: Content-Range {answer.getheader('Content-Range')}")
        while count and (piece := answer.read(min(count, 1 << 20))):
            digest.update(piece)
            count -= len(piece)
        connection.close()
        if count:
            raise RuntimeError(f"{url} {headers}: ended {count} bytes early")
    if digest.hexdigest() != image.layer:
        raise RuntimeError(f"{url}: the two halves are not the layer's bytes")


def deb_warm(bench):
    root = goods.fresh("deb")
    suite = goods.Suite(root, bench.sizes["packages"], bench.sizes["deb"])
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(doors.Files(root))
        gateway = stack.enter_context(doors.Gateway(upstream, "deb"))
        found, missing = peers(bench, stack, doors.AptCacher(upstream))
        # What an index lists may be had once it has passed.
        doors.get_whole(f"{gateway.url}/deb{suite.packages}", APT, suite.packages_bytes)
        index = f"Packages.xz of {bench.sizes['packages']:,} packages, {suite.packages_bytes / 2**20:.1f} MiB, warm"
        for title, path, unit, to_nginx in (
            ("apt's InRelease, warm", suite.release, "requests/s", 0.7),
            (f"file of the pool of {bench.sizes['deb'] / 10**6:g} MB, warm", suite.file, "bytes/s", 0.9),
            # Last, so that nothing that is still being worked on when its clients have left costs another row.
            (index, suite.packages, "bytes/s", 0.9),
        ):
            measure.forget_peak(gateway.process)
            urls = {"lazaret": f"{gateway.url}/deb{path}", **{name: server.url + path for name, server in found.items()}}
            urls["nginx"] = bench.nginx.link(path.lstrip("/"), root / path.lstrip("/"))
            beside(bench, title, unit, urls, {"apt-cacher-ng": 1, "nginx": to_nginx}, APT, missing)
        row = Row("deb-memory", f"{index}, 32 clients at once: peak memory", 250 << 20, unit="bytes")
        row.add("lazaret", measure.memory(gateway.process))
        bench.rows.append(row)


def go_warm(bench):
    root = goods.fresh("go")
    module = goods.Module(root, bench.sizes["zip"])
    with doors.Files(root) as upstream, doors.Gateway(upstream, "go") as gateway:
        for title, path, unit, to_nginx in (
            (f"Go's @v/list of {goods.VERSIONS} versions, warm", module.list, "requests/s", 0.7),
            ("Go's .info, warm", module.info, "requests/s", 0.7),
            (f"Go's .zip of {bench.sizes['zip'] / 10**6:g} MB, warm", module.zip, "bytes/s", 0.9),
        ):
            urls = {
                "lazaret": f"{gateway.url}/go{path}",
                "nginx": bench.nginx.link(path.lstrip("/"), root / path.lstrip("/")),
            }
            beside(bench, title, unit, urls, {"nginx": to_nginx, "Athens": 1}, GO, {"Athens": NO_ATHENS})
