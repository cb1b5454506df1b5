"""Measures Lazaret beside its peers, in one run on one machine. Started by `bench/run.sh`."""

import argparse
import contextlib
import datetime
import json
import os
import subprocess
import sys
import time

import door_rows
import footprint
import goods
import measure
import rows
import servers
import world

PARTS = {
    "npm-index": rows.npm_index,
    "pypi-index": rows.pypi_index,
    "cargo-index": rows.cargo_index,
    "warm-files": rows.warm_files,
    "cold-files": rows.cold_files,
    "packument": rows.packument,
    "npm-client": rows.npm_client,
    "pip-client": rows.pip_client,
    "memory": footprint.memory,
    "start": footprint.start,
    "size": footprint.size,
}
# These need nothing of the fake registries.
DOORS = {
    "oci-warm": door_rows.oci_warm,
    "oci-large": door_rows.oci_large,
    "deb-warm": door_rows.deb_warm,
    "go-warm": door_rows.go_warm,
}

# In bytes, but for the packages that an archive's index lists.
SIZES = {"layer": 100_000_000, "large": 10**9, "deb": 1_000_000, "packages": goods.PACKAGES, "zip": 1_000_000}
SMALL = {"layer": 10_000_000, "large": 200_000_000, "deb": 100_000, "packages": 2_000, "zip": 100_000}


class Bench:
    """What all rows share."""

    def __init__(self, arguments):
        self.rounds = arguments.rounds
        self.client_rounds = arguments.client_rounds
        self.seconds = arguments.seconds
        self.sizes = dict(SMALL if arguments.small else SIZES)
        large = arguments.large_gb or (5 if os.environ.get("BENCH_LARGE") == "1" else None)
        if large:
            self.sizes["large"] = round(large * 10**9)
        self.rows = []
        self.failures = []
        self.now = datetime.datetime.now(datetime.timezone.utc)
        spec, self.npm_roots, self.pypi_roots = world.build(self.now)
        self.spec = servers.WORK / "world.json"
        world.write(self.spec, spec)
        self.npm_names = [package["name"] for package in spec["npm"]]
        self.pypi_names = [package["name"] for package in spec["pypi"]]

    def say(self, text):
        print(f"bench: {text}", file=sys.stderr, flush=True)

    def cpu(self, server, url, headers):
        """Milliseconds of CPU that one request costs the whole process."""
        time.sleep(0.3)
        before = measure.cpu_seconds(server.process)
        measure.get(url, headers)
        time.sleep(0.1)
        return (measure.cpu_seconds(server.process) - before) * 1000

    def reload(self, gateway):
        """Makes the gateway read its policy again: every change of an exception does."""
        subprocess.run(
            [
                *(servers.LAZARET, "kill", "--config", gateway.folder / "lazaret.toml"),
                *("pkg:npm/zz-nothing@1.0.0", "--why", "so that the policy is read again"),
            ],
            env=servers.environment(),
            check=True,
            capture_output=True,
        )
        time.sleep(1.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement")
    parser.add_argument("--client-rounds", type=int, default=5, help="rounds of npm and pip")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of load in each round")
    parser.add_argument("--large-gb", type=float, help="size of the large layer; 1, or 5 with BENCH_LARGE=1")
    parser.add_argument("--small", action="store_true", help="small files, to see that it works: no figures to keep")
    parts = {**PARTS, **DOORS}
    parser.add_argument("--only", help=f"some of {', '.join(parts)}, separated by commas")
    arguments = parser.parse_args()
    os.environ.pop("LAZARET_CONFIG", None)
    servers.WORK.mkdir(parents=True, exist_ok=True)
    for log in servers.WORK.glob("*.log"):
        log.unlink()
    wanted = arguments.only.split(",") if arguments.only else list(parts)
    if unknown := set(wanted) - set(parts):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    bench = Bench(arguments)
    bench.upstream = servers.Upstream(bench.spec)
    bench.lazaret = servers.Lazaret(bench.upstream)
    bench.nginx = servers.Nginx()
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        stack.enter_context(bench.nginx)
        if not set(wanted) <= set(DOORS):
            stack.enter_context(bench.upstream)
            stack.enter_context(bench.lazaret)
            rows.warm(bench, bench.upstream)
        for part in wanted:
            bench.say(f"== {part} (load average {measure.load_average():.1f})")
            try:
                parts[part](bench)
            except Exception as error:  # One row that fails must not cost the others.
                bench.failures.append(f"{part}: {error}")
                bench.say(f"{part} failed: {error}")
    report(bench, time.monotonic() - begun)
    sys.exit(1 if bench.failures else 0)


def shown(value, unit):
    if value is None:
        return "-"
    if unit == "bytes":
        return f"{value / 2**20:.1f} MiB"
    if unit == "bytes/s":
        return f"{value / 2**20:,.0f} MiB/s"
    if unit == "requests/s":
        return f"{value:,.0f}/s"
    if unit == "s":
        return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"
    return f"{value:.1f} {unit}"


def line(row):
    ours = shown(row.figure(), row.unit)
    if row.ratio_of:
        measured = row.measured()
        theirs = shown(row.figure(row.ratio_of), row.unit)
        figures = [ours, f"{row.ratio_of} {theirs}", "-" if measured is None else f"{measured:.2f} ×"]
        target = f"{'≥' if row.at_least else '≤'} {row.target} ×"
        if row.note:
            figures = [ours, f"{row.ratio_of} -", row.note]
    else:
        figures = [ours, "", ours]
        target = "" if row.target is None else f"≤ {shown(row.target, row.unit)}"
    reached = {None: "", True: "yes", False: "**no**"}[row.reached()]
    return f"| {row.title} | {figures[0]} | {figures[1]} | {figures[2]} | {target} | {reached} |"


def report(bench, took):
    machine, versions = servers.machine(), servers.versions()
    text = ["| what | Lazaret | beside it | result | target | reached |", "|---|---|---|---|---|---|"]
    text += [line(row) for row in bench.rows]
    text += ["", f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_gib']} GiB, Linux {machine['kernel']}."]
    text += [", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + "."]
    text += [f"{bench.rounds} rounds of {bench.seconds} s; {took / 60:.0f} minutes; load {measure.load_average():.1f}."]
    text += [f"FAILED {failure}" for failure in bench.failures]
    text = "\n".join(text) + "\n"
    print(text)
    folder = servers.ROOT / "target/bench"
    (folder / "results.md").write_text(text)
    figures = [
        {
            "key": row.key, "title": row.title, "target": row.target, "at_least": row.at_least, "unit": row.unit,
            "beside": row.ratio_of, "measured": row.measured(), "reached": row.reached(), "rounds": row.rounds, "note": row.note,
        }
        for row in bench.rows
    ]
    result = {"machine": machine, "versions": versions, "rows": figures, "failures": bench.failures}
    (folder / "results.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
