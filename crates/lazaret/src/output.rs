//! Lines for people and programs. Whoever reads them may have gone (`lazaret … | head`): then nothing is left
//! to say, and it is no reason to fail.

use std::fmt::Arguments;
use std::io::Write as _;

/// A line on standard output.
pub(crate) fn line(text: Arguments<'_>) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line on standard error.
pub(crate) fn error_line(text: Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// As `println!`, but without a panic when nobody reads any more.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

/// As `eprintln!`, but without a panic when nobody reads any more.
macro_rules! tell_error {
    ($($text:tt)*) => { $crate::output::error_line(format_args!($($text)*)) };
}
