//! PostgreSQL: the same promises, on a cluster of our own that lasts as long as the test.

use super::{admission, conformance, schema};
use crate::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

/// Where Debian keeps the programs; `initdb` on the path is taken first.
const FOLDERS: [&str; 4] = [
    "/usr/lib/postgresql/18/bin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
];

/// A cluster in a temporary folder, reached through a socket there and by nothing else.
struct Cluster {
    programs: PathBuf,
    folder: tempfile::TempDir,
}

impl Cluster {
    /// `None`, said loudly, where PostgreSQL is not installed.
    fn start() -> Option<Self> {
        let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
        let programs = on_path
            .into_iter()
            .flatten()
            .chain(FOLDERS.map(PathBuf::from))
            .find(|folder| folder.join("initdb").is_file());
        let Some(programs) = programs else {
            assert!(
                std::env::var_os("LAZARET_TEST_NO_SKIP").is_none(),
                "PostgreSQL is not installed and LAZARET_TEST_NO_SKIP is set"
            );
            eprintln!("SKIPPED: PostgreSQL is not installed (no initdb found): 1 test did not run");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("lz-pg-").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let this = Self { programs, folder };
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(this.folder.path()));
        }
        let data = this.data();
        this.program("initdb", &["-D", &data, "-U", "lazaret", "-A", "trust", "-E", "UTF8", "--no-sync"]);
        this.control("start");
        Some(this)
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn control(&self, action: &str) {
        let options = format!("-k {} -c listen_addresses=''", self.folder.path().display());
        let log = self.folder.path().join("log").display().to_string();
        let data = self.data();
        let mut arguments = vec!["-D", &data, "-w", "-l", &log];
        match action {
            "start" => arguments.extend(["-o", &options, "start"]),
            mode => arguments.extend(["-m", mode, "stop"]),
        }
        self.program("pg_ctl", &arguments);
    }

    /// PostgreSQL refuses to run as root, as which tests often do in containers.
    fn program(&self, name: &str, arguments: &[&str]) {
        let program = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(&program);
            command
        } else {
            Command::new(&program)
        };
        run(command.args(arguments).current_dir(self.folder.path()));
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://lazaret@localhost/{database}?host={}", self.folder.path().display())
    }

    async fn database(&self, name: &str) -> Metadata {
        let server = Metadata::open(&self.url("postgres")).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&server.write)
            .await
            .unwrap();
        server.close().await;
        Metadata::open(&self.url(name)).await.unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.control("immediate");
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|about| std::os::unix::fs::MetadataExt::uid(&about) == 0)
}

fn run(command: &mut Command) {
    // Not `output`: the server inherits the pipes and would keep them open.
    let status = command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms() {
    let Some(cluster) = Cluster::start() else { return };
    let metadata = cluster.database("conform").await;
    conformance(&metadata).await;
    metadata.close().await;

    let metadata = cluster.database("steps").await;
    sqlx::query("DELETE FROM schema_steps").execute(&metadata.write).await.unwrap();
    schema::steps(&metadata).await;
    metadata.close().await;
    nodes_start_at_once(&cluster).await;
    survives_a_crash(&cluster).await;
}

/// Several nodes meet an empty database.
async fn nodes_start_at_once(cluster: &Cluster) {
    let server = Metadata::open(&cluster.url("postgres")).await.unwrap();
    sqlx::query("CREATE DATABASE empty").execute(&server.write).await.unwrap();
    let opens = (0..4).map(|_| {
        let url = cluster.url("empty");
        tokio::spawn(async move { Metadata::open(&url).await.map(drop) })
    });
    for open in opens.collect::<Vec<_>>() {
        open.await.unwrap().unwrap();
    }
    server.close().await;
}

/// The server dies without a word; what was acknowledged is there, and the pool finds the new server.
async fn survives_a_crash(cluster: &Cluster) {
    let metadata = cluster.database("crash").await;
    for number in 0..50 {
        metadata.admit(&admission("crash", "p", &format!("f{number}"))).await.unwrap();
    }
    cluster.control("immediate");
    assert!(metadata.health().await.is_err());
    cluster.control("start");
    assert_eq!(metadata.admissions_of("crash", "p").await.unwrap().len(), 50);
    metadata.close().await;
}
