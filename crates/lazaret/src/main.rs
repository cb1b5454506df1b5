//! `lazaret`: the gate between a company's builds and the world's package registries.

#[macro_use]
mod output;

mod administer;
mod adopt;
mod adopted;
mod check;
mod cli;
mod complaint;
mod config;
mod doctor;
mod judge;
mod logging;
mod policy;
mod run;
mod sarif;
mod serve;
mod setup;

use clap::Parser as _;
use cli::{AdvisoryAction, Cli, Command, Place, PolicyAction, TokenAction};
use std::process::ExitCode;

/// Something was refused or found.
const FOUND: u8 = 1;
/// Wrong usage or configuration.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(&cli.command);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell_error!("lazaret: the runtime cannot start: {error}");
            return ExitCode::from(WRONG);
        }
    };
    match runtime.block_on(dispatch(cli.command)) {
        Ok(code) => code,
        Err(error) => {
            tell_error!("lazaret: {error:#}");
            ExitCode::from(WRONG)
        }
    }
}

async fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { place, listen } => serve::serve(&place, listen).await,
        Command::Run { place, command, at, verbose: _ } => run::run(&place, at.as_deref(), command).await,
        Command::Explain { place, purl, json } => check::explain(&place, &purl, json).await,
        Command::Check { place, file, json, sarif } => {
            let form = match (json, sarif) {
                (_, true) => check::Form::Sarif,
                (true, _) => check::Form::Json,
                _ => check::Form::Human,
            };
            check::check(&place, &file, form).await
        }
        Command::Setup { place, clients, undo, yes, url, token } => {
            setup::setup(&place, setup::Asked { clients, undo, yes, url, token })
        }
        Command::Doctor { place, json } => doctor::doctor(&place, json).await,
        Command::Upstreams { place, adopt } => adopt::show(&place, adopt).await,
        Command::Policy { action } => match action {
            PolicyAction::Show { place, json } => administer::policy_show(&place, json),
            PolicyAction::Check { file } => administer::policy_check(&file),
            PolicyAction::Test { place, file, json } => policy::test(&place, file, json),
            PolicyAction::Replay { place, against, days, json } => {
                policy::replay(&place, &against, days, json).await
            }
        },
        Command::Kill { place, target, why } => administer::kill(&place, &target, why).await,
        Command::Kills { place, lift, json } => administer::kills(&place, lift, json).await,
        Command::Waive { place, purl, codes, advisories, why, days, approver } => {
            let wish = administer::Wish { purl, codes, advisories, why, days, approver };
            administer::waive(&place, wish).await
        }
        Command::Waivers { place, revoke, json } => administer::waivers(&place, revoke, json).await,
        Command::Token { place, action } => match action {
            TokenAction::Create { owner, scopes, days, class } => {
                administer::token_create(&place, owner, &scopes, days, &class).await
            }
            TokenAction::List { json } => administer::token_list(&place, json).await,
            TokenAction::Revoke { id } => administer::token_revoke(&place, &id).await,
        },
        Command::Advisories { place, action } => match action {
            AdvisoryAction::Import { location, name } => administer::import(&place, &location, name).await,
            AdvisoryAction::Remove { name } => administer::forget_source(&place, &name).await,
            AdvisoryAction::Status { json } => administer::advisory_status(&place, json).await,
        },
    }
}
