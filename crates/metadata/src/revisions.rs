use crate::row::Columns;
use crate::{Metadata, Result};
use sqlx::{Any, Transaction};

/// Something that verdicts depend on and that nodes have to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    /// Waivers given or taken back.
    Waivers,
    /// Kill switches thrown or lifted.
    Kills,
    /// A policy put in force.
    Policy,
    /// Advisories read anew.
    Advisories,
    /// Hosted packages changed.
    Hosted,
    /// Tokens made or revoked.
    Tokens,
}

/// All of them.
pub const REVISIONS: [Revision; 6] = [
    Revision::Waivers,
    Revision::Kills,
    Revision::Policy,
    Revision::Advisories,
    Revision::Hosted,
    Revision::Tokens,
];

impl Revision {
    /// As stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waivers => "waivers",
            Self::Kills => "kills",
            Self::Policy => "policy",
            Self::Advisories => "advisories",
            Self::Hosted => "hosted",
            Self::Tokens => "tokens",
        }
    }
}

/// How often each has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Revisions([i64; REVISIONS.len()]);

impl Revisions {
    /// The counter of one; it only ever grows.
    pub fn of(&self, revision: Revision) -> i64 {
        self.0.get(revision as usize).copied().unwrap_or(0)
    }
}

impl Metadata {
    /// All counters, in one query of at most six rows: cheap enough to ask twice a second.
    pub async fn revisions(&self) -> Result<Revisions> {
        let rows = sqlx::query("SELECT name, counter FROM revisions").fetch_all(&self.read).await?;
        let mut found = Revisions::default();
        for row in &rows {
            let mut columns = Columns::of(row);
            let name = columns.text()?;
            if let Some(revision) = REVISIONS.into_iter().find(|revision| revision.name() == name)
                && let Some(slot) = found.0.get_mut(revision as usize)
            {
                *slot = columns.integer()?;
            }
        }
        Ok(found)
    }
}

/// Counts one up, in the transaction that makes the change.
pub(crate) async fn bump(transaction: &mut Transaction<'_, Any>, revision: Revision) -> Result<()> {
    sqlx::query(
        "INSERT INTO revisions (name, counter) VALUES ($1, 1)
         ON CONFLICT (name) DO UPDATE SET counter = revisions.counter + 1",
    )
    .bind(revision.name())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
