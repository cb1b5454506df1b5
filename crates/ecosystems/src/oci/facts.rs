//! What an image says of itself, in annotations and in its configuration: the publisher's word, all of it.

use super::manifest::{Config, Texts};
use crate::Detail;
use lazaret_vocabulary::Timestamp;

const CREATED: &str = "org.opencontainers.image.created";
const LICENCES: &str = "org.opencontainers.image.licenses";
const SOURCE: &str = "org.opencontainers.image.source";
const VENDOR: &str = "org.opencontainers.image.vendor";
const AUTHORS: &str = "org.opencontainers.image.authors";

/// Longest of these texts that is kept, in characters.
const LONGEST: usize = 500;

/// When a publisher says that the image was made. Builds that can be repeated say the beginning of the epoch, or
/// of the calendar: that is no date.
fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).ok().filter(|moment| moment.millis() > 0)
}

/// When the manifest itself says it was made.
pub(super) fn claimed(annotations: &Texts) -> Option<Timestamp> {
    moment(annotations.get(CREATED)?)
}

/// What the annotations, nearest first, and the configuration say. Of several dates the youngest counts, since
/// none is believed where it makes a release older.
pub(super) fn detail(annotations: &[&Texts], config: Option<&Config>) -> Detail {
    let said = |key: &str| {
        let annotated = annotations.iter().find_map(|texts| texts.get(key));
        let text = annotated.or_else(|| config?.label(key))?;
        Some(text.chars().take(LONGEST).collect::<String>())
    };
    let author = || {
        let author = config?.author.as_deref()?.trim();
        (!author.is_empty()).then(|| author.chars().take(LONGEST).collect())
    };
    let made = annotations.iter().filter_map(|texts| claimed(texts));
    let built = config.and_then(|config| moment(config.created.as_deref()?));
    let labelled = config.and_then(|config| moment(config.label(CREATED)?));
    Detail {
        claimed: made.chain(built).chain(labelled).max(),
        publisher: said(VENDOR).or_else(|| said(AUTHORS)).or_else(author),
        licence: said(LICENCES),
        repository: said(SOURCE),
        ..Detail::default()
    }
}
