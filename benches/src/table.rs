//! The table of `peers`: a child process for each row, a UDP receiver for those that send, ratios against fastrace and the floor at the end.

use crate::measure::{Figures, Work};
use crate::peers::{PEERS, RECEIVER};
use clap::ValueEnum;
use std::net::UdpSocket;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

const ROUNDS: usize = 7;
const BURSTS: usize = 100;

/// Work, peer, the most that ours may be of it, whether of the caller's time or the process's CPU.
const TARGETS: [(Work, &str, &str, f64, bool); 11] = [
    (Work::Sync, "ours", "fastrace", 0.4, false),
    (Work::Sync, "ours", "floor", 1.6, false),
    (Work::SyncArgs, "ours", "fastrace", 0.08, false),
    (Work::SyncArgs, "ours", "floor", 2.2, false),
    (Work::Async, "ours", "fastrace", 0.2, false),
    (Work::AsyncArgs, "ours", "fastrace", 0.08, false),
    (Work::RootChild, "ours", "fastrace", 0.15, false),
    (Work::Unsampled, "ours", "fastrace", 0.25, false),
    (Work::NoTracer, "ours", "tracing", 0.5, false),
    (Work::Sync, "ours-udp", "fastrace-jaeger", 0.12, true),
    (Work::SyncArgs, "ours-udp", "fastrace-jaeger", 0.07, true),
];

pub(crate) fn run(only: &[String], works: &[Work], quick: bool, json: bool) -> Result<(), String> {
    for name in only {
        if !PEERS.iter().any(|(peer, _)| peer == name) {
            let known: Vec<_> = PEERS.iter().map(|(peer, _)| *peer).collect();
            return Err(format!("there is no peer `{name}`; the peers are {}", known.join(", ")));
        }
    }
    if !json {
        println!(
            "{:<11} {:<16} {:>9} {:>8} {:>9} {:>7} {:>7} {:>9}",
            "work", "peer", "ns min", "median", "CPU ns", "allocs", "all", "dropped"
        );
    }
    let mut rows: Vec<Figures> = vec![];
    for work in Work::value_variants() {
        if !works.is_empty() && !works.contains(work) {
            continue;
        }
        for (peer, _) in PEERS {
            if !only.is_empty() && !only.iter().any(|name| name == peer) {
                continue;
            }
            let Some(figures) = child(peer, *work, if quick { BURSTS / 5 } else { BURSTS })? else {
                continue;
            };
            if json {
                println!("{}", serde_json::to_string(&figures).map_err(|e| e.to_string())?);
            } else {
                print(&figures);
            }
            rows.push(figures);
        }
    }
    if !json {
        ratios(&rows);
    }
    Ok(())
}

fn print(row: &Figures) {
    let work = name(row.work);
    let (min, median) = (Figures::min(&row.caller), Figures::median(&row.caller));
    let cpu = row.cpu;
    let (mine, all) = row.allocations;
    let dropped = match row.received {
        Some(received) if received < row.made => {
            format!("{:.1} %", (row.made - received) as f64 * 100.0 / row.made as f64)
        }
        Some(_) => "0".into(),
        None => "-".into(),
    };
    let peer = &row.peer;
    println!("{work:<11} {peer:<16} {min:>9.1} {median:>8.1} {cpu:>9.1} {mine:>7.2} {all:>7.2} {dropped:>9}");
}

fn name(work: Work) -> String {
    work.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Runs one row in a process of its own; `None` if the peer has no such work.
fn child(peer: &str, work: Work, bursts: usize) -> Result<Option<Figures>, String> {
    let sends = matches!(peer, "ours-udp" | "fastrace-jaeger");
    let receiver = if sends { Some(Receiver::start()?) } else { None };
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut command = Command::new(program);
    command.args(["run", peer, &name(work), &ROUNDS.to_string(), &bursts.to_string()]);
    if let Some(receiver) = &receiver {
        command.env(RECEIVER, &receiver.address);
    }
    let output = command.output().map_err(|e| e.to_string())?;
    let received = receiver.map(Receiver::stop);
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return if said.contains(" has no ") { Ok(None) } else { Err(format!("{peer} {work:?}: {said}")) };
    }
    let mut figures: Figures =
        serde_json::from_slice(&output.stdout).map_err(|e| format!("{peer} {work:?}: {e}"))?;
    if let Some(received) = received {
        figures.received = Some(received);
    }
    Ok(Some(figures))
}

/// Takes datagrams as fast as they come, and counts their spans when all is over.
struct Receiver {
    address: String,
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<u64>,
}

impl Receiver {
    fn start() -> Result<Self, String> {
        let socket = UdpSocket::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
        socket.set_read_timeout(Some(Duration::from_millis(100))).map_err(|e| e.to_string())?;
        // What is measured is the sender. Without privileges the system's own limit stays, and what it loses shows as dropped.
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 64 << 20);
        let address = socket.local_addr().map_err(|e| e.to_string())?.to_string();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let mut datagrams: Vec<Box<[u8]>> = vec![];
            let mut buffer = vec![0; 1 << 16];
            loop {
                match socket.recv(&mut buffer) {
                    Ok(n) => datagrams.push(buffer[..n].into()),
                    Err(_) if stopped.load(Relaxed) => break,
                    Err(_) => {}
                }
            }
            datagrams.iter().map(|bytes| spans(bytes)).sum()
        });
        Ok(Self { address, stop, thread })
    }

    fn stop(self) -> u64 {
        self.stop.store(true, Relaxed);
        self.thread.join().unwrap_or(0)
    }
}

fn spans(datagram: &[u8]) -> u64 {
    jaeger_thrift::Message::decode(jaeger_thrift::Protocol::Compact, datagram)
        .map_or(0, |message| message.batch.spans.len() as u64)
}

fn ratios(rows: &[Figures]) {
    let find = |work: Work, peer: &str| rows.iter().find(|row| row.work == work && row.peer == peer);
    let mut any = false;
    for (work, peer, beside, most, cpu) in TARGETS {
        // The floor is one row for all workloads.
        let other = if beside == "floor" { find(Work::Sync, "floor") } else { find(work, beside) };
        let (Some(mine), Some(other)) = (find(work, peer), other) else { continue };
        if !any {
            println!("\nratios of the minima, and the most they should be");
            any = true;
        }
        let figure = |row: &Figures| if cpu { row.cpu } else { Figures::min(&row.caller) };
        let ratio = figure(mine) / figure(other);
        let met = if ratio <= most { "met" } else { "MISSED" };
        let what = if cpu { "CPU" } else { "caller" };
        println!("{:<11} {peer} / {beside}, {what}: {ratio:.3} (at most {most}) {met}", name(work));
    }
}
