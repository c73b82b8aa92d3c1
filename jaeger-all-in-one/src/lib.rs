//! Jaeger's backend in one small program, and as a library inside tests and examples.
//!
//! | part | what it does |
//! |---|---|
//! | [`Backend`], [`Config`] | start everything, know where it listens, stop it |
//! | [`receive`] | ports that take spans in; each makes [`jaeger_thrift::Batch`]es and hands them to [`ingest`] |
//! | [`ingest`] | the one door to the store: rewriting, counting, live updates |
//! | [`forward`] | sends what came in on to a collector |
//! | [`store`] | the [`Store`](store::Store) trait, queries, storage in memory |
//! | [`api`] | Jaeger's HTTP JSON and ours, on 16686 |
//! | [`rules`] | how Jaeger sees spans: rewritten on their way in, put in order on their way out |
//! | [`values`] | what stands in a request: query strings, durations, ids, times |
//! | [`questions`] | who may ask the store when |
//! | [`page`] | the web page, embedded |
//!
//! Data flows one way: receiver → ingest → store → api → page. It depends on `jaeger-thrift`, never on `jaeger-runtime`.
#![forbid(unsafe_code)]

mod answers;
pub mod api;
pub mod app;
pub mod backend;
pub mod config;
pub mod counters;
pub mod forward;
pub mod ingest;
pub mod live;
pub mod page;
pub mod questions;
pub mod receive;
pub mod rules;
pub mod sampling;
mod serve;
pub mod store;
pub mod values;

pub use app::App;
pub use backend::{Backend, StartError};
pub use config::Config;

/// The README's example of a test, run as one.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
