//! Measures the backend: CPU and bytes a span.
//!
//! | `cargo run --profile program -p jaeger-all-in-one --example load --` | measures |
//! |---|---|
//! | `store` | decoding and storing alone, in this process, from 10^4 to 10^7 spans |
//! | `sides JAEGER [WAY] [PACE]` | the real Jaeger (the file that `scripts/jaeger` prints) and this program side by side: `UDP`, `HTTP`, `OTLP`, or one; so many spans a second instead of 40,000 |
//! | `floor [WAY] [PACE]` | this program, one that receives the same and does nothing with it, and one that has not even a server for that |
//! | `flood` | 200,000 spans a second over UDP to this program on one core: none may be lost |
//!
//! All but the first want the program built before, by the same profile: `cargo build --profile program -p jaeger-all-in-one`.

mod flood;
mod program;
mod sides;
mod sink;
mod spans;
mod store;
mod usage;

use program::Kind;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["store"] | [] => store::run(),
        ["sides", jaeger, ref asked @ ..] => sides::run(&[Kind::Jaeger(jaeger.into()), Kind::Ours], asked),
        ["floor", ref asked @ ..] => sides::run(&[Kind::Ours, Kind::Sink, Kind::Bare], asked),
        ["sink", udp, http] => sink::run(udp, http),
        ["bare", udp, http] => sink::run_bare(udp, http),
        ["flood"] => flood::run(),
        _ => panic!(
            "no such measurement: {arguments:?}; there is: store, sides JAEGER [WAY] [PACE], floor [WAY] [PACE], flood"
        ),
    }
}
