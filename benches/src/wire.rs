//! The bytes that a span takes on the wire, as a gate that noise cannot break: what arrived at a socket, with what chance and the machine put there counted as if it were always the same.
//!
//! Chance: an id is as long as its number is large (counted as 9.5 bytes, what random ones take on average), and so is a duration (1 byte). The machine: the values of the process's tags. All else is
//! counted as it was received, a datagram's own bytes in a row of their own.

use crate::measure::Running as _;
use crate::peers::ours;
use crate::work::Work;
use crate::{count, store};
use clap::ValueEnum;
use jaeger_runtime::Span as Recorded;
use jaeger_thrift::{Batch, Message, Protocol, Span, Value};
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;
use stored::Gate;

/// Spans between two flushes: what they take fits into a socket's buffer as systems have it, so none is lost.
const BATCH: usize = 200;
const BATCHES: usize = 25;
const PATIENCE: Duration = Duration::from_secs(10);
/// What a random id takes: 9 bytes or 10, each as often.
const ID: f64 = 9.5;
const DURATION: f64 = 1.0;
/// The span that is sampled behind those that are not.
const LAST: &str = "sampled";
/// The row of what a datagram has beside its spans, written by the work that has the most of them.
const ENVELOPE: &str = "a datagram without spans";

/// Counts every work in a process of its own, since one process has one tracer.
pub(crate) fn run(update: bool, accept: &[String]) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let run = update.then(store::begin);
    let mut gate = Gate::open(&count::limits("wire.json"), "bytes on the wire", run, accept)?;
    let mut envelope: f64 = 0.0;
    for work in Work::value_variants() {
        // Of what a sampler lets through by chance or by the time nothing is held.
        if matches!(work, Work::NoTracer | Work::Refused | Work::OverLimit) {
            continue;
        }
        let name = work.name();
        let output = Command::new(&program).args(["wire-one", &name]).output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let (span, around): (f64, f64) =
            serde_json::from_slice(&output.stdout).map_err(|e| format!("{name}: {e}"))?;
        let row = match work {
            Work::Unsampled => "all spans that are not sampled".into(),
            _ => format!("a span of {name}"),
        };
        gate.count(row, span, true);
        envelope = envelope.max(around);
    }
    gate.count(ENVELOPE.into(), envelope, true);
    print!("{}", gate.finish()?);
    Ok(())
}

/// One work: prints the bytes a span, and the most that a datagram has beside.
pub(crate) fn one(work: Work) -> Result<(), String> {
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(|e| e.to_string())?;
    let address = socket.local_addr().map_err(|e| e.to_string())?;
    let mut running = ours::to_agent(work, address.to_string())?;
    let (mut bytes, mut spans, mut envelope, mut made): (f64, u64, f64, u64) = (0.0, 0, 0.0, 0);
    let mut buffer = vec![0; 1 << 16];
    for _ in 0..BATCHES {
        running.burst(BATCH);
        made += running.made(BATCH);
        if work == Work::Unsampled {
            // Nothing is awaited of what is not to be sent. What is sent anyway stands before the span that is, since one socket's datagrams keep their order here.
            drop(Recorded::root(LAST));
            running.received();
            let mut last = false;
            while !last {
                let n = socket.recv(&mut buffer).map_err(|e| format!("the span that is sampled: {e}"))?;
                let message = Message::decode(Protocol::Compact, &buffer[..n]).map_err(|e| e.to_string())?;
                last = message.batch.spans.iter().any(|span| span.operation_name == LAST);
                if message.batch.spans.len() > usize::from(last) {
                    bytes += (n - without_spans(&message)) as f64;
                }
            }
            continue;
        }
        running.received();
        while spans < made {
            let n = socket.recv(&mut buffer).map_err(|e| format!("{spans} of {made} spans came: {e}"))?;
            let message = Message::decode(Protocol::Compact, &buffer[..n]).map_err(|e| e.to_string())?;
            let around = without_spans(&message);
            envelope = envelope.max(around as f64 - machine(&message.batch) as f64);
            bytes += (n - around) as f64 + message.batch.spans.iter().map(chance).sum::<f64>();
            spans += message.batch.spans.len() as u64;
        }
    }
    // Of what is not sampled no byte may be there, so all of them are told.
    let span = if work == Work::Unsampled { bytes } else { bytes / spans as f64 };
    println!("{}", serde_json::to_string(&(span, envelope)).map_err(|e| e.to_string())?);
    Ok(())
}

/// The bytes of a message beside its spans.
fn without_spans(message: &Message<'_>) -> usize {
    let batch = Batch { spans: vec![], ..message.batch.clone() };
    let mut bytes = vec![];
    Message { batch, ..message.clone() }.encode_into(Protocol::Compact, &mut bytes);
    bytes.len()
}

/// The bytes in a batch that are about the machine: its name, its address.
fn machine(batch: &Batch<'_>) -> usize {
    let texts = batch.process.tags.iter().map(|tag| match &tag.value {
        Value::String(text) => text.len(),
        _ => 0,
    });
    texts.sum()
}

/// By how much a span's bytes are to be corrected, so that chance does not tell.
fn chance(span: &Span<'_>) -> f64 {
    let low_and_high = |id: u128| [id as i64, (id >> 64) as i64];
    let references = span
        .references
        .iter()
        .flat_map(|it| low_and_high(it.trace_id).into_iter().chain([it.span_id as i64]));
    let ids =
        low_and_high(span.trace_id).into_iter().chain([span.span_id as i64, span.parent_span_id as i64]);
    let ids = ids.chain(references).filter(|id| *id != 0).map(|id| ID - varint(id));
    ids.sum::<f64>() + DURATION - varint(span.duration)
}

/// The bytes of a number in the compact encoding: seven bits each, the sign in the last.
fn varint(n: i64) -> f64 {
    let zigzag = ((n << 1) ^ (n >> 63)) as u64;
    f64::from((64 - zigzag.leading_zeros()).div_ceil(7).max(1))
}
