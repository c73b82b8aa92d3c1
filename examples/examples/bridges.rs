//! Records of `log` and events and spans of `tracing` in the same tree as `#[traced]` functions; features `log` and `tracing`.
//!
//! `cargo run --example bridges` prints:
//! ```text
//! buy: item="nails"
//!   | event="looking it up" level="INFO" target="bridges" shelf=3
//!   request: method="GET" status=200
//!     | event="sent" level="INFO" target="bridges" bytes=17
//!     parse: text="17" reply=17
//! ```

use jaeger_runtime::{LogBridge, TracingLayer, traced};
use tracing_subscriber::layer::SubscriberExt;

/// Of this application: its records are logs of its span.
#[traced(no_reply)]
fn buy(item: &str) {
    let _for_sale = item;
    log::info!(shelf = 3; "looking it up");
    library();
}

/// As a library has it that is instrumented with `tracing`: its span is a child of the function that called it.
fn library() {
    let span = tracing::info_span!("request", method = "GET", status = tracing::field::Empty);
    let _inside = span.enter();
    tracing::info!(bytes = 17, "sent");
    parse("17");
    span.record("status", 200);
}

/// And what the library calls back is a child of that.
#[traced]
fn parse(text: &str) -> u32 {
    text.parse().unwrap_or_default()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `and(logger, level)` passes the records on to a terminal's logger; here nobody else listens.
    LogBridge::new().place(false).install()?;
    tracing::subscriber::set_global_default(
        tracing_subscriber::registry().with(TracingLayer::new().place(false)),
    )?;
    examples::show(|| buy("nails"))?;
    Ok(())
}
