//! Which router answers a request: rule grammars, compiled matchers, the lookup.

pub mod grammar;
