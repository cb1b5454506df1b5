use crate::{MetadataError, Result};
use lazaret_vocabulary::{Digest, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Reads a row's columns one after another, in the order the query names them.
pub(crate) struct Columns<'a> {
    row: &'a AnyRow,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(row: &'a AnyRow) -> Self {
        Self { row, next: 0 }
    }

    fn place(&mut self) -> usize {
        let place = self.next;
        self.next += 1;
        place
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        Ok(self.row.try_get(self.place())?)
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>> {
        Ok(self.row.try_get(self.place())?)
    }

    pub(crate) fn integer(&mut self) -> Result<i64> {
        Ok(self.row.try_get(self.place())?)
    }

    pub(crate) fn size(&mut self) -> Result<u64> {
        let value = self.integer()?;
        u64::try_from(value).map_err(|_| MetadataError::Damaged(format!("{value} is not a size")))
    }

    /// SQLite answers a condition with an integer, PostgreSQL with a boolean.
    pub(crate) fn flag(&mut self) -> Result<bool> {
        let place = self.place();
        let plain = self.row.try_get::<i64, _>(place).map(|value| value != 0);
        Ok(plain.or_else(|_| self.row.try_get::<bool, _>(place))?)
    }

    pub(crate) fn moment(&mut self) -> Result<Timestamp> {
        self.integer().map(Timestamp::from_millis)
    }

    pub(crate) fn optional_moment(&mut self) -> Result<Option<Timestamp>> {
        let value: Option<i64> = self.row.try_get(self.place())?;
        Ok(value.map(Timestamp::from_millis))
    }

    pub(crate) fn digest(&mut self) -> Result<Digest> {
        parse(&self.text()?)
    }

    pub(crate) fn optional_digest(&mut self) -> Result<Option<Digest>> {
        self.optional_text()?.map(|text| parse(&text)).transpose()
    }
}

fn parse(text: &str) -> Result<Digest> {
    text.parse().map_err(|error| MetadataError::Damaged(format!("{error}")))
}

/// A size as stored; none that exists is too large.
pub(crate) fn stored_size(size_bytes: u64) -> i64 {
    i64::try_from(size_bytes).unwrap_or(i64::MAX)
}
