//! Measures the backend: CPU and bytes a span.
//!
//! | `cargo run --release -p jaeger-all-in-one --example load --` | measures |
//! |---|---|
//! | `store` | decoding and storing alone, in this process, from 10^4 to 10^7 spans |
//! | `sides JAEGER` | this program and the real Jaeger (the file that `scripts/jaeger` prints) side by side: UDP, HTTP, OTLP |
//! | `flood` | 200,000 spans a second over UDP to this program on one core: none may be lost |
//!
//! The last two want the program built before: `cargo build --release -p jaeger-all-in-one`.

mod flood;
mod program;
mod sides;
mod spans;
mod store;
mod usage;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["store"] | [] => store::run(),
        ["sides", jaeger] => sides::run(jaeger.as_ref()),
        ["flood"] => flood::run(),
        _ => panic!("no such measurement: {arguments:?}; there is: store, sides JAEGER, flood"),
    }
}
