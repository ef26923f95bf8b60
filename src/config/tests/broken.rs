//! Options, variables and files that are wrong: each has one message with place and remedy.
