//! Two programs side by side: the same spans to both over UDP, HTTP and OTLP; what each span costs them.
//!
//! Each program starts anew for each way in, is warmed, and then sent the same batches at the same pace. CPU is the process's user and system time, so the
//! kernel's part of receiving is in it; bytes are what its resident memory grew by, the warm-up left out. A sample of the traces must be found, whole.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use jaeger_thrift::Protocol;

use crate::program::{Kind, Program};
use crate::{spans, usage};

/// Spans of a batch.
const BATCH: u64 = 600;
/// Spans before it is measured.
const WARM: u64 = 60_000;
/// Spans measured; with the others they are fewer traces than Jaeger keeps (100,000).
const MANY: u64 = 900_000;
/// Spans a second, unless another pace is asked for: what the real Jaeger takes without loss on two cores.
const PACE: u32 = 40_000;
/// One trace of so many is looked for afterwards.
const SAMPLE: u64 = 997;

/// The ways in.
pub(crate) const WAYS: [&str; 3] = ["UDP", "HTTP", "OTLP"];

/// Prints a line for each program and way; `asked` are the ways, all if it has none, and the pace.
pub(crate) fn run(programs: &[Kind], asked: &[&str]) {
    let (mut ways, mut pace) = (Vec::new(), PACE);
    for &word in asked {
        match word.parse() {
            Ok(spans) => pace = spans,
            Err(_) if WAYS.contains(&word) => ways.push(word),
            Err(_) => panic!("{word} is neither a way ({}) nor a number of spans a second", WAYS.join(", ")),
        }
    }
    if ways.is_empty() {
        ways.extend(WAYS);
    }
    println!(
        "{:<12} {:<5} {:>14} {:>9} {:>9} {:>13} {:>15}",
        "program", "way", "CPU µs a span", "of it own", "kernel's", "bytes a span", "traces found"
    );
    for way in ways {
        let (first, others) = programs.split_first().expect("a program to compare with");
        let first = one(first, way, pace);
        for other in others.iter().map(|kind| one(kind, way, pace)) {
            println!(
                "{:<18} {:>12.1} % {:>20} {:>11.0} %",
                "",
                other.cpu / first.cpu * 100.0,
                "",
                other.bytes / first.bytes * 100.0
            );
        }
    }
}

/// What a span cost, in µs and bytes.
struct Cost {
    cpu: f64,
    bytes: f64,
}

fn one(kind: &Kind, way: &str, pace: u32) -> Cost {
    let program = Program::start(kind.clone(), None);
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
                    program.send_datagram(&socket, &bytes);
                }
                "HTTP" => {
                    bytes.clear();
                    spans::batch(n, BATCH, start).encode_into(Protocol::Binary, &mut bytes);
                    program.post_thrift(&bytes);
                }
                _ => program.post_otlp(&spans::otlp(n, BATCH, start)),
            }
            let due = Duration::from_secs_f64((n + BATCH - first) as f64 / f64::from(pace));
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        program.settle(spans::trace_id(first + count - 1), spans::TRACE);
    };
    send(0, WARM);
    let before = (usage::cpu(program.pid()), usage::resident(program.pid()));
    send(WARM, MANY);
    let cpu = usage::cpu(program.pid()).since(before.0);
    let grown = usage::resident(program.pid()).saturating_sub(before.1);
    let asked: Vec<u64> = (0..WARM + MANY).step_by((SAMPLE * spans::TRACE) as usize).collect();
    let found = asked.iter().filter(|n| program.spans_of(spans::trace_id(**n)) == spans::TRACE as usize);
    let found = match kind.only_reads() {
        true => "-".to_owned(),
        false => format!("{} of {}", found.count(), asked.len()),
    };
    let micros = |seconds: f64| seconds * 1e6 / MANY as f64;
    let bytes = grown as f64 / MANY as f64;
    println!(
        "{:<12} {way:<5} {:>14.2} {:>9.2} {:>9.2} {bytes:>13.0} {found:>15}",
        kind.name(),
        micros(cpu.all()),
        micros(cpu.user),
        micros(cpu.system)
    );
    Cost { cpu: micros(cpu.all()), bytes }
}
