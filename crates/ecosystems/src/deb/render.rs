//! No client asks for the releases of one package: apt reads whole suites, which pass untouched or, for
//! packages published here, are written by [`super::suite`].

use super::documents::Pool;
use crate::route::View;
use crate::{Index, Shown};
use lazaret_vocabulary::{Malformed, Release, Reply, Standing};

/// A rough size of what a release takes in memory.
const RELEASE_WEIGHT: usize = 600;

impl Index for Pool {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    fn render(&self, view: &View, _shown: &Shown<'_>) -> Result<Reply, Malformed> {
        Err(Malformed::new(format!("an archive has no document `{}` on one package", view.form)))
    }

    fn weight(&self) -> usize {
        self.releases.len().saturating_mul(RELEASE_WEIGHT)
    }
}
