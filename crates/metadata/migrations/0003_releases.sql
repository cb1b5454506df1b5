-- What documents on single releases said, which files vouch for which others, and where names that can be moved
-- have stood.
CREATE TABLE release_details (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, version TEXT NOT NULL, detail TEXT NOT NULL,
    fetched_ms BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, package_key, version)
);
CREATE TABLE members (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, file TEXT NOT NULL, owner TEXT NOT NULL,
    package TEXT NOT NULL, version TEXT NOT NULL, artifact TEXT NOT NULL, first_seen_ms BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, package_key, file, owner)
);
CREATE TABLE pointers (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, pointer TEXT NOT NULL, version TEXT NOT NULL,
    first_seen_ms BIGINT NOT NULL, last_seen_ms BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, package_key, pointer, version)
);
