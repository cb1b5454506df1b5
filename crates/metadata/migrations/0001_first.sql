-- The first schema. Portable between SQLite and PostgreSQL: ids are made by us, moments are BIGINT
-- milliseconds, booleans are BIGINT with a check, digests and JSON are TEXT.
CREATE TABLE documents (
    ecosystem TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
    etag TEXT, last_modified TEXT, fetched_ms BIGINT NOT NULL,
    content_type TEXT NOT NULL, digest TEXT NOT NULL, size_bytes BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, name, role)
);
CREATE INDEX documents_by_digest ON documents (digest);
CREATE INDEX documents_by_age ON documents (fetched_ms);
CREATE TABLE sightings (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, version TEXT NOT NULL, file TEXT NOT NULL,
    declared TEXT NOT NULL, sha256 TEXT, first_seen_ms BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, package_key, file)
);
CREATE TABLE artifacts (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, package TEXT NOT NULL, version TEXT NOT NULL,
    file TEXT NOT NULL, sha256 TEXT NOT NULL, size_bytes BIGINT NOT NULL, stored_ms BIGINT NOT NULL,
    last_used_ms BIGINT NOT NULL, hosted BIGINT NOT NULL CHECK (hosted IN (0, 1)), facts TEXT NOT NULL,
    PRIMARY KEY (ecosystem, package_key, file)
);
CREATE INDEX artifacts_by_digest ON artifacts (sha256);
CREATE INDEX artifacts_by_use ON artifacts (hosted, last_used_ms);
CREATE TABLE admissions (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, package TEXT NOT NULL, version TEXT NOT NULL,
    file TEXT NOT NULL, sha256 TEXT NOT NULL, policy_revision TEXT NOT NULL, findings TEXT NOT NULL,
    principal TEXT NOT NULL, class TEXT NOT NULL, at_ms BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, package_key, file, sha256)
);
CREATE INDEX admissions_by_digest ON admissions (sha256);
CREATE INDEX admissions_by_time ON admissions (at_ms);
CREATE TABLE downloads (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, version TEXT NOT NULL, file TEXT NOT NULL,
    sha256 TEXT NOT NULL, principal TEXT NOT NULL, at_ms BIGINT NOT NULL
);
CREATE INDEX downloads_by_package ON downloads (ecosystem, package_key, version);
CREATE INDEX downloads_by_digest ON downloads (sha256);
CREATE INDEX downloads_by_time ON downloads (at_ms);
CREATE TABLE refusals (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, version TEXT NOT NULL, policy_revision TEXT NOT NULL,
    codes TEXT NOT NULL, sentence TEXT NOT NULL, principal TEXT NOT NULL,
    first_ms BIGINT NOT NULL, last_ms BIGINT NOT NULL, times BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, package_key, version, policy_revision, codes)
);
CREATE INDEX refusals_by_time ON refusals (last_ms);
CREATE TABLE hosted_packages (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
    created_ms BIGINT NOT NULL, revision BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, package_key)
);
-- A version or a file that was published keeps its row for ever, removed or not, so that its name can
-- never stand for other bytes.
CREATE TABLE hosted_releases (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, version TEXT NOT NULL, manifest TEXT NOT NULL,
    published_ms BIGINT NOT NULL, publisher TEXT NOT NULL, withdrawn TEXT, deprecated TEXT,
    removed_ms BIGINT,
    PRIMARY KEY (ecosystem, package_key, version)
);
CREATE TABLE hosted_files (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, file TEXT NOT NULL, version TEXT NOT NULL,
    sha256 TEXT NOT NULL, digests TEXT NOT NULL, size_bytes BIGINT NOT NULL, published_ms BIGINT NOT NULL,
    metadata TEXT NOT NULL,
    PRIMARY KEY (ecosystem, package_key, file)
);
CREATE INDEX hosted_files_by_digest ON hosted_files (sha256);
CREATE TABLE hosted_tags (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, tag TEXT NOT NULL, version TEXT NOT NULL,
    PRIMARY KEY (ecosystem, package_key, tag)
);
CREATE TABLE hosted_owners (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, owner TEXT NOT NULL,
    PRIMARY KEY (ecosystem, package_key, owner)
);
CREATE TABLE waivers (
    id TEXT PRIMARY KEY, body TEXT NOT NULL, why TEXT NOT NULL, author TEXT NOT NULL, approver TEXT,
    created_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, revoked_ms BIGINT
);
CREATE TABLE kills (
    id TEXT PRIMARY KEY, body TEXT NOT NULL, why TEXT NOT NULL, author TEXT NOT NULL,
    created_ms BIGINT NOT NULL, lifted_ms BIGINT
);
CREATE TABLE tokens (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, prefix TEXT NOT NULL, owner TEXT NOT NULL,
    class TEXT NOT NULL, scopes TEXT NOT NULL, created_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL,
    revoked_ms BIGINT, last_used_ms BIGINT
);
CREATE TABLE audit (
    id TEXT PRIMARY KEY, at_ms BIGINT NOT NULL, principal TEXT NOT NULL, action TEXT NOT NULL,
    subject TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at_ms);
CREATE TABLE advisory_sources (
    name TEXT PRIMARY KEY, location TEXT NOT NULL, fetched_ms BIGINT NOT NULL, records BIGINT NOT NULL,
    revision TEXT NOT NULL, digest TEXT
);
CREATE TABLE policies (
    revision TEXT PRIMARY KEY, body TEXT NOT NULL, principal TEXT NOT NULL, activated_ms BIGINT NOT NULL
);
CREATE TABLE decisions (
    ecosystem TEXT NOT NULL, package_key TEXT NOT NULL, version TEXT NOT NULL, package TEXT NOT NULL,
    dossier TEXT NOT NULL, verdict TEXT NOT NULL, at_ms BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, package_key, version)
);
CREATE INDEX decisions_by_time ON decisions (at_ms);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL, due_ms BIGINT NOT NULL,
    attempts BIGINT NOT NULL, failure TEXT NOT NULL
);
CREATE INDEX jobs_by_due ON jobs (kind, due_ms);
CREATE TABLE revisions (name TEXT PRIMARY KEY, counter BIGINT NOT NULL);
