use lazaret_vocabulary::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The one place where time comes from. Tests hold it.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Held(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved.
    pub fn held(at: Timestamp) -> Self {
        Self(Source::Held(Arc::new(AtomicI64::new(at.millis()))))
    }

    /// Moves a held clock; the system's is not moved.
    pub fn set(&self, at: Timestamp) {
        if let Source::Held(held) = &self.0 {
            held.store(at.millis(), Ordering::Release);
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Held(held) => Timestamp::from_millis(held.load(Ordering::Acquire)),
            #[expect(clippy::disallowed_methods, reason = "this is the clock")]
            Source::System => {
                let since =
                    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
        }
    }
}
