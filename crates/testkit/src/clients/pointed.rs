//! That each client asks where it was pointed, nowhere else, with the token it was given. The server here
//! refuses whatever it is asked, so that no package is needed.

use super::{Client, Endpoints, FORGE, Run, Session};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The reason phrase and the body of every refusal.
const REASON: &str = "held by a test";

/// Request line and `Authorization`.
type Asked = (String, Option<String>);

/// Answers 401 to those without a credential, where one is wanted, and 403 to all others.
struct Refusing {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Refusing {
    fn start(wants_credential: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        // It ends with the process: nothing else would wake it.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let log = Arc::clone(&log);
                // A client that goes away in the middle is its own affair.
                std::thread::spawn(move || drop(answer(&stream, wants_credential, &log)));
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// One request of a connection; none when a client began TLS.
fn answer(mut stream: &TcpStream, wants_credential: bool, log: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let Some(Ok(request)) = lines.next() else { return Ok(()) };
    let mut authorization = None;
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap_or_default();
        if name.eq_ignore_ascii_case("authorization") {
            authorization = Some(value.to_owned());
        }
    }
    let status = if wants_credential && authorization.is_none() { 401 } else { 403 };
    // The request line ends with the protocol, which says nothing here.
    let request = request.rsplit_once(' ').map_or(request.clone(), |(request, _)| request.to_owned());
    log.lock().unwrap().push((request, authorization));
    write!(
        stream,
        "HTTP/1.1 {status} {REASON}\r\nWWW-Authenticate: Basic realm=\"test\"\r\nContent-Type: text/plain\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{REASON}",
        REASON.len()
    )
}

/// What one client does with a package that its registry refuses.
struct Case {
    client: &'static str,
    prepare: fn(&Session),
    /// `{oci}` and `{url}` stand for the server.
    arguments: &'static [&'static str],
    /// The first request.
    asks: &'static str,
    /// What its output shows of the refusal.
    shows: &'static str,
    /// What is sent as `Authorization` when there is a token.
    sends: Option<&'static str>,
}

const BEARER: Option<&str> = Some("Bearer s3cret");
const BASIC: Option<&str> = Some("Basic X190b2tlbl9fOnMzY3JldA==");

const CASES: &[Case] = &[
    Case {
        client: "mvn",
        prepare: |session| {
            session.write(
                "pom.xml",
                "<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId>\
                 <version>1</version><dependencies><dependency><groupId>com.acme</groupId>\
                 <artifactId>thing</artifactId><version>1.0</version></dependency></dependencies></project>",
            );
        },
        arguments: &["--batch-mode", "dependency:resolve"],
        asks: "GET /maven/com/acme/thing/1.0/thing-1.0.pom",
        shows: REASON,
        sends: BEARER,
    },
    Case {
        client: "go",
        prepare: |session| {
            session.write("go.mod", "module a.test/a\n\ngo 1.22\n\nrequire b.test/b v1.0.0\n");
        },
        arguments: &["mod", "download"],
        asks: "GET /go/b.test/b/@v/v1.0.0.mod",
        shows: REASON,
        // Not over plain http.
        sends: None,
    },
    Case {
        client: "nuget",
        prepare: |_| (),
        arguments: &["install", "Thing", "-OutputDirectory", "installed", "-NonInteractive"],
        asks: "GET /nuget/v3/index.json",
        shows: REASON,
        sends: BASIC,
    },
    Case {
        client: "skopeo",
        prepare: |_| (),
        arguments: &["copy", "docker://{oci}/acme/app:v1", "dir:image"],
        asks: "GET /v2/",
        // Only of a refused manifest does it show more.
        shows: "403",
        sends: BASIC,
    },
    Case {
        client: "crane",
        prepare: |_| (),
        arguments: &["manifest", "{oci}/acme/app:v1"],
        asks: "GET /v2/",
        shows: REASON,
        sends: BASIC,
    },
    Case {
        client: "oras",
        prepare: |_| (),
        arguments: &["manifest", "fetch", "--plain-http", "{oci}/acme/app:v1"],
        asks: "GET /v2/acme/app/manifests/v1",
        shows: "403",
        sends: BASIC,
    },
    Case {
        client: "apt",
        prepare: |session| {
            session.apt_source("arch=all", "/debian", "stable", "main");
        },
        arguments: &["update"],
        asks: "GET /deb/debian/dists/stable/InRelease",
        shows: REASON,
        sends: BASIC,
    },
    Case {
        client: "git",
        prepare: |_| (),
        arguments: &["ls-remote", "https://forge.test/acme/app.git"],
        asks: "GET /github/acme/app.git/info/refs?service=git-upload-pack",
        shows: REASON,
        sends: BEARER,
    },
    Case {
        client: "curl",
        prepare: |_| (),
        arguments: &["--fail-with-body", "{url}/github/acme/app/archive/v1.tar.gz"],
        asks: "GET /github/acme/app/archive/v1.tar.gz",
        shows: REASON,
        sends: BASIC,
    },
];

async fn run(case: &Case, server: &Refusing, token: Option<&str>) -> Option<Run> {
    let client = Client::find(case.client)?;
    let endpoints = Endpoints { token: token.map(str::to_owned), ..Endpoints::of_mounts(&server.url) };
    let session = client.session(&endpoints);
    (case.prepare)(&session);
    let told = |argument: &&str| argument.replace("{oci}", &endpoints.oci).replace("{url}", &server.url);
    let arguments: Vec<String> = case.arguments.iter().map(told).collect();
    Some(session.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await)
}

#[tokio::test]
async fn each_client_asks_where_it_was_pointed() {
    for case in CASES {
        let server = Refusing::start(false);
        let Some(run) = run(case, &server, None).await else { continue };
        let asked = server.asked();
        assert_eq!(asked.first().map(|asked| asked.0.as_str()), Some(case.asks), "{asked:?} {run}");
        assert!(run.says(case.shows), "{run}");
    }
}

#[tokio::test]
async fn each_client_sends_its_token_in_its_own_form() {
    for case in CASES {
        let server = Refusing::start(true);
        let Some(run) = run(case, &server, Some("s3cret")).await else { continue };
        let asked = server.asked();
        let sent: Vec<&str> = asked.iter().filter_map(|asked| asked.1.as_deref()).collect();
        match case.sends {
            Some(expected) => {
                assert!(!sent.is_empty() && sent.iter().all(|sent| *sent == expected), "{asked:?} {run}")
            }
            None => assert!(sent.is_empty(), "{asked:?} {run}"),
        }
    }
}

#[test]
fn the_forge_is_the_one_that_cases_name() {
    assert!(CASES.iter().flat_map(|case| case.arguments).any(|argument| argument.starts_with(FORGE)));
}
