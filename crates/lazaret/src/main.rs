//! `lazaret`: the gate between a company's builds and the world's package registries.

mod administer;
mod adopt;
mod check;
mod config;
mod run;
mod serve;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// The gate between a company's builds and the world's package registries.
///
/// Exit codes: 0 done; 1 something was refused or found; 2 wrong usage or configuration.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where the gateway keeps its data and finds its configuration.
#[derive(Debug, Args, Clone)]
struct Place {
    /// Configuration file; without one the defaults hold.
    #[arg(long, env = "LAZARET_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data directory.
    #[arg(long, env = "LAZARET_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve as the gateway, in the foreground.
    Serve {
        #[command(flatten)]
        place: Place,
        /// Address to listen on.
        #[arg(long, env = "LAZARET_LISTEN", value_name = "ADDRESS:PORT")]
        listen: Option<std::net::SocketAddr>,
    },
    /// Run one command with its package managers pointed at a gateway inside this process, or at the one
    /// that LAZARET_URL (and LAZARET_TOKEN) name.
    Run {
        #[command(flatten)]
        place: Place,
        /// The command and its arguments, after `--`.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<std::ffi::OsString>,
    },
    /// Say what the gate thinks of a package or release, such as `pkg:npm/left-pad@1.3.0`.
    Explain {
        #[command(flatten)]
        place: Place,
        /// The package URL.
        purl: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Judge every release that a lock file pins.
    Check {
        #[command(flatten)]
        place: Place,
        /// The lock file.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show which upstreams this machine's package managers use.
    Upstreams,
    /// Show the policy in force, or check a policy file.
    Policy {
        #[command(subcommand)]
        action: PolicyAction,
    },
    /// Refuse a package, release or digest at once, everywhere, above every waiver.
    Kill {
        #[command(flatten)]
        place: Place,
        /// `pkg:npm/left-pad@1.3.*`, `pkg:pypi/*` or `sha256:…`.
        target: String,
        /// Why, in a sentence.
        #[arg(long)]
        why: String,
    },
    /// Lift a kill switch by its id, or list those in force.
    Kills {
        #[command(flatten)]
        place: Place,
        /// The id to lift.
        #[arg(long, value_name = "ID")]
        lift: Option<String>,
    },
    /// Give an exception for one release and exactly these findings. It always ends.
    Waive {
        #[command(flatten)]
        place: Place,
        /// The release, such as `pkg:npm/left-pad@1.3.1`.
        purl: String,
        /// Code of a finding; may be repeated.
        #[arg(long = "code", required = true)]
        codes: Vec<String>,
        /// Id of an advisory, where the finding rests on one; may be repeated.
        #[arg(long = "advisory")]
        advisories: Vec<String>,
        /// Why, in a sentence.
        #[arg(long)]
        why: String,
        /// For how many days, at most 365.
        #[arg(long)]
        days: i64,
        /// The second person who agrees; needed for malware.
        #[arg(long)]
        approver: Option<String>,
    },
    /// Make, list and revoke tokens.
    Token {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        action: TokenAction,
    },
    /// Read advisories from an OSV archive, directory, record or address.
    Advisories {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        action: AdvisoryAction,
    },
}

#[derive(Debug, Subcommand)]
enum PolicyAction {
    /// Print every value in force and where it comes from.
    Show {
        #[command(flatten)]
        place: Place,
    },
    /// Check a policy file.
    Check {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum TokenAction {
    /// Make a token and print it once.
    Create {
        /// Whom it is for.
        #[arg(long)]
        owner: String,
        /// `read`, `publish:<ecosystem>/<pattern>` or `admin`; may be repeated.
        #[arg(long = "scope", required = true)]
        scopes: Vec<String>,
        /// For how many days.
        #[arg(long, default_value_t = 90)]
        days: i64,
        /// `person`, `ci`, `build` or `agent`.
        #[arg(long, default_value = "person")]
        class: String,
    },
    /// List tokens; secrets are not kept.
    List,
    /// Revoke a token by its id.
    Revoke {
        /// The id.
        id: String,
    },
}

#[derive(Debug, Subcommand)]
enum AdvisoryAction {
    /// Read a source; what it said before is replaced.
    Import {
        /// Zip, directory, record or http(s) address.
        location: String,
        /// Name of the source; the file's name by default.
        #[arg(long)]
        name: Option<String>,
    },
    /// Show the sources and their age.
    Status,
}

/// Something was refused or found.
const FOUND: u8 = 1;
/// Wrong usage or configuration.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("LAZARET_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,lazaret=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("lazaret: the runtime cannot start: {error}");
            return ExitCode::from(WRONG);
        }
    };
    match runtime.block_on(dispatch(cli.command)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lazaret: {error:#}");
            ExitCode::from(WRONG)
        }
    }
}

async fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { place, listen } => serve::serve(&place, listen).await,
        Command::Run { place, command } => run::run(&place, command).await,
        Command::Explain { place, purl, json } => check::explain(&place, &purl, json).await,
        Command::Check { place, file, json } => check::check(&place, &file, json).await,
        Command::Upstreams => adopt::show().await,
        Command::Policy { action } => match action {
            PolicyAction::Show { place } => administer::policy_show(&place),
            PolicyAction::Check { file } => administer::policy_check(&file),
        },
        Command::Kill { place, target, why } => administer::kill(&place, &target, why).await,
        Command::Kills { place, lift } => administer::kills(&place, lift).await,
        Command::Waive { place, purl, codes, advisories, why, days, approver } => {
            let wish = administer::Wish { purl, codes, advisories, why, days, approver };
            administer::waive(&place, wish).await
        }
        Command::Token { place, action } => match action {
            TokenAction::Create { owner, scopes, days, class } => {
                administer::token_create(&place, owner, &scopes, days, &class).await
            }
            TokenAction::List => administer::token_list(&place).await,
            TokenAction::Revoke { id } => administer::token_revoke(&place, &id).await,
        },
        Command::Advisories { place, action } => match action {
            AdvisoryAction::Import { location, name } => administer::import(&place, &location, name).await,
            AdvisoryAction::Status => administer::advisory_status(&place).await,
        },
    }
}
