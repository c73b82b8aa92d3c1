//! A start without tracing, for `benches -- start`: when `main` began and when the first call was over, in nanoseconds since 1970.

use std::hint::black_box;
use std::time::SystemTime;

#[inline(never)]
fn args(id: u64, request: &str) -> u64 {
    black_box(id + request.len() as u64)
}

fn main() {
    let began = SystemTime::now();
    black_box(args(black_box(7), black_box("Hello foo3")));
    let called = SystemTime::now();
    for time in [began, called] {
        println!("{}", time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos()));
    }
}
