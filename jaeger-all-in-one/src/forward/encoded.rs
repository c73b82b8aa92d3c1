//! A batch as it is sent: one body, or datagrams, each with the number of its spans. Targets that take the same share the bytes.

use std::sync::Arc;

use jaeger_thrift::{Batch, DEFAULT_LIMIT, Datagram, Packer, Process, Protocol, Push};

/// What is sent of a batch.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    /// What is sent, in its order, and how many spans are in each.
    pub(super) parts: Vec<(Arc<[u8]>, u64)>,
    /// Spans that no datagram can hold.
    pub(super) too_large: u64,
}

impl Encoded {
    /// All in one.
    pub(super) fn one(body: Arc<[u8]>, spans: usize) -> Encoded {
        Encoded { parts: vec![(body, spans as u64)], too_large: 0 }
    }

    /// The body of a request to a collector.
    pub(super) fn thrift(batch: &Batch<'_>) -> Encoded {
        let mut body = Vec::new();
        batch.encode_into(Protocol::Binary, &mut body);
        Encoded::one(body.into(), batch.spans.len())
    }

    /// Datagrams for an agent, of at most 65,000 bytes. A span that is longer gives up its largest tags and says so in a tag; one that is still too long
    /// fits into none. A process that fills a datagram loses its tags.
    pub(super) fn datagrams(batch: &Batch<'_>) -> Encoded {
        let mut encoded = Encoded::default();
        let packer = |process: &Process<'_>| Packer::new(Protocol::Compact, DEFAULT_LIMIT, process);
        let bare = || packer(&Process { tags: Vec::new(), ..batch.process.clone() });
        let Ok(mut packer) = packer(&batch.process).or_else(|_| bare()) else {
            return Encoded { too_large: batch.spans.len() as u64, ..encoded };
        };
        if let Some(stats) = batch.stats {
            packer.set_stats(stats);
        }
        let Encoded { parts, too_large } = &mut encoded;
        let mut take = |datagram: Datagram<'_>| parts.push((datagram.bytes.into(), datagram.spans as u64));
        for span in &batch.spans {
            if let Push::TooLarge { .. } = packer.push(span, &mut take) {
                *too_large += 1;
            }
        }
        packer.finish(&mut take);
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jaeger_thrift::{Message, Span, Tag};

    fn span(span_id: u64, name: usize, tag: usize) -> Span<'static> {
        let tags = if tag == 0 { vec![] } else { vec![Tag::new("t", "x".repeat(tag)), Tag::new("kept", 1)] };
        Span { trace_id: 7, span_id, operation_name: "n".repeat(name).into(), tags, ..Span::default() }
    }

    fn spans(encoded: &Encoded) -> Vec<Span<'static>> {
        let mut all = Vec::new();
        for (datagram, spans) in &encoded.parts {
            assert!(datagram.len() <= DEFAULT_LIMIT, "{}", datagram.len());
            let batch = Message::decode(Protocol::Compact, datagram).expect("a datagram").batch;
            assert_eq!(batch.spans.len() as u64, *spans);
            all.extend(batch.spans.into_iter().map(Span::into_owned));
        }
        all
    }

    #[test]
    fn a_long_batch_is_many_datagrams() {
        let all: Vec<_> = (1..=40).map(|id| span(id, 3, 10_000)).collect();
        let encoded = Encoded::datagrams(&Batch {
            process: Process::new("shop"),
            spans: all.clone(),
            ..Batch::default()
        });
        assert_eq!((encoded.parts.len(), encoded.too_large), (7, 0), "six spans fit");
        assert_eq!(spans(&encoded), all);
    }

    #[test]
    fn what_fits_into_no_datagram_is_counted_and_its_neighbours_are_sent() {
        let all = vec![span(1, 1, 0), span(2, 70_000, 0), span(3, 1, 70_000), span(4, 1, 0)];
        let encoded =
            Encoded::datagrams(&Batch { process: Process::new("shop"), spans: all, ..Batch::default() });
        let sent = spans(&encoded);
        assert_eq!(sent.iter().map(|span| span.span_id).collect::<Vec<_>>(), [1, 3, 4]);
        let keys: Vec<_> = sent[1].tags.iter().map(|tag| &*tag.key).collect();
        assert_eq!(keys, ["kept", "jaeger.tags_shed"]);
        assert_eq!(encoded.too_large, 1);
    }

    #[test]
    fn a_process_that_fills_a_datagram() {
        let mut process = Process::new("shop");
        process.tags = vec![Tag::new("t", "x".repeat(70_000))];
        let batch = Batch { process, spans: vec![span(1, 1, 0)], ..Batch::default() };
        let encoded = Encoded::datagrams(&batch);
        assert_eq!(spans(&encoded), batch.spans);
        let process = Process::new("n".repeat(70_000));
        let encoded = Encoded::datagrams(&Batch { process, ..batch });
        assert_eq!((encoded.parts.len(), encoded.too_large), (0, 1));
    }
}
