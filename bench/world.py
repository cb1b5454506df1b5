"""The packages that the fake upstream serves to every contestant: same seed, same world."""

import datetime
import json
import random

# Sizes as measured on real trees: 408 packuments of 90 MB for 426 packages with 17.9 MB of tarballs; 31 wheels
# of 27 MB.
TREE = 400
WHEELS = 30
KNOWN = 50_000
LARGE = 100_000_000
MEDIUM = 1_000_000


def date(now, days):
    return (now - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def names(random_, count):
    """Names that resemble no popular one."""
    syllables = ["ka", "vo", "ru", "li", "zem", "tor", "bax", "qui", "fen", "dro", "mus", "pel", "yar", "gno"]
    found = []
    while len(found) < count:
        name = "zz" + "".join(random_.choices(syllables, k=5))
        if name not in found:
            found.append(name)
    return found


def releases(now, count, step_days, fresh, **extra):
    """`count` releases, the last `fresh` of them younger than any cooldown."""
    made = []
    for number in range(count):
        age = 3 + number if number < fresh else 60 + (number - fresh) * step_days
        index = count - 1 - number
        made.append({"version": f"1.{index // 20}.{index % 20}", "published": date(now, age), **extra})
    made.reverse()
    return made


def tree(random_, now):
    """Packages that need each other, each with a packument and a tarball of a size seen in real trees."""
    all_names = names(random_, TREE)
    # Ten packages that the project itself needs; each other one is needed by an earlier one, nine deep.
    needed = {name: {} for name in all_names}
    for position in range(10, TREE):
        parent = random_.randint(position // 2, position * 4 // 5)
        needed[all_names[parent]][all_names[position]] = "1.0.0"
        for _ in range(random_.randint(0, 2)):
            needed[all_names[random_.randrange(position)]][all_names[position]] = "1.0.0"
    packages = []
    for position, name in enumerate(all_names):
        # Long-tailed: most packuments are small, a few have megabytes.
        count = min(1500, max(4, int(random_.lognormvariate(3.4, 1.1))))
        filler = random_.randint(1200, 3000)
        fresh = 1 if position % 10 == 0 else 0
        made = releases(now, count, 10, fresh, filler_bytes=filler)
        size = random_.choice([4_000, 8_000, 8_000, 20_000])
        for release in made[-2:]:
            release["text_files"] = random_.randint(5, 14)
            release["text_bytes"] = size
        for release in made:
            release["dependencies"] = needed[name]
        packages.append({"name": name, "releases": made})
    return packages, all_names[:10]


def wheels(random_, now):
    all_names = names(random_, WHEELS)
    packages = []
    for position, name in enumerate(all_names):
        made = releases(now, random_.randint(10, 80), 20, 1 if position % 10 == 0 else 0)
        for release in made[-2:]:
            release["text_files"] = random_.randint(10, 60)
            release["text_bytes"] = 60_000
        needs = {all_names[position + 5]: "1.0.0"} if position + 5 < WHEELS else {}
        for release in made:
            release["dependencies"] = needs
        packages.append({"name": name, "releases": made})
    return packages, all_names[:5]


def build(now):
    """The world, and the names that the rows ask for."""
    random_ = random.Random(7)
    npm, npm_roots = tree(random_, now)
    pypi, pypi_roots = wheels(random_, now)
    # An ordinary packument: 200 releases and a quarter megabyte, two of them held by the cooldown.
    npm.append({"name": "zz-ordinary", "releases": releases(now, 200, 10, 2, filler_bytes=500)})
    npm.append({"name": "zz-little", "releases": releases(now, 12, 60, 1)})
    pypi.append({"name": "zz-ordinary", "releases": releases(now, 120, 14, 2)})
    cargo = [{"name": "zz-ordinary", "releases": releases(now, 120, 14, 2)}]
    files = [{"version": "1.0.0", "published": date(now, 700)}]
    npm.append({"name": "zz-medium", "releases": [{**files[0], "noise_bytes": MEDIUM}]})
    npm.append({"name": "zz-large", "releases": [{**files[0], "noise_bytes": LARGE}]})
    huge = [
        {"name": "zz-huge", "releases": 3000, "bytes": 10_000_000},
        {"name": "zz-giant", "releases": 8000, "bytes": 40_000_000},
    ]
    spec = {"npm": npm, "pypi": pypi, "cargo": cargo, "huge_npm": huge}
    return spec, npm_roots, pypi_roots


def many(now):
    """So many small packages."""
    release = {"version": "1.0.0", "published": date(now, 700)}
    return {"npm": [{"name": f"zz-known-{number}", "releases": [release]} for number in range(KNOWN)]}


def cold(now, count):
    """Large files that nobody has asked for yet."""
    release = {"version": "1.0.0", "published": date(now, 700)}
    packages = [
        {"name": f"zz-cold-{number}", "releases": [{**release, "noise_bytes": LARGE + number * 512}]}
        for number in range(count)
    ]
    return {"npm": packages}


def write(path, spec):
    path.write_text(json.dumps(spec))
