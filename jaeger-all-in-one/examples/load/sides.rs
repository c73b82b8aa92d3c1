//! Side by side with the real Jaeger: the same spans to both programs over UDP, HTTP and OTLP; what each span costs them.
//!
//! Each program starts anew for each way in, is warmed, and then sent the same batches at the same pace. CPU is the process's user and system time, so the
//! kernel's part of receiving is in it; bytes are what its resident memory grew by, the warm-up left out. A sample of the traces must be found, whole.

use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use jaeger_thrift::Protocol;

use crate::program::Program;
use crate::{spans, usage};

/// Spans of a batch.
const BATCH: u64 = 600;
/// Spans before it is measured.
const WARM: u64 = 60_000;
/// Spans measured; with the others they are fewer traces than Jaeger keeps (100,000).
const MANY: u64 = 600_000;
/// Spans a second: what the real Jaeger takes without loss on two cores.
const PACE: f64 = 40_000.0;
/// One trace of so many is looked for afterwards.
const SAMPLE: u64 = 997;

const WAYS: [&str; 3] = ["UDP", "HTTP", "OTLP"];

/// Prints a line for each program and way.
pub(crate) fn run(jaeger: &Path) {
    let ours = ours();
    println!(
        "{:<18} {:<5} {:>14} {:>12} {:>16}",
        "program", "way", "CPU µs a span", "bytes a span", "traces found"
    );
    for way in WAYS {
        let mut lines = Vec::new();
        for file in [jaeger, &ours] {
            let (cpu, bytes, found, asked) = one(file, way);
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            println!("{name:<18} {way:<5} {cpu:>14.2} {bytes:>12.0} {:>16}", format!("{found} of {asked}"));
            lines.push((cpu, bytes));
        }
        println!(
            "{:<24} {:>13.1} % {:>10.0} %",
            "",
            lines[1].0 / lines[0].0 * 100.0,
            lines[1].1 / lines[0].1 * 100.0
        );
    }
}

/// This program, built beside this example.
pub(crate) fn ours() -> std::path::PathBuf {
    let here = std::env::current_exe().expect("a path");
    let file = here.parent().and_then(Path::parent).expect("a folder").join("jaeger-all-in-one");
    assert!(file.exists(), "build it first: cargo build --release -p jaeger-all-in-one");
    file
}

fn one(file: &Path, way: &str) -> (f64, f64, u64, u64) {
    let program = Program::start(file, None);
    // Within what both look at by default, and so that the last is not in the future.
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_micros();
    let start = now as i64 - 600_000_000;
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let mut bytes = Vec::new();
    let mut send = |first: u64, count: u64| {
        let began = Instant::now();
        for n in (first..first + count).step_by(BATCH as usize) {
            match way {
                "UDP" => {
                    spans::datagram(n, BATCH, start, &mut bytes);
                    socket.send_to(&bytes, program.compact).expect("it is sent");
                }
                "HTTP" => {
                    bytes.clear();
                    spans::batch(n, BATCH, start).encode_into(Protocol::Binary, &mut bytes);
                    program.post_thrift(&bytes);
                }
                _ => program.post_otlp(&spans::otlp(n, BATCH, start)),
            }
            let due = Duration::from_secs_f64((n + BATCH - first) as f64 / PACE);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        program.wait("the last trace is found", || {
            program.spans_of(spans::trace_id(first + count - 1)) == spans::TRACE as usize
        });
    };
    send(0, WARM);
    let before = (usage::cpu(program.pid()), usage::resident(program.pid()));
    send(WARM, MANY);
    let after = (usage::cpu(program.pid()), usage::resident(program.pid()));
    let asked: Vec<u64> = (0..WARM + MANY).step_by((SAMPLE * spans::TRACE) as usize).collect();
    let found =
        asked.iter().filter(|n| program.spans_of(spans::trace_id(**n)) == spans::TRACE as usize).count();
    let each = |of: f64| of / MANY as f64;
    (
        each((after.0 - before.0) * 1e6),
        each(after.1.saturating_sub(before.1) as f64),
        found as u64,
        asked.len() as u64,
    )
}
