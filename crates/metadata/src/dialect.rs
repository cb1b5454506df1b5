//! What SQLite and PostgreSQL do not have in common.

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// On every SQLite connection. `FULL` makes a commit survive a power cut, not only a kill: in WAL mode the
/// default `NORMAL` would not sync at each commit. Waiting comes first, since the switch to WAL may wait.
pub(crate) const SQLITE_PRAGMAS: [&str; 6] = [
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -4096",
    "PRAGMA temp_store = MEMORY",
];

/// On SQLite's reading connections besides: a write that takes the wrong way fails loudly.
pub(crate) const SQLITE_READ_ONLY: &str = "PRAGMA query_only = ON";

impl Engine {
    /// Begins a transaction that writes. SQLite takes the write lock at once: a transaction that reads
    /// first and writes then could not wait for another process's write (`SQLITE_BUSY_SNAPSHOT`).
    pub(crate) const fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Begins a transaction in which all queries see one state.
    pub(crate) const fn begin_snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN DEFERRED",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        }
    }

    /// Lets one node at a time change the schema, until its transaction ends. SQLite's write lock does so
    /// already. The number is `lazaret` on a telephone's keys.
    pub(crate) const fn lock_schema(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT CAST(pg_advisory_xact_lock(5292738) AS TEXT)"),
        }
    }

    /// All sightings of a package as one JSON text: `[[version, file, declared, first_seen_ms], …]`.
    pub(crate) const fn select_sightings(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT json_group_array(json_array(version, file, declared, first_seen_ms))
                 FROM sightings WHERE ecosystem = $1 AND package_key = $2"
            }
            Self::Postgres => {
                "SELECT COALESCE(CAST(json_agg(json_build_array(version, file, declared, first_seen_ms)) AS TEXT), '[]')
                 FROM sightings WHERE ecosystem = $1 AND package_key = $2"
            }
        }
    }

    /// Inserts first sights from one parameter, a JSON array of arrays of six. (`WHERE TRUE` keeps SQLite
    /// from reading `ON` as a join's.)
    pub(crate) const fn insert_sightings(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "INSERT INTO sightings (ecosystem, package_key, version, file, declared, first_seen_ms)
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
                 FROM json_each($1) WHERE TRUE
                 ON CONFLICT (ecosystem, package_key, file) DO NOTHING"
            }
            Self::Postgres => {
                "INSERT INTO sightings (ecosystem, package_key, version, file, declared, first_seen_ms)
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
                     CAST(value ->> 5 AS BIGINT)
                 FROM json_array_elements(CAST($1 AS JSON))
                 ON CONFLICT (ecosystem, package_key, file) DO NOTHING"
            }
        }
    }

    /// Inserts members from one parameter, a JSON array of arrays of eight.
    pub(crate) const fn insert_members(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "INSERT INTO members (ecosystem, package_key, file, owner, package, version, artifact, first_seen_ms)
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                     value ->> 7
                 FROM json_each($1) WHERE TRUE
                 ON CONFLICT (ecosystem, package_key, file, owner)
                 DO UPDATE SET version = excluded.version, artifact = excluded.artifact
                 WHERE members.artifact <> excluded.artifact OR members.version <> excluded.version"
            }
            Self::Postgres => {
                "INSERT INTO members (ecosystem, package_key, file, owner, package, version, artifact, first_seen_ms)
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                     CAST(value ->> 7 AS BIGINT)
                 FROM json_array_elements(CAST($1 AS JSON))
                 ON CONFLICT (ecosystem, package_key, file, owner)
                 DO UPDATE SET version = excluded.version, artifact = excluded.artifact
                 WHERE members.artifact <> excluded.artifact OR members.version <> excluded.version"
            }
        }
    }
}
