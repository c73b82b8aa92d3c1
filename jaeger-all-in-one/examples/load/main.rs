//! Measures the backend: CPU and bytes a span.
//!
//! `cargo run --release -p jaeger-all-in-one --example load -- store` measures decoding and storing alone, in this process, from 10^4 to 10^7 spans.

mod spans;
mod store;
mod usage;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("store") | None => store::run(),
        Some(other) => panic!("no such measurement: {other}; there is: store"),
    }
}
