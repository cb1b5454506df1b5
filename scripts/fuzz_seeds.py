#!/usr/bin/env python3
"""Writes fuzz seeds from the golden exchanges and corpora of the ecosystems: fuzz_seeds.py CORPUS_DIR."""
import hashlib
import pathlib
import re
import sys

corpus = pathlib.Path(sys.argv[1])
root = pathlib.Path(__file__).resolve().parent.parent
# The order of `lazaret_ecosystems::all()`, which the first byte of an input chooses from.
listed = (root / "crates/ecosystems/src/lib.rs").read_text()
order = re.findall(r"&(\w+)::", listed[listed.index("pub fn all()"):])


def write(target, data):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def request(path):
    """Method, address, Accept and body of a golden request."""
    head, _, body = path.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = head.split(b"\n")
    method, address = lines[0].split(b" ")[:2]
    accept = next((line.split(b":", 1)[1].strip() for line in lines[1:] if line.lower().startswith(b"accept:")), b"*/*")
    return method, address, accept, body


for number, name in enumerate(order):
    choice = bytes([number])
    folder = root / "crates/ecosystems/src" / name
    for case in sorted((folder / "golden").iterdir()):
        method, address, accept, body = request(case / "request.http")
        methods = [b"GET", b"PUT", b"POST", b"DELETE"]
        index = methods.index(method) if method in methods else 0
        write("request", choice + bytes([index]) + b"\n".join([address, accept, b"application/json", body]))
        for document in case.glob("upstream-*"):
            data = document.read_bytes()
            kind = b"application/json"
            if document.suffix == ".http":
                head, _, data = data.replace(b"\r\n", b"\n").partition(b"\n\n")
                found = re.search(rb"(?im)^content-type:\s*(\S+)", head)
                kind = found.group(1) if found else kind
            write("document", choice + b"\n".join([address, accept, kind, data]))
    for file in (folder / "corpus").iterdir():
        if file.is_file():
            write("lock_file", choice + file.name.encode() + b"\n" + file.read_bytes())
            write("artifact", choice + b"package\n" + file.name.encode() + b"\n" + file.read_bytes())
write("policy", (root / "crates/policy/src/baseline.toml").read_bytes())
write("advisory", b'{"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"x"},'
      b'"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.0.0"}]}]}]}')
