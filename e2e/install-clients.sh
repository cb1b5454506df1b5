#!/usr/bin/env bash
# Installs the clients of clients.toml into ${LAZARET_TOOLS:-<repository>/target/tools}. What is there at
# its version already is left alone. Ends with 1, naming each, when one cannot be had.
#
#   e2e/install-clients.sh [NAME...]      all of them, or only these
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${LAZARET_TOOLS:-$here/../target/tools}
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
# Two runs at a time would tread on each other.
exec 9>"$tools/.lock"
flock 9
log=$tools/install.log
: >"$log"

# One line a client: name, installer, package, version, entry.
table() {
  python3 - "$here/clients.toml" <<'PYTHON'
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    for client in tomllib.load(file)["client"]:
        print(*(client.get(key) or "-" for key in ("name", "installer", "package", "version", "entry")))
PYTHON
}

install_npm() { # folder package version entry
  # Into a fresh folder, so that a broken installation leaves nothing that looks whole. Scripts stay off:
  # no client here needs one, and one that downloads its program from elsewhere must be noticed.
  npm install --prefix "$1" --no-audit --no-fund --ignore-scripts --no-package-lock --loglevel=error "$2@$3" &&
    test -f "$1/node_modules/$4"
}

install_python() { # folder package version entry
  python3 -m venv "$1" &&
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$2==$3" &&
    test -x "$1/$4"
}

missing=()
while read -r name installer package version entry; do
  if (($#)) && [[ " $* " != *" $name "* ]]; then continue; fi
  folder=$tools/$name
  if [[ $installer == machine ]]; then
    if ! command -v "$entry" >/dev/null; then missing+=("$name: no \`$entry\` on this machine"); fi
    continue
  fi
  if [[ $(cat "$folder/.version" 2>/dev/null) == "$package@$version" ]]; then continue; fi
  echo "installing $name ($package $version)"
  # Python's virtual environments cannot be moved, so they are made in place and marked last.
  rm -rf "$folder"
  mkdir -p "$folder"
  if "install_$installer" "$folder" "$package" "$version" "$entry" >>"$log" 2>&1; then
    echo "$package@$version" >"$folder/.version"
  else
    missing+=("$name: $package $version could not be installed, see $log")
  fi
done < <(table)

if ((${#missing[@]})); then
  printf 'CLIENT MISSING  %s\n' "${missing[@]}" >&2
  exit 1
fi
