//! Which backend answers: the cookie's, else the rotation's next.

pub mod choice;
pub mod cookies;
pub mod schedule;
pub mod sticky;
