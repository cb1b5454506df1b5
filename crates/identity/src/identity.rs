use crate::{Scope, TokenHash};
use lazaret_vocabulary::{EcosystemId, PackageName, Principal, PrincipalClass, Timestamp};
use std::sync::Arc;

/// Longest name of a token's owner, in bytes.
const MAX_OWNER: usize = 100;

/// Somebody whose credential was checked, or nobody in particular.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who, for policy and for the books. Its id is the owner's name, so that one person with two tokens is
    /// still one person.
    pub principal: Principal,
    /// What the credential allows.
    pub scopes: Vec<Scope>,
    /// Whom the credential was made for; `anonymous` for nobody.
    pub owner: Arc<str>,
    /// Id of the token that was shown; `None` for nobody.
    pub token: Option<Arc<str>>,
    /// When the credential ends.
    pub expires: Timestamp,
}

/// What is stored of a token, as the engine read it.
#[derive(Debug, Clone)]
pub struct TokenRecord {
    /// Its id, safe in logs.
    pub id: Arc<str>,
    /// SHA-256 of the token.
    pub hash: TokenHash,
    /// Whom it was made for.
    pub owner: Arc<str>,
    /// What kind of asker bears it.
    pub class: PrincipalClass,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// From then on it is worthless.
    pub expires: Timestamp,
    /// When it was taken back.
    pub revoked: Option<Timestamp>,
}

/// A token that is known, or was, and allows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// No such token was ever made here.
    #[error("it is not known here")]
    Unknown,
    /// Its time is over.
    #[error("it expired on {0}")]
    Expired(Timestamp),
    /// Somebody took it back.
    #[error("it was revoked on {0}")]
    Revoked(Timestamp),
}

/// The name cannot stand for a token's owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot own a token: expected 1 to 100 visible characters without blanks, other than `anonymous`"
)]
pub struct InvalidOwner(String);

impl Identity {
    /// Nobody in particular, who may read or may do nothing.
    pub fn anonymous(may_read: bool) -> Self {
        let principal = Principal::anonymous();
        Self {
            owner: principal.id.clone(),
            principal,
            scopes: if may_read { vec![Scope::Read] } else { Vec::new() },
            token: None,
            expires: Timestamp::MAX,
        }
    }

    /// Whether no credential was shown.
    pub fn is_anonymous(&self) -> bool {
        self.principal.class == PrincipalClass::Anonymous
    }

    /// Whether indexes and files may be read.
    pub fn may_read(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope, Scope::Read | Scope::Admin))
    }

    /// Whether this package may be published, yanked, tagged.
    pub fn may_publish(&self, package: &PackageName) -> bool {
        self.scopes.iter().any(|scope| scope.allows_publish(package))
    }

    /// Whether anything may be published in this ecosystem.
    pub fn may_publish_in(&self, ecosystem: EcosystemId) -> bool {
        self.scopes.iter().any(|scope| scope.allows_publish_in(ecosystem))
    }

    /// Whether waivers, kills, tokens and policy may be changed.
    pub fn may_administer(&self) -> bool {
        self.scopes.contains(&Scope::Admin)
    }
}

impl TokenRecord {
    /// The identity it stands for at `now`.
    pub fn identify(&self, now: Timestamp) -> Result<Identity, Rejected> {
        if let Some(revoked) = self.revoked {
            return Err(Rejected::Revoked(revoked));
        }
        if now >= self.expires {
            return Err(Rejected::Expired(self.expires));
        }
        Ok(Identity {
            principal: Principal { id: self.owner.clone(), class: self.class },
            scopes: self.scopes.clone(),
            owner: self.owner.clone(),
            token: Some(self.id.clone()),
            expires: self.expires,
        })
    }

    /// Whether a name may own tokens: it stands in logs, records and pages, and must not pass for nobody.
    pub fn check_owner(owner: &str) -> Result<(), InvalidOwner> {
        let visible = |c: char| !c.is_whitespace() && !c.is_control();
        let valid = !owner.is_empty()
            && owner.len() <= MAX_OWNER
            && owner.chars().all(visible)
            && !owner.eq_ignore_ascii_case("anonymous");
        if valid { Ok(()) } else { Err(InvalidOwner(owner.chars().take(MAX_OWNER).collect())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Token, parse_scopes};
    use lazaret_vocabulary::{EcosystemId, Span};

    fn record(scopes: &str) -> TokenRecord {
        TokenRecord {
            id: "01".into(),
            hash: Token::generate().unwrap().hash(),
            owner: "ana".into(),
            class: PrincipalClass::Person,
            scopes: parse_scopes(scopes).unwrap(),
            expires: Timestamp::EPOCH + Span::days(10),
            revoked: None,
        }
    }

    #[test]
    fn a_record_allows_what_its_scopes_say_while_it_lasts() {
        let package = PackageName::new(EcosystemId::new("one"), "acme-x", "acme-x");
        let may = |scopes: &str| {
            let identity = record(scopes).identify(Timestamp::EPOCH).unwrap();
            (identity.may_read(), identity.may_publish(&package), identity.may_administer())
        };
        assert_eq!(may("read"), (true, false, false));
        assert_eq!(may("publish:one/acme-*"), (false, true, false));
        assert_eq!(may("admin"), (true, true, true));
        let mut record = record("read");
        assert_eq!(record.identify(record.expires), Err(Rejected::Expired(record.expires)));
        assert!(record.identify(record.expires - Span::seconds(1)).is_ok());
        record.revoked = Some(Timestamp::EPOCH);
        assert_eq!(record.identify(Timestamp::EPOCH), Err(Rejected::Revoked(Timestamp::EPOCH)));
    }

    #[test]
    fn nobody_is_nobody() {
        assert!(Identity::anonymous(true).may_read());
        let nobody = Identity::anonymous(false);
        assert!(nobody.is_anonymous() && !nobody.may_read() && !nobody.may_administer());
        for wrong in ["", "Anonymous", "a b", "a\nb", &"x".repeat(101)] {
            assert!(TokenRecord::check_owner(wrong).is_err(), "{wrong}");
        }
        assert!(TokenRecord::check_owner("ana@acme.test").is_ok());
    }
}
