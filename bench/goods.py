"""What the upstreams of images, Debian packages and Go modules hold: files in a folder, each where its protocol
looks for it, so that any server of files is an upstream. Same seed, same bytes."""

import datetime
import hashlib
import json
import lzma
import os
import pathlib
import random
import shutil
import subprocess
import zipfile

import servers

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DATE = datetime.datetime(2024, 3, 1, 12, 0, 0)
BLOCK = 64 << 20

# Debian 12's `main` for amd64 has about as many packages; its Packages.xz has 8.8 MB.
PACKAGES = 63_000
VERSIONS = 50
MODULE = "bench.test/thing"

MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright notice
and this permission notice shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS
PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED."""


def noise(path, size):
    """A file of noise, written to the disk, and its digest: a sparse one would be read faster than any layer is."""
    block = random.Random(7).randbytes(min(BLOCK, size))
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for number in range(0, size, BLOCK):
            # No two blocks are the same, for file systems that would notice.
            part = (number.to_bytes(8, "big") + block[8:])[: size - number]
            digest.update(part)
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


class Image:
    """One image of one layer, as a registry's addresses have it."""

    def __init__(self, root, repository, size):
        self.path = f"/v2/{repository}"
        self.size = size
        self.folder = root / self.path.lstrip("/")
        (self.folder / "blobs").mkdir(parents=True)
        (self.folder / "manifests").mkdir()
        layer = self.folder / "blobs/layer"
        self.layer = noise(layer, size)
        layer.rename(self.folder / f"blobs/sha256:{self.layer}")
        config = {
            "architecture": "amd64", "os": "linux", "created": DATE.isoformat() + "Z", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{self.layer}"]},
        }
        config = json.dumps(config).encode()
        named = hashlib.sha256(config).hexdigest()
        (self.folder / f"blobs/sha256:{named}").write_bytes(config)
        describe = lambda kind, digest, size: {"mediaType": kind, "digest": f"sha256:{digest}", "size": size}
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": describe("application/vnd.oci.image.config.v1+json", named, len(config)),
            "layers": [describe("application/vnd.oci.image.layer.v1.tar", self.layer, size)],
        }).encode()
        self.digest = hashlib.sha256(manifest).hexdigest()
        for reference in ("1", f"sha256:{self.digest}"):
            (self.folder / "manifests" / reference).write_bytes(manifest)

    @property
    def tag(self):
        return f"{self.path}/manifests/1"

    @property
    def manifest(self):
        return f"{self.path}/manifests/sha256:{self.digest}"

    @property
    def blob(self):
        return f"{self.path}/blobs/sha256:{self.layer}"


class Suite:
    """A Debian archive of one suite, with one package that there is and many that are only listed."""

    def __init__(self, root, count, payload):
        base = root / "debian"
        pool = base / "pool/main/z/zz-bench"
        pool.mkdir(parents=True)
        file = pool / "zz-bench_1.0-1_amd64.deb"
        package(file, root / "package", payload)
        self.file = f"/debian/{file.relative_to(base)}"
        index = lzma.compress(listing(base, file, count).encode(), preset=2)
        named = hashlib.sha256(index).hexdigest()
        folder = base / "dists/stable/main/binary-amd64"
        (folder / "by-hash/SHA256").mkdir(parents=True)
        for path in (folder / "Packages.xz", folder / "by-hash/SHA256" / named):
            path.write_bytes(index)
        self.packages = f"/debian/dists/stable/main/binary-amd64/by-hash/SHA256/{named}"
        self.packages_bytes = len(index)
        release = (
            "Origin: Bench\nSuite: stable\nCodename: stable\nDate: Fri, 01 Mar 2024 12:00:00 UTC\n"
            "Acquire-By-Hash: yes\nArchitectures: amd64\nComponents: main\nSHA256:\n"
        )
        release += f" {named} {len(index)} main/binary-amd64/Packages.xz\n"
        # As many lines as Debian's own has. Nobody on the way checks the signature: apt does, at the end.
        rng = random.Random(3)
        release += "".join(
            f" {rng.randbytes(32).hex()} {rng.randrange(10**7):8} main/i18n/Translation-{number}.bz2\n"
            for number in range(600)
        )
        (base / "dists/stable/InRelease").write_text(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + release
            + "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"
        )
        self.release = "/debian/dists/stable/InRelease"


