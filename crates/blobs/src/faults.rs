//! Every step of writing passes through here, so that a test can make it fail.

use std::io;
use std::path::Path;

/// A step on a blob's way to its final name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Making the spool file.
    Create,
    /// Writing bytes into it.
    Write,
    /// Making its bytes durable.
    Sync,
    /// Giving it its final name.
    Rename,
    /// Making the name durable.
    SyncFolder,
}

impl Step {
    /// In the order they are taken.
    pub const ALL: [Self; 5] = [Self::Create, Self::Write, Self::Sync, Self::Rename, Self::SyncFolder];
}

/// How a step fails.
#[cfg(any(test, feature = "faults"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does nothing and says that it failed.
    Failed(io::ErrorKind),
    /// It is done and says that it failed.
    FailedButPersisted(io::ErrorKind),
    /// The first half of the bytes is written; then it says that it failed. Elsewhere as `Failed`.
    Torn(io::ErrorKind),
}

/// Decides which steps fail.
#[cfg(any(test, feature = "faults"))]
pub trait Faults: std::fmt::Debug + Send + Sync {
    /// Asked before each step.
    fn at(&self, step: Step, path: &Path) -> Option<Fault>;
}

#[cfg(any(test, feature = "faults"))]
type Slot = std::sync::Arc<std::sync::Mutex<Option<std::sync::Arc<dyn Faults>>>>;

/// The faults to come; nothing at all outside of tests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Injected {
    #[cfg(any(test, feature = "faults"))]
    slot: Slot,
}

impl Injected {
    #[cfg(not(any(test, feature = "faults")))]
    pub(crate) fn step<T>(&self, _: Step, _: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        work()
    }

    /// Writes all of the bytes.
    #[cfg(not(any(test, feature = "faults")))]
    pub(crate) fn write(&self, file: &mut impl io::Write, bytes: &[u8], _: &Path) -> io::Result<()> {
        file.write_all(bytes)
    }
}

#[cfg(any(test, feature = "faults"))]
impl Injected {
    pub(crate) fn set(&self, faults: Option<std::sync::Arc<dyn Faults>>) {
        *self.slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = faults;
    }

    fn ask(&self, step: Step, path: &Path) -> Option<Fault> {
        let slot = self.slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        slot.as_ref().and_then(|faults| faults.at(step, path))
    }

    pub(crate) fn step<T>(
        &self,
        step: Step,
        path: &Path,
        work: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        match self.ask(step, path) {
            None => work(),
            Some(Fault::Failed(kind) | Fault::Torn(kind)) => Err(kind.into()),
            Some(Fault::FailedButPersisted(kind)) => {
                work()?;
                Err(kind.into())
            }
        }
    }

    pub(crate) fn write(&self, file: &mut impl io::Write, bytes: &[u8], path: &Path) -> io::Result<()> {
        match self.ask(Step::Write, path) {
            None => file.write_all(bytes),
            Some(Fault::Failed(kind)) => Err(kind.into()),
            Some(Fault::FailedButPersisted(kind)) => {
                file.write_all(bytes)?;
                Err(kind.into())
            }
            Some(Fault::Torn(kind)) => {
                file.write_all(bytes.get(..bytes.len() / 2).unwrap_or_default())?;
                Err(kind.into())
            }
        }
    }
}
