//! The command line's words.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The gate between a company's builds and the world's package registries.
///
/// Exit codes: 0 done; 1 something was refused or found; 2 wrong usage or configuration.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the gateway keeps its data and finds its configuration.
#[derive(Debug, Args, Clone)]
pub(crate) struct Place {
    /// Configuration file; without one the defaults hold.
    #[arg(long, global = true, env = "LAZARET_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory.
    #[arg(long, global = true, env = "LAZARET_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve as the gateway, in the foreground.
    ///
    /// Prints how each client is pointed at it. SIGHUP reads the policy file anew, which is also watched;
    /// SIGTERM lets requests under way end.
    #[command(after_help = "Examples:\n  lazaret serve\n  lazaret serve --config /etc/lazaret/lazaret.toml")]
    Serve {
        #[command(flatten)]
        place: Place,
        /// Address to listen on.
        #[arg(long, env = "LAZARET_LISTEN", value_name = "ADDRESS:PORT")]
        listen: Option<std::net::SocketAddr>,
    },
    /// Run one command with its package managers pointed at a gateway.
    ///
    /// The gateway runs inside this process, or is the one that LAZARET_URL (and LAZARET_TOKEN) name. No file of
    /// yours is changed. The exit code is the command's.
    #[command(after_help = "Examples:\n  lazaret run -- npm ci\n  lazaret run -v -- uv sync\n  \
        lazaret run --at 2026-10-01 -- npm install")]
    Run {
        #[command(flatten)]
        place: Place,
        /// Say what is adopted, and what cannot be pointed at the gateway.
        #[arg(long, short)]
        verbose: bool,
        /// See every registry as it stood at this moment (2026-10-01, or 2026-10-01T12:00:00Z), under today's
        /// refusals.
        #[arg(long, value_name = "MOMENT")]
        at: Option<String>,
        /// The command and its arguments, after `--`.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<std::ffi::OsString>,
    },
    /// Say what the gate thinks of a package or release, and why.
    ///
    /// Asks the gateway that LAZARET_URL (and LAZARET_TOKEN) name, else decides with this machine's data. Exit
    /// code 1 when it is held or refused.
    #[command(after_help = "Examples:\n  lazaret explain pkg:npm/left-pad@1.3.0\n  \
        lazaret explain pkg:npm/left-pad      which releases are hidden now")]
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
    ///
    /// Asks the gateway that LAZARET_URL (and LAZARET_TOKEN) name, else decides with this machine's data. Exit
    /// code 1 when a release is refused, held or cannot be judged.
    #[command(
        after_help = "Files known by name: package-lock.json, npm-shrinkwrap.json, pnpm-lock.yaml, yarn.lock, \
        bun.lock, requirements*.txt, constraints*.txt, uv.lock, poetry.lock, pdm.lock, Pipfile.lock, pylock*.toml, \
        Cargo.lock\n\nExample:\n  lazaret check package-lock.json --sarif > lazaret.sarif"
    )]
    Check {
        #[command(flatten)]
        place: Place,
        /// The lock file.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Print SARIF 2.1.0, with the lines of the lock file where they are known.
        #[arg(long, conflicts_with = "json")]
        sarif: bool,
    },
    /// Point this user's clients at a gateway: show what changes, ask, change it; or take it back exactly.
    #[command(after_help = "Examples:\n  lazaret setup npm pip --url https://gate.example\n  \
        LAZARET_TOKEN=… lazaret setup all --yes\n  lazaret setup --undo")]
    Setup {
        #[command(flatten)]
        place: Place,
        /// The clients: npm, pnpm, yarn, bun, pip, uv, poetry, twine, cargo; or all. By default those that are
        /// installed.
        #[arg(value_name = "CLIENT")]
        clients: Vec<String>,
        /// Take back what setup changed, for the clients named or for all.
        #[arg(long)]
        undo: bool,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
        /// The gateway's address; by default the one in the configuration.
        #[arg(long, env = "LAZARET_URL", value_name = "URL")]
        url: Option<String>,
        /// A token, where reading needs one or you publish.
        #[arg(long, env = "LAZARET_TOKEN", hide_env_values = true, value_name = "TOKEN")]
        token: Option<String>,
    },
    /// Look for the usual mistakes, and say what to do about each.
    ///
    /// Looks at configuration, policy, data, upstreams and clocks, at the clients on this machine, and at the
    /// settings and lock files in the current directory. Exit code 1 when there is a problem.
    Doctor {
        #[command(flatten)]
        place: Place,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show which upstreams this machine's package managers use.
    ///
    /// A gateway adopts them at its first start, unless its configuration names others.
    Upstreams {
        #[command(flatten)]
        place: Place,
        /// Go by what they tell now, from the next start on.
        #[arg(long)]
        adopt: bool,
    },
    /// Show the policy in force, check a policy file, test it, try it on the past.
    Policy {
        #[command(subcommand)]
        action: PolicyAction,
    },
    /// Refuse a package, release or digest at once, everywhere, above every waiver.
    #[command(
        after_help = "Examples:\n  lazaret kill 'pkg:npm/left-pad@1.3.*' --why 'the account was taken over'\n  \
        lazaret kill 'pkg:pypi/*' --why 'a worm runs'"
    )]
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
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give an exception for one release and exactly these findings. It always ends.
    ///
    /// A finding that comes up later, such as a new advisory, blocks again.
    #[command(
        after_help = "Example:\n  lazaret waive pkg:npm/left-pad@1.3.1 --code release-too-new --days 14 \\\n    \
        --why 'the fix is needed today'"
    )]
    Waive {
        #[command(flatten)]
        place: Place,
        /// The release, such as `pkg:npm/left-pad@1.3.1`.
        purl: String,
        /// Code of a finding; may be repeated.
        #[arg(long = "code", required = true, value_name = "CODE")]
        codes: Vec<String>,
        /// Id of an advisory, where the finding rests on one; may be repeated.
        #[arg(long = "advisory", value_name = "ID")]
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
    /// List waivers, those that ended too, or revoke one.
    Waivers {
        #[command(flatten)]
        place: Place,
        /// The id to revoke.
        #[arg(long, value_name = "ID")]
        revoke: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make, list and revoke tokens.
    #[command(after_help = "Examples:\n  lazaret token create --owner build-42 --class ci --scope read\n  \
        lazaret token create --owner ana --scope 'publish:npm/@acme/*' --days 30")]
    Token {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        action: TokenAction,
    },
    /// Read advisories in OSV's form, and show how old each source is.
    #[command(after_help = "Examples:\n  lazaret advisories import all.zip --name osv\n  \
        lazaret advisories import https://advisories.example/all.zip\n  lazaret advisories status")]
    Advisories {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        action: AdvisoryAction,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyAction {
    /// Print every value in force and where it comes from.
    Show {
        #[command(flatten)]
        place: Place,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check a policy file.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Run the test cases beside a policy: facts in, verdict out. Exit code 1 when one fails.
    #[command(
        after_help = "Example of a case:\n  [[case]]\n  name = \"what is young waits\"\n  expect = \"hold\"\n  \
        facts = { ecosystem = \"npm\", package = \"left-pad\", age = \"2d\" }"
    )]
    Test {
        #[command(flatten)]
        place: Place,
        /// File with `[[case]]` tables; by default the one beside the policy (`policy.test.toml`).
        file: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Judge the recorded decisions by another policy and show what would change.
    ///
    /// Decisions are recorded when a client asks for a file. Exit code 1 when one would change.
    Replay {
        #[command(flatten)]
        place: Place,
        /// The policy to try.
        #[arg(long, value_name = "FILE")]
        against: PathBuf,
        /// Decisions of so many days only.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=36_500))]
        days: Option<i64>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Make a token and print it once.
    Create {
        /// Whom it is for.
        #[arg(long)]
        owner: String,
        /// `read`, `publish:<ecosystem>/<pattern>` or `admin`; may be repeated.
        #[arg(long = "scope", required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// For how many days.
        #[arg(long, default_value_t = 90)]
        days: i64,
        /// `person`, `ci`, `build` or `agent`.
        #[arg(long, default_value = "person")]
        class: String,
    },
    /// List tokens; secrets are not kept.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token by its id.
    Revoke {
        /// The id.
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdvisoryAction {
    /// Read a source; what it said before is replaced.
    Import {
        /// Zip, directory, record or http(s) address.
        location: String,
        /// Name of the source; the file's name by default.
        #[arg(long)]
        name: Option<String>,
    },
    /// Forget a source and what it said.
    Remove {
        /// Its name, as `advisories status` shows it.
        name: String,
    },
    /// Show the sources and their age.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_words_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_data_directory_may_be_named_behind_every_word() {
        for words in
            ["lazaret token list --data x", "lazaret token --data x list", "lazaret policy show --data x"]
        {
            assert!(Cli::try_parse_from(words.split(' ')).is_ok(), "{words}");
        }
        assert!(Cli::try_parse_from(["lazaret", "check", "uv.lock", "--json", "--sarif"]).is_err());
        assert!(Cli::try_parse_from(["lazaret", "run"]).is_err());
        let run = ["lazaret", "run", "--", "tool", "--config", "its-own"];
        let Command::Run { place, command, .. } = Cli::try_parse_from(run).unwrap().command else {
            panic!("it is a run")
        };
        assert!(place.config.is_none() && command.len() == 3);
    }
}