def package(file, folder, payload):
    """A binary package with a changelog and a licence, made by Debian's own tool."""
    documents = folder / "usr/share/doc/zz-bench"
    documents.mkdir(parents=True)
    (folder / "DEBIAN").mkdir()
    (folder / "DEBIAN/control").write_text(
        "Package: zz-bench\nVersion: 1.0-1\nArchitecture: amd64\nMaintainer: B <b@bench.test>\nDescription: noise\n"
    )
    (documents / "changelog.Debian").write_text(
        "zz-bench (1.0-1) stable; urgency=low\n\n  * Begin.\n\n -- B <b@bench.test>  Fri, 01 Mar 2024 12:00:00 +0000\n"
    )
    (documents / "copyright").write_text(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
        "Files: *\nCopyright: 2024 B\nLicense: Expat\n"
    )
    noise(folder / "usr/share/zz-bench", payload)
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", folder, file],
        env={**servers.environment(), "SOURCE_DATE_EPOCH": str(int(DATE.timestamp()))},
        check=True,
        capture_output=True,
    )
    shutil.rmtree(folder)


def listing(base, file, count):
    content = file.read_bytes()
    rng = random.Random(5)
    stanza = (
        "Package: {name}\nVersion: {version}\nInstalled-Size: {size}\nMaintainer: B <b@bench.test>\n"
        "Architecture: amd64\nDepends: libc6 (>= 2.34), zz-{other}, zz-{another} (>= 1.{size})\n"
        "Description: {words}\nDescription-md5: {md5}\nHomepage: https://bench.test/{name}\n"
        "Section: libs\nPriority: optional\nFilename: {path}\nSize: {size}\nSHA256: {sha256}\n\n"
    )
    common = {"other": 1, "another": 2, "words": "noise", "md5": "0" * 32}
    entries = [stanza.format(
        name="zz-bench", version="1.0-1", path=file.relative_to(base), size=len(content),
        sha256=hashlib.sha256(content).hexdigest(), **common,
    )]
    words = ["library", "shared", "for", "tool", "the", "development", "files", "of", "runtime", "support", "a", "fast"]
    for number in range(count):
        name, version = f"zz-listed-{number}", f"{rng.randrange(9)}.{rng.randrange(30)}.{rng.randrange(30)}-1"
        entries.append(stanza.format(
            name=name, version=version, path=f"pool/main/z/{name}/{name}_{version}_amd64.deb",
            size=rng.randrange(1000, 10**7), sha256=rng.randbytes(32).hex(), md5=rng.randbytes(16).hex(),
            other=rng.randrange(count), another=rng.randrange(count), words=" ".join(rng.choices(words, k=8)),
        ))
    return "".join(entries)


class Module:
    """A Go module of many versions below a module proxy's addresses. All have the same zip but for its name."""

    def __init__(self, root, payload):
        folder = root / MODULE / "@v"
        folder.mkdir(parents=True)
        listed = [f"v1.{number}.0" for number in range(VERSIONS)]
        (folder / "list").write_text("".join(f"{version}\n" for version in listed))
        for number, version in enumerate(listed):
            when = DATE - datetime.timedelta(days=10 * (VERSIONS - number))
            (folder / f"{version}.info").write_text(json.dumps({"Version": version, "Time": when.isoformat() + "Z"}))
            (folder / f"{version}.mod").write_text(f"module {MODULE}\n\ngo 1.21\n")
        self.version = listed[-1]
        content = random.Random(11).randbytes(payload)
        with zipfile.ZipFile(folder / f"{self.version}.zip", "w", zipfile.ZIP_DEFLATED) as file:
            inside = f"{MODULE}@{self.version}"
            file.writestr(f"{inside}/go.mod", f"module {MODULE}\n\ngo 1.21\n")
            file.writestr(f"{inside}/LICENSE", f"MIT License\n\nCopyright (c) 2024 B\n\n{MIT}\n")
            file.writestr(f"{inside}/thing.go", "package thing\n")
            file.writestr(f"{inside}/testdata/noise", content)
        self.list = f"/{MODULE}/@v/list"
        self.info = f"/{MODULE}/@v/{self.version}.info"
        self.zip = f"/{MODULE}/@v/{self.version}.zip"


def fresh(name):
    """An empty folder for what an upstream holds."""
    folder = servers.WORK / "goods" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return pathlib.Path(folder)
