use lazaret_ecosystems::{Index, Shown, View};
use lazaret_vocabulary::{Malformed, Release, Reply, Standing, Timestamp};

/// A release that upstream no longer lists and that this house still has. It can be judged and served, but
/// no index shows it.
pub(crate) struct Vanished {
    standing: Standing,
    releases: Vec<Release>,
}

impl Vanished {
    pub(crate) fn new(release: Release, first_published: Option<Timestamp>) -> Self {
        Self { standing: Standing { first_published, ..Standing::default() }, releases: vec![release] }
    }
}

impl Index for Vanished {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    fn render(&self, _view: &View, _shown: &Shown<'_>) -> Result<Reply, Malformed> {
        Err(Malformed::new("a release that upstream took away has no index"))
    }

    fn weight(&self) -> usize {
        1000
    }
}
