//! The `thrift` crate as the oracle: for the same model the same bytes, and each reads what the other wrote.

use crate::random;
use jaeger_thrift::{Batch, Log, Message, Process, Protocol, Span, Tag, encode_span, write_span};
use proptest::prelude::*;
use thrift::TConfiguration;
use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TCompactInputProtocol, TCompactOutputProtocol,
    TInputProtocol, TOutputProtocol, TSerializable,
};

/// A writer of that crate.
fn writer<'a>(protocol: Protocol, to: &'a mut Vec<u8>) -> Box<dyn TOutputProtocol + 'a> {
    match protocol {
        Protocol::Compact => Box::new(TCompactOutputProtocol::new(to)),
        Protocol::Binary => Box::new(TBinaryOutputProtocol::new(to, true)),
    }
}

/// A reader of that crate, bounded as far as it can be.
pub(crate) fn reader<'a>(protocol: Protocol, from: &'a [u8]) -> Box<dyn TInputProtocol + 'a> {
    let limits = TConfiguration::builder()
        .max_message_size(Some(1 << 20))
        .max_frame_size(Some(1 << 20))
        .max_container_size(Some(1 << 16))
        .max_string_size(Some(1 << 16))
        .max_recursion_depth(Some(8))
        .build()
        .expect("these limits agree");
    match protocol {
        Protocol::Compact => Box::new(TCompactInputProtocol::with_config(from, limits)),
        Protocol::Binary => Box::new(TBinaryInputProtocol::with_config(from, true, limits)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_message_is_the_same_bytes_and_each_reads_the_others(
        protocol in random::protocol(), message in random::message()
    ) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        message.encode_into(protocol, &mut ours);
        message.write_to(&mut *writer(protocol, &mut theirs)).unwrap();
        prop_assert_eq!(&ours, &theirs);

        let read_by_them = Message::read_from(&mut *reader(protocol, &ours)).unwrap();
        prop_assert_eq!(random::exact(read_by_them), random::exact(message.clone()));
        let read_by_us = Message::decode(protocol, &theirs).unwrap();
        prop_assert_eq!(random::exact(read_by_us), random::exact(message));
    }

    #[test]
    fn a_bare_batch_is_the_same_bytes_and_each_reads_the_others(
        protocol in random::protocol(), batch in random::batch()
    ) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        batch.encode_into(protocol, &mut ours);
        batch.write_to(&mut *writer(protocol, &mut theirs)).unwrap();
        prop_assert_eq!(&ours, &theirs);

        let read_by_them = Batch::read_from(&mut *reader(protocol, &ours)).unwrap();
        prop_assert_eq!(random::exact_batch(read_by_them), random::exact_batch(batch.clone()));
        let read_by_us = Batch::decode(protocol, &theirs).unwrap();
        prop_assert_eq!(random::exact_batch(read_by_us), random::exact_batch(batch));
    }

    #[test]
    fn a_span_is_appended_as_the_same_bytes(protocol in random::protocol(), span in random::span()) {
        let (mut ours, mut theirs) = (b"before".to_vec(), b"before".to_vec());
        encode_span(protocol, &span, &mut ours);
        write_span(&span, &mut *writer(protocol, &mut theirs)).unwrap();
        prop_assert_eq!(ours, theirs);
    }

    /// The header of old binary clients: name, type, sequence id, no version.
    #[test]
    fn the_unversioned_binary_header_is_read(message in random::message()) {
        let mut theirs = Vec::new();
        message.write_to(&mut TBinaryOutputProtocol::new(&mut theirs, false)).unwrap();
        prop_assert_eq!(&theirs[..4], &[0, 0, 0, 9]);
        let read = Message::decode(Protocol::Binary, &theirs).unwrap();
        prop_assert_eq!(random::exact(read), random::exact(message));
    }

    /// Through the trait of that crate's generated code, for every struct.
    #[test]
    fn every_struct_is_serializable(protocol in random::protocol(), batch in random::batch()) {
        fn there_and_back<T: TSerializable>(protocol: Protocol, it: &T) -> T {
            let mut bytes = Vec::new();
            it.write_to_out_protocol(&mut *writer(protocol, &mut bytes)).unwrap();
            T::read_from_in_protocol(&mut *reader(protocol, &bytes)).unwrap()
        }
        let with_spans = |spans| random::exact_batch(Batch { spans, ..Batch::default() });
        let with_tags = |tags: Vec<Tag<'static>>| with_spans(vec![Span { tags, ..Span::default() }]);
        let with_logs = |logs: Vec<Log<'static>>| with_spans(vec![Span { logs, ..Span::default() }]);
        let with_process = |process: Process<'static>| random::exact_batch(Batch { process, ..Batch::default() });

        prop_assert_eq!(
            with_process(there_and_back(protocol, &batch.process)), with_process(batch.process.clone())
        );
        if let Some(stats) = batch.stats {
            prop_assert_eq!(there_and_back(protocol, &stats), stats);
        }
        for span in &batch.spans {
            prop_assert_eq!(with_spans(vec![there_and_back(protocol, span)]), with_spans(vec![span.clone()]));
            for reference in &span.references {
                prop_assert_eq!(there_and_back(protocol, reference), *reference);
            }
            for tag in &span.tags {
                prop_assert_eq!(with_tags(vec![there_and_back(protocol, tag)]), with_tags(vec![tag.clone()]));
            }
            for log in &span.logs {
                prop_assert_eq!(with_logs(vec![there_and_back(protocol, log)]), with_logs(vec![log.clone()]));
            }
        }
        prop_assert_eq!(random::exact_batch(there_and_back(protocol, &batch)), random::exact_batch(batch));
    }
}
