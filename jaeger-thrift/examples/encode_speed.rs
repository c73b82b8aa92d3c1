//! How long encoding takes, beside the `thrift` crate writing the same span in the same run.
use ::thrift::protocol::{TBinaryOutputProtocol, TCompactOutputProtocol};
use jaeger_thrift::*;
use std::hint::black_box;
use std::time::Instant;

fn time(rounds: usize, per: usize, mut f: impl FnMut()) -> (f64, f64) {
    let mut a: Vec<f64> = (0..rounds)
        .map(|_| {
            let t = Instant::now();
            f();
            t.elapsed().as_nanos() as f64 / per as f64
        })
        .collect();
    a.sort_by(f64::total_cmp);
    (a[0], a[rounds / 2])
}

struct Rec<'a> {
    head: SpanHead<'a>,
    tags: &'a [TagRef<'a>],
}
impl SpanSource for Rec<'_> {
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

fn main() {
    let tags = [
        TagRef { key: "id", value: ValueRef::Long(7) },
        TagRef { key: "request", value: ValueRef::String("Hello foo3") },
        TagRef { key: "reply", value: ValueRef::Long(17) },
    ];
    let mut x = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    };
    let recs: Vec<Rec> = (0..100)
        .map(|i| Rec {
            head: SpanHead {
                trace_id: (next() as u128) << 64 | next() as u128,
                span_id: next(),
                parent_span_id: next(),
                operation_name: "span_foo3",
                flags: 1,
                start_time: 1_700_000_000_000_000 + i * 1000,
                duration: 500_000 + i * 3,
            },
            tags: &tags,
        })
        .collect();
    for protocol in [Protocol::Compact, Protocol::Binary] {
        let mut packer = Packer::new(protocol, DEFAULT_LIMIT, &Process::new("jaeger-demo")).unwrap();
        let mut sent = 0;
        let ours = time(20001, 100, || {
            for r in &recs {
                let _ = black_box(packer.push(black_box(r), &mut |d| sent += d.bytes.len()));
            }
        });
        if std::env::args().nth(1).is_some() {
            println!("{ours:?}");
            continue;
        }
        let mut buf = Vec::with_capacity(65000);
        let plain = time(20001, 100, || {
            buf.clear();
            for r in &recs {
                encode_span(protocol, black_box(r), &mut buf);
            }
            black_box(&buf);
        });
        let mut tb: Vec<u8> = Vec::with_capacity(65000);
        let theirs = time(20001, 100, || {
            tb.clear();
            match protocol {
                Protocol::Compact => {
                    let mut o = TCompactOutputProtocol::new(&mut tb);
                    for r in &recs {
                        write_span(black_box(r), &mut o).unwrap();
                    }
                }
                Protocol::Binary => {
                    let mut o = TBinaryOutputProtocol::new(&mut tb, true);
                    for r in &recs {
                        write_span(black_box(r), &mut o).unwrap();
                    }
                }
            }
            black_box(&tb);
        });
        assert_eq!(buf, tb);
        println!(
            "{protocol:?} {} B/span  packer min {:.1} med {:.1}  encode_span {:.1} {:.1}  thrift {:.1} {:.1}  ratio {:.3} {:.3} sent {sent}",
            buf.len() / 100,
            ours.0,
            ours.1,
            plain.0,
            plain.1,
            theirs.0,
            theirs.1,
            ours.0 / theirs.0,
            ours.1 / theirs.1
        );
    }
}
