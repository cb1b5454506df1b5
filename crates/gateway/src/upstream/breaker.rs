use super::UpstreamError;
use crate::clock::Clock;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// After this many failed requests in a row an upstream is left alone.
const THRESHOLD: u32 = 5;
/// For this long at first, in milliseconds; doubled for each further failure.
const REST_MILLIS: i64 = 2000;
/// But never longer than this.
const MAX_REST_MILLIS: i64 = 60_000;

/// Leaves an upstream alone that keeps failing, so that clients get a stale document or a clear answer at
/// once instead of waiting for it, and it gets room to recover.
pub(super) struct Breaker {
    clock: Clock,
    failures: AtomicU32,
    rests_until: AtomicI64,
}

impl Breaker {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, failures: AtomicU32::new(0), rests_until: AtomicI64::new(0) }
    }

    pub(super) fn ask(&self) -> Result<(), UpstreamError> {
        let left = self.rests_until.load(Ordering::Acquire).saturating_sub(self.clock.now().millis());
        if left > 0 {
            return Err(UpstreamError::Resting(left.unsigned_abs().div_ceil(1000)));
        }
        Ok(())
    }

    pub(super) fn succeeded(&self) {
        self.failures.store(0, Ordering::Release);
    }

    pub(super) fn failed(&self) {
        let failures = self.failures.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        if failures >= THRESHOLD {
            let rest = (REST_MILLIS << (failures - THRESHOLD).min(5)).min(MAX_REST_MILLIS);
            self.rests_until.store(self.clock.now().millis().saturating_add(rest), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_vocabulary::Timestamp;

    #[test]
    fn rests_after_failures_and_tries_again() {
        let clock = Clock::held(Timestamp::from_millis(0));
        let breaker = Breaker::new(clock.clone());
        for _ in 0..THRESHOLD {
            assert!(breaker.ask().is_ok());
            breaker.failed();
        }
        assert!(matches!(breaker.ask(), Err(UpstreamError::Resting(2))));
        clock.set(Timestamp::from_millis(REST_MILLIS));
        assert!(breaker.ask().is_ok());
        breaker.failed();
        assert!(matches!(breaker.ask(), Err(UpstreamError::Resting(4))));
        clock.set(Timestamp::from_millis(10 * REST_MILLIS));
        breaker.succeeded();
        breaker.failed();
        assert!(breaker.ask().is_ok());
    }
}
