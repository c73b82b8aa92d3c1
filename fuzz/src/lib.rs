//! What the fuzz targets do with their bytes; each target is one line that calls one of these.
//!
//! Reading must end, without a panic and without much memory (libFuzzer's limit is 2 GiB, and inputs are small); what is read must survive being written.

use jaeger_thrift::{Batch, Datagram, Message, Packer, Protocol, Push};
use thrift::TConfiguration;
use thrift::protocol::{
    TBinaryInputProtocol, TBinaryOutputProtocol, TCompactInputProtocol, TCompactOutputProtocol,
    TInputProtocol, TOutputProtocol,
};

/// Reads a datagram.
pub fn message(protocol: Protocol, data: &[u8]) {
    if let Err(error) = Message::decode(protocol, data) {
        assert!(error.offset() <= data.len(), "{error}");
        assert!(!error.to_string().is_empty());
    }
}

/// Reads an HTTP body.
pub fn batch(data: &[u8]) {
    if let Err(error) = Batch::decode(Protocol::Binary, data) {
        assert!(error.offset() <= data.len(), "{error}");
    }
}

/// Reads in whichever encoding it is; the captures are messages of both.
fn read(data: &[u8]) -> Option<Batch<'_>> {
    let message =
        Message::decode(Protocol::Compact, data).or_else(|_| Message::decode(Protocol::Binary, data));
    message.map(|message| message.batch).or_else(|_| Batch::decode(Protocol::Binary, data)).ok()
}

fn written(protocol: Protocol, batch: Batch<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Message::new(batch).encode_into(protocol, &mut bytes);
    bytes
}

/// What is read is written in both encodings, by the `thrift` crate to the same bytes, and read again by both to the same model. Models are compared by
/// what they are written as, since a NaN is not equal to itself.
pub fn again(data: &[u8]) {
    let Some(batch) = read(data) else { return };
    for protocol in [Protocol::Compact, Protocol::Binary] {
        let bytes = written(protocol, batch.clone());
        let mut theirs = Vec::new();
        let mut output: Box<dyn TOutputProtocol> = match protocol {
            Protocol::Compact => Box::new(TCompactOutputProtocol::new(&mut theirs)),
            Protocol::Binary => Box::new(TBinaryOutputProtocol::new(&mut theirs, true)),
        };
        Message::new(batch.clone()).write_to(&mut *output).expect("a vector takes all");
        drop(output);
        assert_eq!(bytes, theirs);

        let ours = Message::decode(protocol, &bytes).expect("it was just written").batch;
        assert_eq!(written(protocol, ours), bytes);

        let limits =
            TConfiguration::builder().max_container_size(Some(1 << 20)).max_string_size(Some(1 << 20));
        let limits = limits.build().expect("these limits agree");
        let mut input: Box<dyn TInputProtocol> = match protocol {
            Protocol::Compact => Box::new(TCompactInputProtocol::with_config(&bytes[..], limits)),
            Protocol::Binary => Box::new(TBinaryInputProtocol::with_config(&bytes[..], true, limits)),
        };
        let theirs = Message::read_from(&mut *input).expect("it was just written").batch;
        assert_eq!(written(protocol, theirs), bytes);
    }
}

/// What is read is packed for a limit that the last bytes choose (what stands behind a message is not read), and the datagrams again for a lower one: nothing
/// is lost and nothing is too long.
pub fn pack(data: &[u8]) {
    let [.., first, second] = data else { return };
    let Some(batch) = read(data) else { return };
    for protocol in [Protocol::Compact, Protocol::Binary] {
        let base = match Packer::new(protocol, 0, &batch.process) {
            Err(jaeger_thrift::PackError::LimitTooSmall { least, .. }) => least,
            other => panic!("{other:?}"),
        };
        let limit = base + 8 * usize::from(*first);
        let mut packer = Packer::new(protocol, limit, &batch.process).expect("the limit is large enough");
        let mut sent: Vec<(Vec<u8>, usize)> = Vec::new();
        let mut keep = |it: Datagram<'_>| sent.push((it.bytes.to_vec(), it.spans));
        let mut added = 0;
        for span in &batch.spans {
            match packer.push(span, &mut keep) {
                Push::TooLarge { .. } => {}
                _ => added += 1,
            }
        }
        packer.finish(&mut keep);
        check(protocol, limit, &sent, added);

        let limit = base + usize::from(*second).min(8 * usize::from(*first));
        let mut packed_again: Vec<(Vec<u8>, usize)> = Vec::new();
        let mut keep = |it: Datagram<'_>| packed_again.push((it.bytes.to_vec(), it.spans));
        packer.set_limit(limit, &mut keep).expect("the limit is large enough");
        let mut added_again = 0;
        for (datagram, spans) in &sent {
            let result = packer.requeue(datagram, &mut keep).expect("it is the packer's own");
            assert_eq!(result.added + result.too_large, *spans);
            added_again += result.added;
        }
        packer.finish(&mut keep);
        check(protocol, limit, &packed_again, added_again);
    }
}

fn check(protocol: Protocol, limit: usize, sent: &[(Vec<u8>, usize)], added: usize) {
    for (bytes, spans) in sent {
        assert!(bytes.len() <= limit);
        let batch = Message::decode(protocol, bytes).expect("it is the packer's own").batch;
        assert_eq!(batch.spans.len(), *spans);
    }
    assert_eq!(sent.iter().map(|(_, spans)| spans).sum::<usize>(), added);
}
