//! How long a span takes to encode and to decode, beside the `thrift` crate with the same span in the same run.
//!
//! `cargo run --release -p jaeger-thrift --example encode_speed`; with `-- --gate 0.25` it fails if ours takes more than that part of theirs. A span has
//! three tags (two integers, a string), random ids and no logs: 116 bytes compact, 196 binary. Nanoseconds a span, minimum and median of 2,001 rounds of 100
//! spans; the ways take turns within a round. The crate writes through its own protocols into a vector, without names in its identifiers, which is the
//! fastest way there is with it. Last run, rustc 1.95, AMD EPYC (2 cores):
//!
//! ```text
//! Compact, 116 bytes a span
//!   packer, record         39.0   39.6   0.17 of the thrift crate
//!   packer, model          41.2   41.7   0.18 of the thrift crate
//!   encode_span            45.1   46.5   0.20 of the thrift crate
//!   thrift crate writes   227.0  234.8   1.00 of the thrift crate
//!   decode, borrowing     208.0  233.7   0.43 of the thrift crate
//!   thrift crate reads    492.5  542.0   1.00 of the thrift crate
//! Binary, 196 bytes a span
//!   packer, record         26.0   26.5   0.21 of the thrift crate
//!   packer, model          27.9   28.6   0.23 of the thrift crate
//!   encode_span            35.0   36.2   0.29 of the thrift crate
//!   thrift crate writes   121.6  123.5   1.00 of the thrift crate
//!   decode, borrowing     198.7  246.3   0.48 of the thrift crate
//!   thrift crate reads    466.1  512.8   1.00 of the thrift crate
//! ```

use jaeger_thrift::{
    Batch, DEFAULT_LIMIT, Datagram, Log, LogSource, Message, Packer, Process, Protocol, Push, Span, SpanHead,
    SpanRef, SpanSource, TagRef, ValueRef, encode_span, write_span,
};
use std::hint::black_box;
use std::time::Instant;
use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TCompactInputProtocol, TCompactOutputProtocol,
};

const ROUNDS: usize = 2_001;
const SPANS: usize = 100;

/// A span as a tracer's buffers hold it: no model.
struct Record<'a> {
    head: SpanHead<'a>,
    tags: &'a [TagRef<'a>],
}

impl SpanSource for Record<'_> {
    fn head(&self) -> SpanHead<'_> {
        self.head
    }
    fn references(&self) -> impl ExactSizeIterator<Item = SpanRef> {
        std::iter::empty()
    }
    fn tag_count(&self) -> usize {
        self.tags.len()
    }
    fn tags(&self) -> impl Iterator<Item = TagRef<'_>> {
        self.tags.iter().copied()
    }
    fn log_count(&self) -> usize {
        0
    }
    fn logs(&self) -> impl Iterator<Item = impl LogSource> {
        std::iter::empty::<&Log<'_>>()
    }
}

/// Ids that take as many bytes as random ones do.
fn ids() -> impl FnMut() -> u64 {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    }
}

