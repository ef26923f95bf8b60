//! The parts of which lines of the access log are made: dates and strings, appended to a buffer.

pub mod date;
pub mod json;
