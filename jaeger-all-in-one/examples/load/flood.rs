//! 200,000 spans a second over UDP to this program on one core, for ten seconds: none may be lost.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use crate::program::{Kind, Program};
use crate::{spans, usage};

const BATCH: u64 = 600;
const PACE: f64 = 200_000.0;
const MANY: u64 = 2_000_400;
/// Datagrams that are made once and sent again and again, so that the sender keeps its pace; ids repeat, and are spans like others.
const MADE: u64 = 500;

/// Prints what came of it; fails if a span is lost.
pub(crate) fn run() {
    // The kernel counts a core's interrupts to whom it interrupts; the sender stays off that core if started by `taskset -c 1`.
    let program = Program::start(Kind::Ours, Some("0"));
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let datagrams: Vec<Vec<u8>> = (0..MADE)
        .map(|number| {
            let mut bytes = Vec::new();
            spans::datagram(number * BATCH, BATCH, 1_700_000_000_000_000, &mut bytes);
            bytes
        })
        .collect();
    let cpu = usage::cpu(program.pid());
    let began = Instant::now();
    let mut sent = 0;
    while sent < MANY {
        let bytes = &datagrams[(sent / BATCH % MADE) as usize];
        socket.send_to(bytes, program.compact).expect("it is sent");
        sent += BATCH;
        std::thread::sleep(Duration::from_secs_f64(sent as f64 / PACE).saturating_sub(began.elapsed()));
    }
    let took = began.elapsed().as_secs_f64();
    let held = || {
        let text = program.get("/metrics").unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("jaeger_store_spans "));
        line.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0)
    };
    // What is on its way arrives, or is lost.
    let until = Instant::now() + Duration::from_secs(5);
    while held() < sent && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    let cpu = usage::cpu(program.pid()).since(cpu).all();
    println!(
        "{:.0} spans/s for {took:.1} s: {sent} sent, {} held, {:.0} % of one core, {:.2} µs a span",
        sent as f64 / took,
        held(),
        cpu / took * 100.0,
        cpu / sent as f64 * 1e6
    );
    assert_eq!(held(), sent, "no span is lost");
}
