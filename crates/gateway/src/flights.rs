use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// The work under way, by what it is for.
type Board<K, V> = Mutex<HashMap<K, Shared<BoxFuture<'static, Option<V>>>>>;

/// Work that many ask for at once and that is done once. It runs in a task of its own: whoever asked first
/// may hang up without hurting the rest.
pub(crate) struct Flights<K, V> {
    open: Arc<Board<K, V>>,
}

impl<K, V> Flights<K, V>
where
    K: Hash + Eq + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Self {
        Self { open: Arc::default() }
    }

    /// The result of the work under `key`, begun by `start` unless it is under way. `None` when the work
    /// panicked.
    pub(crate) async fn join<F>(&self, key: K, start: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let flight = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            match open.get(&key) {
                Some(flight) => flight.clone(),
                None => {
                    let work = start();
                    let landed = Landing(self.open.clone(), key.clone());
                    let task = tokio::spawn(async move {
                        let _landed = landed;
                        work.await
                    });
                    let flight = task.map(Result::ok).boxed().shared();
                    open.insert(key, flight.clone());
                    flight
                }
            }
        };
        flight.await
    }
}

/// Takes the flight off the board however its task ends.
struct Landing<K: Hash + Eq, V>(Arc<Board<K, V>>, K);

impl<K: Hash + Eq, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn work_is_done_once_and_survives_its_first_caller() {
        let flights: Arc<Flights<&str, usize>> = Arc::new(Flights::new());
        let runs = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let ask = || {
            let (flights, runs, gate) = (flights.clone(), runs.clone(), gate.clone());
            tokio::spawn(async move {
                flights
                    .join("key", || async move {
                        let _permit = gate.acquire().await;
                        runs.fetch_add(1, Ordering::SeqCst) + 1
                    })
                    .await
            })
        };
        let first = ask();
        tokio::task::yield_now().await;
        let rest: Vec<_> = (0..50).map(|_| ask()).collect();
        tokio::task::yield_now().await;
        first.abort();
        gate.add_permits(1);
        for caller in rest {
            assert_eq!(caller.await.unwrap(), Some(1));
        }
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        gate.add_permits(1);
        assert_eq!(ask().await.unwrap(), Some(2));
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let flights: Flights<u8, u8> = Flights::new();
        assert_eq!(flights.join(1, || async { panic!("on purpose") }).await, None);
        assert_eq!(flights.join(1, || async { 7 }).await, Some(7));
    }
}
