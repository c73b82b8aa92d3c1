//! Functions with a fault in each that rustc or clippy tells of, in every shape that the attribute has: both copies must draw the same warnings. Never run.

pub mod faults;
pub mod passed_on;
