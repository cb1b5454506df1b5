//! Dates as Debian's files and HTTP write them (RFC 5322 §3.3, RFC 9110 §5.6.7).

use lazaret_vocabulary::Timestamp;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// The first day of 1970 was a Thursday.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const SECONDS_OF_DAY: i64 = 86_400;
/// No Debian package is older than the project: 16 August 1993.
const FIRST: i64 = 745_459_200;

/// Reads `Mon, 23 Nov 2026 10:00:00 +0100`, as the trailer of a changelog has it. A date before there was any
/// Debian is none.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.split_once(',').map_or(text, |(_, rest)| rest);
    let mut words = text.split_ascii_whitespace();
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let (time, offset) = (words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
    let day: u8 = day.parse().ok()?;
    let year: u16 = year.parse().ok().filter(|_| year.len() == 4)?;
    let offset = match offset {
        "GMT" | "UTC" | "Z" => "+00:00".to_owned(),
        zone => format!("{}:{}", zone.get(..3)?, zone.get(3..5).filter(|_| zone.len() == 5)?),
    };
    let time = if time.len() == 7 { format!("0{time}") } else { time.to_owned() };
    let moment = Timestamp::parse(&format!("{year:04}-{month:02}-{day:02}T{time}{offset}")).ok()?;
    plausible(moment)
}

/// A moment from seconds since the epoch, such as an archive's member carries.
pub(super) fn from_seconds(seconds: i64) -> Option<Timestamp> {
    plausible(Timestamp::from_seconds(seconds))
}

fn plausible(moment: Timestamp) -> Option<Timestamp> {
    (moment.seconds() >= FIRST).then_some(moment)
}

/// `Mon, 23 Nov 2026 09:00:00`, in UTC, the zone left to the caller: `Release` files want `UTC`, HTTP `GMT`.
pub(super) fn print(moment: Timestamp) -> Option<String> {
    let text = moment.to_string();
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
    let weekday = moment.seconds().div_euclid(SECONDS_OF_DAY).rem_euclid(7);
    let weekday = DAYS.get(usize::try_from(weekday).ok()?)?;
    Some(format!("{weekday}, {day} {month} {year} {time}"))
}
