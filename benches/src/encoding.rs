//! What writing a span costs, beside the `thrift` crate: the same span, the same bytes, Jaeger's compact encoding.
//!
//! Ours is the packer that the agent's reporter has, limit of a datagram and all; the crate writes through its own protocol into a vector, without names in its identifiers,
//! which is the fastest way there is with it. `jaeger-thrift/examples/encode_speed.rs` has more ways, the binary encoding and reading.

use crate::measure::Figures;
use crate::{count, store};
use jaeger_thrift::{
    DEFAULT_LIMIT, Log, LogSource, Packer, Process, Protocol, Push, SpanHead, SpanRef, SpanSource, TagRef,
    ValueRef, encode_span, write_span,
};
use std::hint::black_box;
use std::time::Instant;
use stored::{Encoding, Results};
use thrift::protocol::TCompactOutputProtocol;

/// Spans in a round.
pub(crate) const SPANS: usize = 100;
pub(crate) const OURS: &str = "ours";
pub(crate) const WAYS: [&str; 2] = [OURS, "thrift"];
const ROUNDS: usize = 2_001;

/// A span as the collector holds it: two arguments and a reply.
struct Record {
    head: SpanHead<'static>,
}

const TAGS: [TagRef<'static>; 3] = [
    TagRef { key: "id", value: ValueRef::Long(7) },
    TagRef { key: "request", value: ValueRef::String("Hello foo3") },
    TagRef { key: "reply", value: ValueRef::Long(17) },
];

impl SpanSource for Record {
    fn head(&self) -> SpanHead<'_> {
        self.head
    }
    fn references(&self) -> impl ExactSizeIterator<Item = SpanRef> {
        std::iter::empty()
    }
    fn tag_count(&self) -> usize {
        TAGS.len()
    }
    fn tags(&self) -> impl Iterator<Item = TagRef<'_>> {
        TAGS.into_iter()
    }
    fn log_count(&self) -> usize {
        0
    }
    fn logs(&self) -> impl Iterator<Item = impl LogSource> {
        std::iter::empty::<&Log<'_>>()
    }
}

fn records() -> Vec<Record> {
    // Ids that take as many bytes as random ones do.
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    let mut id = move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    };
    let trace_id = u128::from(id()) << 64 | u128::from(id());
    let record = |n: i64| Record {
        head: SpanHead {
            trace_id,
            span_id: id(),
            parent_span_id: id(),
            operation_name: "args",
            flags: 1,
            start_time: 1_700_000_000_000_000 + 1_000 * n,
            duration: n % 3,
        },
    };
    (0..SPANS as i64).map(record).collect()
}

/// One way to write the records.
struct Way {
    ours: Option<Packer>,
    bytes: Vec<u8>,
}

impl Way {
    fn new(name: &str) -> Result<Self, String> {
        let packer = || Packer::new(Protocol::Compact, DEFAULT_LIMIT, &Process::new("bench"));
        let ours = (name == OURS).then(packer).transpose().map_err(|e| e.to_string())?;
        Ok(Self { ours, bytes: vec![] })
    }

    fn write(&mut self, records: &[Record]) {
        match &mut self.ours {
            Some(packer) => {
                for record in records {
                    let push = packer.push(black_box(record), &mut |datagram| _ = black_box(datagram.bytes));
                    assert_eq!(push, Push::Added);
                }
            }
            None => {
                self.bytes.clear();
                let mut protocol = TCompactOutputProtocol::new(&mut self.bytes);
                for record in records {
                    write_span(black_box(record), &mut protocol).expect("a vector takes all");
                }
            }
        }
    }
}

/// Nanoseconds a span: ours, the crate's.
pub(crate) fn measure() -> Result<Vec<Encoding>, String> {
    let records = records();
    same_bytes(&records)?;
    let [ours, theirs] = WAYS.map(Way::new);
    let mut ways = [ours?, theirs?];
    let mut times = [vec![], vec![]];
    for _ in 0..ROUNDS {
        // In turn, so that what disturbs the one disturbs the other.
        for (way, times) in ways.iter_mut().zip(&mut times) {
            let start = Instant::now();
            way.write(&records);
            times.push(start.elapsed().as_nanos() as f64 / SPANS as f64);
        }
    }
    let tenth = |n: f64| (n * 10.0).round() / 10.0;
    let way = |(way, mut times): (&str, Vec<f64>)| {
        times.sort_by(f64::total_cmp);
        let (min, median) = (tenth(Figures::min(&times)), tenth(Figures::median(&times)));
        Encoding { run: String::new(), way: way.into(), min, median }
    };
    Ok(WAYS.into_iter().zip(times).map(way).collect())
}

/// What is compared is the same work: the crate's bytes are ours, and stand as they are in the packer's datagram.
fn same_bytes(records: &[Record]) -> Result<(), String> {
    let mut theirs = Way::new(WAYS[1])?;
    theirs.write(records);
    let mut ours = vec![];
    records.iter().for_each(|record| encode_span(Protocol::Compact, record, &mut ours));
    let (mut datagrams, mut packer) = (vec![], Way::new(OURS)?);
    packer.write(records);
    let mut packer = packer.ours.ok_or("ours is the packer")?;
    packer.finish(&mut |datagram| datagrams.push(datagram.bytes.to_vec()));
    let inside = datagrams.len() == 1 && datagrams[0].windows(ours.len()).any(|part| part == ours);
    if ours == theirs.bytes && inside {
        Ok(())
    } else {
        Err("encoding: ours and the `thrift` crate's bytes differ".into())
    }
}

/// So many rounds and nothing else: what callgrind counts.
pub(crate) fn rounds(way: &str, rounds: usize) -> Result<(), String> {
    let (records, mut way) = (records(), Way::new(way)?);
    count::counted_call(|| (0..rounds).for_each(|_| way.write(&records)));
    Ok(())
}

/// Prints both ways and how they compare; `save` stores them.
pub(crate) fn run(save: bool) -> Result<(), String> {
    let run = store::begin();
    let encoding = measure()?;
    println!("encoding a span of (u64, &str) + reply, ns: minimum and median of {ROUNDS} rounds of {SPANS}");
    encoding.iter().for_each(|it| println!("{:>8} {:>8.1} {:>8.1}", it.way, it.min, it.median));
    if save { store::save(run, Results { encoding, ..Results::default() }) } else { Ok(()) }
}
