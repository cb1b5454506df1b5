//! The policy file: read again when it changes or when the operator says so.

use super::{Gateway, state};
use crate::settings::Settings;
use lazaret_metadata::{AuditRow, PolicyRow};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, PoisonError};

/// Whose change it is in the audit: whoever could write the file.
const PRINCIPAL: &str = "policy-file";

/// What tells that a file is another one, or has been written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

/// `None` without a policy file, or while it is not there.
pub(crate) fn fingerprint(settings: &Settings) -> Option<Fingerprint> {
    let found = std::fs::metadata(settings.policy.as_ref()?).ok()?;
    Some(Fingerprint {
        device: found.dev(),
        inode: found.ino(),
        length: found.len(),
        modified: (found.mtime(), found.mtime_nsec()),
    })
}

impl Gateway {
    /// Reads the policy file anew and puts it in force. A wrong one leaves the policy before in force, and the
    /// log says file and line.
    pub async fn reload_policy(&self) {
        if let Err(problem) = state::read_policy(&self.settings) {
            tracing::error!("{problem}; the policy before stays in force");
            return;
        }
        let before = self.state().policy.revision().to_owned();
        self.reload().await;
        let policy = self.state().policy.clone();
        if policy.revision() == before {
            tracing::info!(revision = policy.short_revision(), "the policy was read again and says the same");
            return;
        }
        tracing::info!(revision = policy.short_revision(), "another policy is in force");
        self.note_policy().await;
    }

    /// Writes down which policy is in force, if it is another one than before.
    pub async fn note_policy(&self) {
        let policy = self.state().policy.clone();
        let body = match &self.settings.policy {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path).unwrap_or_default(),
        };
        let now = self.clock.now();
        let row = PolicyRow {
            revision: policy.revision().to_owned(),
            body,
            principal: PRINCIPAL.to_owned(),
            activated: now,
        };
        let audit = AuditRow {
            at: now,
            principal: PRINCIPAL.to_owned(),
            action: "policy".to_owned(),
            subject: policy.revision().to_owned(),
            detail: serde_json::json!({ "mode": policy.mode().as_str() }).to_string(),
        };
        if let Err(error) = self.metadata.activate_policy(&row, &audit).await {
            tracing::error!(%error, "the change of policy could not be written down");
        }
    }

    /// Looks whether the file has changed. One that vanished leaves the policy in force until it is back.
    pub(crate) async fn watch_policy(self: Arc<Self>) {
        let Some(now) = fingerprint(&self.settings) else { return };
        let changed = {
            let mut seen = self.policy_seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.replace(now) != Some(now)
        };
        if changed {
            self.reload_policy().await;
        }
    }
}
