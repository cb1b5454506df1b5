#!/usr/bin/env bash
# Installs the clients and tools of clients.toml into ${LAZARET_TOOLS:-<repository>/target/tools}. What is
# there at its version already is left alone. Ends with 1, naming each, when one cannot be had.
#
#   e2e/install-clients.sh [NAME...]      all of them, or only these and what they need
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

# One line each: name, installer, version, entry, package. The package is last: Debian's may be several.
table() {
  python3 - "$here/clients.toml" "$@" <<'PYTHON'
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    table = tomllib.load(file)
rows = {row["name"]: row for row in table["tool"] + table["client"]}
wanted = sys.argv[2:] or list(rows)
for name in wanted:
    if name not in rows:
        sys.exit(f"clients.toml has no `{name}`")
wanted = {need for name in wanted for need in rows[name].get("needs", [])} | set(wanted)
for name, row in rows.items():
    if name in wanted:
        print(*(row.get(key) or "-" for key in ("name", "installer", "version", "entry", "package")))
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

install_go() { # folder package version entry
  GOBIN=$1/bin GOFLAGS= go install "$2@$3" && test -x "$1/$4"
}

install_plugins() { # folder package version entry
  local project=$1/project repository=$1/$4
  mkdir -p "$project/src/main/java"
  echo 'public final class Probe {}' >"$project/src/main/java/Probe.java"
  cat >"$project/pom.xml" <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>probe</groupId><artifactId>probe</artifactId><version>1</version>
  <properties>
    <maven.compiler.source>8</maven.compiler.source><maven.compiler.target>8</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
</project>
XML
  # The very goals that tests call, since each has plugins and plugins' dependencies of its own.
  (cd "$project" && mvn --batch-mode -Dmaven.repo.local="$repository" package dependency:resolve \
    deploy:deploy-file -Dfile=pom.xml -DpomFile=pom.xml -Dpackaging=pom -DrepositoryId=probe -Durl="file://$1/deployed") &&
    test -d "$repository/org/apache/maven/plugins" || return 1
  rm -rf "$project" "$1/deployed" "$repository/probe"
  # What says from where a file came would keep mvn from using it for another repository.
  find "$repository" -type f ! -name '*.jar' ! -name '*.pom' -delete
}

# Debian's packages go into the machine itself, which needs root; without, they are reported as missing.
install_debian() { # entry package...
  ((EUID == 0)) && command -v apt-get >/dev/null || return 1
  local entry=$1 policy=/usr/sbin/policy-rc.d
  shift
  # A server comes as a program for tests, not to be started by its package.
  if [[ ! -e $policy ]]; then
    # However this script ends.
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  local install=(apt-get install --yes --quiet --no-install-recommends "$@")
  export DEBIAN_FRONTEND=noninteractive
  # The lists may be absent or too old for the archive.
  "${install[@]}" </dev/null || { apt-get update --quiet && "${install[@]}" </dev/null; } || return 1
  command -v "$entry" >/dev/null
}

missing=()
rows=$(table "$@")
while read -r name installer version entry package; do
  folder=$tools/$name
  case $installer in
    machine)
      if ! command -v "$entry" >/dev/null; then missing+=("$name: no \`$entry\` on this machine"); fi
      continue
      ;;
    debian)
      if command -v "$entry" >/dev/null; then continue; fi
      echo "installing $name (Debian's $package)"
      # Word by word, since it may be several.
      # shellcheck disable=SC2086
      if ! install_debian "$entry" $package >>"$log" 2>&1; then
        missing+=("$name: no \`$entry\` on this machine, and \`apt-get install $package\` failed or needs root, see $log")
      fi
      continue
      ;;
  esac
  if [[ $(cat "$folder/.version" 2>/dev/null) == "$package@$version" ]]; then continue; fi
  echo "installing $name ($package $version)"
  # Python's virtual environments cannot be moved, so they are made in place and marked last.
  rm -rf "$folder"
  mkdir -p "$folder"
  if "install_$installer" "$folder" "$package" "$version" "$entry" >>"$log" 2>&1 </dev/null; then
    echo "$package@$version" >"$folder/.version"
  else
    missing+=("$name: $package $version could not be installed, see $log")
  fi
done <<<"$rows"

if ((${#missing[@]})); then
  printf 'CLIENT MISSING  %s\n' "${missing[@]}" >&2
  exit 1
fi