fn records<'a>(tags: &'a [TagRef<'a>]) -> Vec<Record<'a>> {
    let mut id = ids();
    let trace_id = u128::from(id()) << 64 | u128::from(id());
    (0..SPANS as i64)
        .map(|n| Record {
            head: SpanHead {
                trace_id,
                span_id: id(),
                parent_span_id: id(),
                operation_name: "span_foo3",
                flags: 1,
                start_time: 1_700_000_000_000_000 + 1_000 * n,
                duration: 500_000 + n,
            },
            tags,
        })
        .collect()
}

fn write_theirs(protocol: Protocol, records: &[Record<'_>], to: &mut Vec<u8>) {
    to.clear();
    let all = |write: &mut dyn FnMut(&Record<'_>)| records.iter().for_each(|it| write(black_box(it)));
    match protocol {
        Protocol::Compact => {
            let mut o = TCompactOutputProtocol::new(to);
            all(&mut |it| write_span(it, &mut o).expect("a vector takes all"));
        }
        Protocol::Binary => {
            let mut o = TBinaryOutputProtocol::new(to, true);
            all(&mut |it| write_span(it, &mut o).expect("a vector takes all"));
        }
    }
}

fn read_theirs(protocol: Protocol, bytes: &[u8]) -> Batch<'static> {
    let read = match protocol {
        Protocol::Compact => Message::read_from(&mut TCompactInputProtocol::new(bytes)),
        Protocol::Binary => Message::read_from(&mut TBinaryInputProtocol::new(bytes, true)),
    };
    read.expect("it is ours").batch
}

/// Each way's nanoseconds a span, minimum and median.
fn measure<const N: usize>(mut ways: [(&'static str, &mut dyn FnMut()); N]) -> [(&'static str, f64, f64); N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for ((_, way), times) in ways.iter_mut().zip(&mut times) {
            let start = Instant::now();
            way();
            times.push(start.elapsed().as_nanos() as f64 / SPANS as f64);
        }
    }
    let mut names = ways.iter().map(|(name, _)| *name);
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        (names.next().unwrap_or_default(), times[0], times[ROUNDS / 2])
    })
}

fn sent(datagram: Datagram<'_>) {
    assert!(black_box(datagram.bytes).len() <= DEFAULT_LIMIT);
}

fn added(push: Push) {
    assert_eq!(push, Push::Added);
}

fn main() {
    let mut arguments = std::env::args().skip_while(|it| it != "--gate").skip(1);
    let gate: Option<f64> = arguments.next().map(|it| it.parse().expect("--gate takes a number"));
    let tags = [
        TagRef { key: "id", value: ValueRef::Long(7) },
        TagRef { key: "request", value: ValueRef::String("Hello foo3") },
        TagRef { key: "reply", value: ValueRef::Long(17) },
    ];
    let records = records(&tags);
    let models: Vec<Span<'_>> = records.iter().map(Span::from_source).collect();
    let process = Process::new("jaeger-demo");
    let batch = Batch { process: process.clone(), spans: models.clone(), seq_no: Some(1), stats: None };
    let mut slowest: f64 = 0.0;
    for protocol in [Protocol::Compact, Protocol::Binary] {
        let mut message = Vec::new();
        Message::new(batch.clone()).encode_into(protocol, &mut message);
        let mut one = Packer::new(protocol, DEFAULT_LIMIT, &process).expect("the limit is Jaeger's");
        let mut two = Packer::new(protocol, DEFAULT_LIMIT, &process).expect("the limit is Jaeger's");
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let rows = measure([
            ("packer, record", &mut || {
                for record in &records {
                    added(one.push(black_box(record), &mut sent));
                }
            }),
            ("packer, model", &mut || {
                for model in &models {
                    added(two.push(black_box(model), &mut sent));
                }
            }),
            ("encode_span", &mut || {
                ours.clear();
                records.iter().for_each(|it| encode_span(protocol, black_box(it), &mut ours));
            }),
            ("thrift crate writes", &mut || write_theirs(protocol, &records, &mut theirs)),
            ("decode, borrowing", &mut || drop(black_box(Message::decode(protocol, black_box(&message))))),
            ("thrift crate reads", &mut || drop(black_box(read_theirs(protocol, black_box(&message))))),
        ]);
        assert_eq!(ours, theirs, "the same bytes");
        println!("{protocol:?}, {} bytes a span", ours.len() / SPANS);
        let [_, _, _, (_, write_least, write), _, (_, _, read)] = rows;
        for (n, (name, least, median)) in rows.into_iter().enumerate() {
            let of = median / if n < 4 { write } else { read };
            println!("  {name:<20} {least:6.1} {median:6.1}   {of:.2} of the thrift crate");
        }
        slowest = slowest.max(rows[0].1 / write_least);
    }
    if gate.is_some_and(|gate| slowest > gate) {
        println!("FAILED: packing takes {slowest:.3} of what the thrift crate takes to write");
        std::process::exit(1);
    }
}
