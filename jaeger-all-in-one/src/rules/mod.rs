//! How Jaeger sees spans: rewritten on their way in, put in order on their way out.
//!
//! | file | when | what |
//! |---|---|---|
//! | [`thrift`] | in | what comes as Thrift gets OpenTelemetry's names: `host.name`, `otel.status_code`, … |
//! | [`text`] | asked | a value as the text that searches compare |
//! | [`shown`] | out | a trace as it is shown: the rules below, one after the other |
//! | [`fields`] | out | what OpenTelemetry has a field for, taken out of the tags |
//! | [`references`], [`ids`], [`order`], [`skew`], [`library`] | out | one rule each |
//!
//! Every rule is a function of what it is given: no store, no clock, no I/O. They hold for any span, with absurd times and ids too.

pub mod fields;
pub mod ids;
pub mod library;
pub mod order;
pub mod references;
pub mod shown;
pub mod skew;
pub mod text;
pub mod thrift;

pub use shown::{Shown, ShownTrace, show};
pub use text::{number_text, value_text};

/// Which API shows the spans; they differ in words, and in what tells hosts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `/api`: hosts by the process tag `ip`.
    One,
    /// `/api/v3`: hosts by `host.id`, `host.ip`, `host.name`.
    Three,
}
