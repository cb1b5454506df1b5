#!/usr/bin/env bash
# go-logged.sh VERSION...: lines for LOGGED in crates/ecosystems/src/go/sumdb.rs, one for each VERSION of
# golang.org/x/crypto.
#
# The checksum database had given records to the modules that a version's go.mod needs before the version's commit
# was made, since its go.sum lists their hashes. The highest of those records was there by the day after that commit.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
export GOMODCACHE=$scratch/modules GOFLAGS='-modcacherw -mod=mod' GOTOOLCHAIN=local
downloads=$GOMODCACHE/cache/download
for version in "$@"; do
  printf 'module scratch.test/scratch\n\ngo 1.25\n\nrequire golang.org/x/crypto %s\n' "$version" > go.mod
  rm -f go.sum
  go list -m all > /dev/null
  go list -m "golang.org/x/crypto@$version" > /dev/null
  highest=0
  while read -r module needed; do
    answer=$(find "$downloads/sumdb" -path "*/lookup/$module@$needed" 2> /dev/null | head -n 1)
    [ -n "$answer" ] || continue
    record=$(head -n 1 "$answer")
    [ "$record" -le "$highest" ] || highest=$record
  done < <(grep -oE 'golang\.org/x/[a-z]+ v[^ ]+' "$downloads/golang.org/x/crypto/@v/$version.mod")
  made=$(sed -n 's/.*"Time": *"\([^"]*\)".*/\1/p' "$downloads/golang.org/x/crypto/@v/$version.info")
  grouped=$(printf '%s' "$highest" | sed -E ':a; s/([0-9])([0-9]{3})($|_)/\1_\2\3/; ta')
  printf '    (%s, "%s"), // %s\n' "$grouped" "$(date -u -d "$made + 1 day" +%F)" "$version"
done
