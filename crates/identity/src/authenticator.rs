use crate::{Identity, Rejected, Token, TokenHash, TokenRecord};
use lazaret_vocabulary::Timestamp;
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Most tokens kept in memory.
const KEPT: u64 = 10_000;

/// Turns tokens into identities. Rows are kept in memory and asked for again once the tokens' revision has
/// moved, so that a revoked token is worthless on every node as soon as the node learns of the revision.
#[derive(Debug)]
pub struct Authenticator {
    kept: Cache<TokenHash, Kept>,
    revision: AtomicI64,
}

#[derive(Debug, Clone)]
struct Kept {
    /// The revision known **before** the row was read: a row read while it was being revoked counts as
    /// older than the revocation.
    revision: i64,
    record: Arc<TokenRecord>,
}

/// Why a token did not become an identity.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticationError<E> {
    /// It allows nothing.
    #[error("{0}")]
    Rejected(#[from] Rejected),
    /// The look-up itself failed, which says nothing about the token.
    #[error("tokens could not be looked up: {0}")]
    LookUp(E),
}

impl Default for Authenticator {
    fn default() -> Self {
        Self::new()
    }
}

impl Authenticator {
    /// One that knows nobody yet.
    pub fn new() -> Self {
        Self { kept: Cache::new(KEPT), revision: AtomicI64::new(0) }
    }

    /// To be told whenever the tokens' revision was read; kept rows of another one are not used again.
    pub fn set_revision(&self, revision: i64) {
        self.revision.store(revision, Ordering::Release);
    }

    /// The identity a token stands for at `now`, with a look-up only when the row is not at hand.
    pub async fn authenticate<F, E>(
        &self,
        token: &Token,
        now: Timestamp,
        look_up: impl FnOnce(TokenHash) -> F,
    ) -> Result<Identity, AuthenticationError<E>>
    where
        F: Future<Output = Result<Option<TokenRecord>, E>>,
    {
        let hash = token.hash();
        let revision = self.revision.load(Ordering::Acquire);
        let kept = self.kept.get(&hash).filter(|kept| kept.revision == revision);
        let record = match kept {
            Some(kept) => kept.record,
            None => {
                let found = look_up(hash).await.map_err(AuthenticationError::LookUp)?;
                let record = Arc::new(found.ok_or(Rejected::Unknown)?);
                self.kept.insert(hash, Kept { revision, record: record.clone() });
                record
            }
        };
        // A look-up that answers with another row must not become an identity.
        if !record.hash.is(&hash) {
            return Err(Rejected::Unknown.into());
        }
        Ok(record.identify(now)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;
    use lazaret_vocabulary::{PrincipalClass, Span};
    use std::future::{Future, ready};
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;
    use std::task::{Context, Poll, Waker};

    /// The look-ups here are ready at once.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("a look-up that is ready does not wait"),
        }
    }

    fn record(token: &Token) -> TokenRecord {
        TokenRecord {
            id: "01".into(),
            hash: token.hash(),
            owner: "ci-main".into(),
            class: PrincipalClass::Ci,
            scopes: vec![Scope::Read],
            expires: Timestamp::EPOCH + Span::days(1),
            revoked: None,
        }
    }

    #[test]
    fn a_row_is_read_once_per_revision() {
        let authenticator = Authenticator::new();
        let token = Token::generate().unwrap();
        let read = AtomicUsize::new(0);
        let ask = || {
            now(authenticator.authenticate(&token, Timestamp::EPOCH, |_| {
                read.fetch_add(1, Ordering::Relaxed);
                ready(Ok::<_, String>(Some(record(&token))))
            }))
        };
        assert_eq!(&*ask().unwrap().principal.id, "ci-main");
        ask().unwrap();
        assert_eq!(read.load(Ordering::Relaxed), 1);
        authenticator.set_revision(1);
        ask().unwrap();
        assert_eq!(read.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_token_revoked_while_it_is_read_is_read_again() {
        let authenticator = Authenticator::new();
        let token = Token::generate().unwrap();
        let stale = record(&token);
        let first = now(authenticator.authenticate(&token, Timestamp::EPOCH, |_| {
            authenticator.set_revision(7);
            ready(Ok::<_, String>(Some(stale)))
        }));
        assert!(first.is_ok());
        let revoked = TokenRecord { revoked: Some(Timestamp::EPOCH), ..record(&token) };
        let second =
            now(authenticator
                .authenticate(&token, Timestamp::EPOCH, |_| ready(Ok::<_, String>(Some(revoked)))));
        assert!(matches!(second, Err(AuthenticationError::Rejected(Rejected::Revoked(_)))));
    }

    #[test]
    fn what_is_unknown_expired_or_unreadable_is_no_identity() {
        let authenticator = Authenticator::new();
        let token = Token::generate().unwrap();
        let ask = |moment, answer: Result<Option<TokenRecord>, String>| {
            now(authenticator.authenticate(&token, moment, |_| ready(answer)))
        };
        let unknown = ask(Timestamp::EPOCH, Ok(None));
        assert!(matches!(unknown, Err(AuthenticationError::Rejected(Rejected::Unknown))));
        assert!(matches!(ask(Timestamp::EPOCH, Err("down".into())), Err(AuthenticationError::LookUp(_))));
        let other = record(&Token::generate().unwrap());
        let wrong_row = ask(Timestamp::EPOCH, Ok(Some(other)));
        assert!(matches!(wrong_row, Err(AuthenticationError::Rejected(Rejected::Unknown))));
        authenticator.set_revision(2);
        let late = ask(Timestamp::EPOCH + Span::days(1), Ok(Some(record(&token))));
        assert!(matches!(late, Err(AuthenticationError::Rejected(Rejected::Expired(_)))));
    }
}
