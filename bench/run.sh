#!/bin/sh
# `make bench`: installs the peers, builds, measures, writes target/bench/results.{json,md}.
# Arguments go to bench/main.py: `make bench ARGS='--rounds 3 --only npm-index'`.
set -eu
cd "$(dirname "$0")/.."
tools=$PWD/target/bench/tools
mkdir -p "$tools"

say() { printf '%s\n' "$*" >&2; }

# Programs for the bench, not services of the machine: while this file is there, no package starts one.
policy=/usr/sbin/policy-rc.d
made=
quiet() {
    [ -e "$policy" ] && return
    made=$policy
    trap 'rm -f "$made"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

# From Debian; without root they are unpacked beside the other tools.
debian() {
    for program in "$@"; do
        package=$program
        [ "$program" = nginx ] && package=nginx-light
        command -v "$program" >/dev/null 2>&1 && continue
        [ -x "$tools/debian/usr/sbin/$program" ] || [ -x "$tools/debian/usr/bin/$program" ] && continue
        say "bench: installing $package"
        if [ "$(id -u)" = 0 ]; then
            quiet
            apt-get install -y --no-install-recommends "$package" >"$tools/apt.log" 2>&1 && continue
            apt-get update >>"$tools/apt.log" 2>&1
            apt-get install -y --no-install-recommends "$package" >>"$tools/apt.log" 2>&1 && continue
        fi
        mkdir -p "$tools/debian"
        (cd "$tools/debian" && apt-get download "$package" >>"$tools/apt.log" 2>&1 &&
            for file in "${package}"_*.deb; do dpkg -x "$file" .; done) ||
            say "bench: $package could not be installed; its rows will be missing"
    done
}
debian nginx wrk curl docker-registry apt-cacher-ng
# `exec` below leaves without the trap.
[ -z "$made" ] || rm -f "$made"

# The present distribution, from the Go module proxy: some minutes, once. Athens and zot would be here too, but
# that proxy refuses their modules.
if [ ! -x "$tools/go/bin/registry" ]; then
    say "bench: installing distribution"
    GOBIN="$tools/go/bin" GOFLAGS='' go install github.com/distribution/distribution/v3/cmd/registry@v3.1.2 \
        >"$tools/go.log" 2>&1 ||
        say "bench: distribution could not be installed (see $tools/go.log); its rows will say so"
fi
say "bench: Athens and zot cannot be had from the Go module proxy; nothing stands in for them"

# Verdaccio and pnpr, from npm. The override stands in for a tag that not every mirror has.
if [ ! -x "$tools/npm/node_modules/.bin/verdaccio" ] || [ ! -e "$tools/npm/node_modules/.bin/pnpr" ]; then
    say "bench: installing Verdaccio and pnpr"
    mkdir -p "$tools/npm"
    cat >"$tools/npm/package.json" <<'END'
{"private": true,
 "dependencies": {"verdaccio": "6.8.0", "@pnpm/pnpr": "0.1.0-alpha.8"},
 "overrides": {"node-fetch": "2.7.0"}}
END
    (cd "$tools/npm" && npm install --no-audit --no-fund >install.log 2>&1) ||
        say "bench: Verdaccio and pnpr could not be installed (see $tools/npm/install.log); their rows will be missing"
fi

# proxpi and devpi, from PyPI.
if [ ! -x "$tools/py/bin/devpi-server" ] || [ ! -x "$tools/py/bin/gunicorn" ]; then
    say "bench: installing proxpi and devpi"
    python3 -m venv "$tools/py"
    "$tools/py/bin/pip" install -q proxpi==1.3.1 gunicorn devpi-server==6.20.3 devpi-client >"$tools/pip.log" 2>&1 ||
        say "bench: proxpi and devpi could not be installed (see $tools/pip.log); their rows will be missing"
fi

if [ -z "${LAZARET_BENCH_NO_BUILD:-}" ]; then
    cargo build --release --locked -p lazaret
    cargo build --release --locked -p lazaret-testkit --bin lazaret-fake-upstream
    cargo build --release --locked -p lazaret-ecosystems --example packument
fi
PATH="$tools/debian/usr/sbin:$tools/debian/usr/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 exec python3 bench/main.py "$@"
