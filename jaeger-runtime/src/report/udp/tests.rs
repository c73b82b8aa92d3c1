//! The agent reporter over loopback, and over a network of the tests' own with its own names, times and errors.

use super::super::memory::fixture::{Finished, span};
use super::*;
use jaeger_thrift::{Message, Span, TAGS_SHED, Tag, Value};
use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn process() -> Process<'static> {
    Process { service_name: "shop".into(), tags: vec![Tag::new("hostname", "here")] }
}

fn started(mut reporter: UdpReporter) -> UdpReporter {
    reporter.start(&process());
    reporter
}

fn report(reporter: &mut UdpReporter, spans: &[Finished]) {
    spans.iter().for_each(|span| span.lend(|span| reporter.report(span)));
}

/// So many spans with ids from 1, in one round.
fn round(reporter: &mut UdpReporter, count: u64) {
    let spans: Vec<_> = (1..=count).map(|id| span(id, 0, "work", id as i64, 5).tag("n", id as i64)).collect();
    report(reporter, &spans);
    reporter.flush();
}

/// Sent, failed, dropped, buffered.
fn counts(reporter: &UdpReporter) -> (u64, u64, u64, u64) {
    let ReporterStats { sent, failed, dropped, buffered } = reporter.stats();
    (sent, failed, dropped, buffered)
}

fn ids(datagrams: &[Vec<u8>]) -> Vec<u64> {
    let decode =
        |bytes: &Vec<u8>| Message::decode(Protocol::Compact, bytes).unwrap().into_owned().batch.spans;
    let mut ids: Vec<u64> = datagrams.iter().flat_map(decode).map(|span: Span<'_>| span.span_id).collect();
    ids.sort_unstable();
    ids
}

// ------------------------------------------------------------------------------------------------------ over loopback

/// An agent that listens on an address of loopback.
struct Agent(UdpSocket);

impl Agent {
    fn at(address: &str) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self(socket))
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    fn receive(&self) -> Vec<u8> {
        let mut buffer = vec![0; 70_000];
        let length = self.0.recv(&mut buffer).unwrap();
        buffer.truncate(length);
        buffer
    }
}

#[test]
fn what_arrives_is_what_was_reported() {
    let agent = Agent::at("127.0.0.1:0").unwrap();
    let mut reporter = started(UdpReporter::new(&agent.address()).unwrap());
    assert_eq!(reporter.name(), format!("udp {}", agent.address()));
    let spans = [
        span(2, 1, "child", 20, 5).tag("request", "Hello").log(21, &[("event", "x")]),
        span(1, 0, "root", 10, 30),
    ];
    report(&mut reporter, &spans);
    assert_eq!(counts(&reporter), (0, 0, 0, 2));
    reporter.flush();
    assert_eq!(counts(&reporter), (2, 0, 0, 0));

    let bytes = agent.receive();
    let batch = Message::decode(Protocol::Compact, &bytes).unwrap().batch;
    assert_eq!((batch.process, batch.seq_no), (process(), Some(1)));
    assert_eq!(batch.spans, spans.each_ref().map(|span| span.span.clone()));
    reporter.flush();
    round(&mut reporter, 1);
    let bytes = agent.receive();
    assert_eq!(
        Message::decode(Protocol::Compact, &bytes).unwrap().batch.seq_no,
        Some(2),
        "nothing was sent without spans"
    );
}

#[test]
fn an_agent_on_ipv6() {
    let agent = match Agent::at("[::1]:0") {
        Ok(agent) => agent,
        Err(error) => return println!("SKIPPED: this machine has no IPv6 loopback ({error})"),
    };
    let mut reporter = started(UdpReporter::new(&agent.address()).unwrap());
    round(&mut reporter, 3);
    assert_eq!(ids(&[agent.receive()]), [1, 2, 3]);
    assert_eq!(counts(&reporter), (3, 0, 0, 0));
}

/// On Linux, because only there every address of 127/8 is this host: nobody else listens on this one.
#[cfg(target_os = "linux")]
#[test]
fn an_agent_that_dies_and_returns_loses_only_what_it_was_not_there_for() {
    let place = "127.41.7.3:20411";
    let mut reporter = started(UdpReporter::new(place).unwrap());
    round(&mut reporter, 2);
    assert_eq!(counts(&reporter), (0, 2, 0, 0), "down at the start");
    let agent = Agent::at(place).unwrap();
    round(&mut reporter, 3);
    assert_eq!(ids(&[agent.receive()]), [1, 2, 3]);
    assert_eq!(counts(&reporter), (3, 2, 0, 0));
    drop(agent);
    round(&mut reporter, 4);
    assert_eq!(counts(&reporter), (3, 6, 0, 0));
    let agent = Agent::at(place).unwrap();
    round(&mut reporter, 5);
    assert_eq!(ids(&[agent.receive()]), [1, 2, 3, 4, 5]);
    assert_eq!(counts(&reporter), (8, 6, 0, 0));
    reporter.close();
    assert_eq!(counts(&reporter), (8, 6, 0, 0));
}

#[test]
fn datagrams_keep_the_limit_and_a_span_too_large_sheds_its_tags() {
    let agent = Agent::at("127.0.0.1:0").unwrap();
    let reporter = UdpReporter::new(&agent.address()).unwrap().datagram_limit(1_500).unwrap();
    let mut reporter = started(reporter);
    let large: &'static str = "x".repeat(5_000).leak();
    report(&mut reporter, &[span(100, 0, "large", 0, 1).tag("small", 1i64).tag("text", large)]);
    round(&mut reporter, 99);
    assert_eq!(counts(&reporter), (100, 0, 0, 0));
    let mut datagrams: Vec<Vec<u8>> = vec![];
    while ids(&datagrams).len() < 100 {
        datagrams.push(agent.receive());
    }
    assert!(datagrams.len() > 2 && datagrams.iter().all(|bytes| bytes.len() <= 1_500));
    assert_eq!(ids(&datagrams), (1..=100).collect::<Vec<_>>());
    let first = Message::decode(Protocol::Compact, &datagrams[0]).unwrap().batch.spans.remove(0);
    assert_eq!(first.tags, [Tag::new("small", Value::Long(1)), Tag::new(TAGS_SHED, Value::Long(1))]);
}

#[test]
fn a_span_that_no_datagram_holds_is_dropped_alone() {
    let agent = Agent::at("127.0.0.1:0").unwrap();
    let mut reporter = started(UdpReporter::new(&agent.address()).unwrap());
    let name: &'static str = "x".repeat(70_000).leak();
    report(&mut reporter, &[span(1, 0, "a", 0, 1), span(2, 0, name, 0, 1), span(3, 0, "b", 0, 1)]);
    reporter.flush();
    assert_eq!(ids(&[agent.receive()]), [1, 3]);
    assert_eq!(counts(&reporter), (2, 0, 1, 0));
}

/// Linux refuses what UDP itself cannot carry, which is how the real error is had here.
#[cfg(target_os = "linux")]
#[test]
fn a_datagram_that_the_system_refuses_as_too_long_is_packed_again() {
    let agent = Agent::at("127.0.0.1:0").unwrap();
    let mut reporter = UdpReporter::new(&agent.address()).unwrap();
    reporter.limit = 80_000;
    let mut reporter = started(reporter);
    let text: &'static str = "x".repeat(3_900).leak();
    let spans: Vec<_> = (1..=20).map(|id| span(id, 0, "work", 0, 1).tag("text", text)).collect();
    report(&mut reporter, &spans);
    reporter.flush();
    assert_eq!(counts(&reporter), (20, 0, 0, 0));
    let mut datagrams: Vec<Vec<u8>> = vec![];
    while ids(&datagrams).len() < 20 {
        datagrams.push(agent.receive());
    }
    assert!(datagrams.iter().all(|bytes| bytes.len() <= 9_216), "macOS's limit is the next one to try");
    assert_eq!(ids(&datagrams), (1..=20).collect::<Vec<_>>());
}

#[test]
fn set_up_refuses_what_cannot_be() {
    let error = UdpReporter::new("agent").unwrap_err().to_string();
    assert!(error.starts_with("agent address is \"agent\""), "{error}");
    for limit in [0, 1_023, 65_508] {
        let error = UdpReporter::new("agent:1").unwrap().datagram_limit(limit).unwrap_err().to_string();
        assert!(error.starts_with(&format!("datagram limit is \"{limit}\"")), "{error}");
    }
}

#[test]
fn a_process_too_large_for_a_datagram_goes_without_its_tags() {
    let agent = Agent::at("127.0.0.1:0").unwrap();
    let mut reporter = UdpReporter::new(&agent.address()).unwrap();
    let tags = vec![Tag::new("text", "x".repeat(70_000))];
    reporter.start(&Process { service_name: "shop".into(), tags: tags.clone() });
    round(&mut reporter, 1);
    let bytes = agent.receive();
    assert_eq!(Message::decode(Protocol::Compact, &bytes).unwrap().batch.process, Process::new("shop"));

    let mut reporter = UdpReporter::new(&agent.address()).unwrap();
    reporter.start(&Process { service_name: "x".repeat(70_000).into(), tags });
    round(&mut reporter, 2);
    assert_eq!(counts(&reporter), (0, 0, 2, 0));
}

// ------------------------------------------------------------------------------------- over a network of the tests' own

/// What a network of the tests' own is like, and what happened on it.
#[derive(Default)]
struct World {
    now: Duration,
    /// What the name stands for; `None` if it cannot be resolved.
    name: Option<Vec<SocketAddr>>,
    resolutions: Vec<Duration>,
    /// How long a resolution takes.
    resolving: Duration,
    connections: Vec<SocketAddr>,
    /// Nobody listens there.
    down: Vec<SocketAddr>,
    /// A refusal is known only at the next send, as from afar.
    late: bool,
    /// Refusals that wait to be told.
    pending: bool,
    /// The longest datagram that the system takes.
    longest: Option<usize>,
    /// What the next sends say, before anything else.
    next: VecDeque<io::ErrorKind>,
    sends: usize,
    arrived: Vec<(SocketAddr, Vec<u8>)>,
}

#[derive(Clone, Default)]
struct Own(Arc<Mutex<World>>);

struct OwnSocket(SocketAddr, Own);

impl Own {
    fn set(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.0.lock().unwrap());
    }

    fn ask<R>(&self, question: impl FnOnce(&World) -> R) -> R {
        question(&self.0.lock().unwrap())
    }

    /// A reporter on it, whose agent is called so.
    fn reporter(&self) -> UdpReporter {
        started(UdpReporter::with(Address::parse("agent:6831").unwrap(), Box::new(self.clone())))
    }

    /// With an agent there from the start.
    fn with_agent() -> Self {
        let own = Self::default();
        own.set(|world| world.name = Some(vec![place(1)]));
        own
    }

    fn arrived(&self) -> Vec<Vec<u8>> {
        self.ask(|world| world.arrived.iter().map(|(_, bytes)| bytes.clone()).collect())
    }
}

fn place(n: u8) -> SocketAddr {
    ([10, 0, 0, n], 6831).into()
}

impl Network for Own {
    fn now(&self) -> Duration {
        self.ask(|world| world.now)
    }
    fn resolve(&mut self, address: &Address) -> io::Result<Vec<SocketAddr>> {
        assert_eq!(address.to_string(), "agent:6831");
        let mut world = self.0.lock().unwrap();
        let now = world.now;
        world.resolutions.push(now);
        world.now = now + world.resolving;
        world.name.clone().ok_or_else(|| io::Error::other("no such name"))
    }
    fn connect(&mut self, to: SocketAddr) -> io::Result<Box<dyn link::Socket>> {
        self.set(|world| {
            world.connections.push(to);
            world.pending = false;
        });
        Ok(Box::new(OwnSocket(to, self.clone())))
    }
}

impl link::Socket for OwnSocket {
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut world = self.1.0.lock().unwrap();
        world.sends += 1;
        if let Some(kind) = world.next.pop_front() {
            return Err(kind.into());
        }
        if std::mem::take(&mut world.pending) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        if world.longest.is_some_and(|longest| bytes.len() > longest) {
            #[cfg(unix)]
            return Err(rustix::io::Errno::MSGSIZE.into());
            #[cfg(not(unix))]
            return Err(io::Error::from_raw_os_error(10_040));
        }
        match world.down.contains(&self.0) {
            true => world.pending = true,
            false => world.arrived.push((self.0, bytes.to_vec())),
        }
        Ok(bytes.len())
    }
    fn take_error(&self) -> io::Result<Option<io::Error>> {
        let mut world = self.1.0.lock().unwrap();
        let told = !world.late && std::mem::take(&mut world.pending);
        Ok(told.then(|| io::ErrorKind::ConnectionRefused.into()))
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn nothing_is_resolved_before_there_is_something_to_send() {
    let own = Own::with_agent();
    let mut reporter = own.reporter();
    reporter.flush();
    report(&mut reporter, &[span(1, 0, "a", 0, 1)]);
    assert_eq!(own.ask(|world| world.resolutions.len()), 0);
    reporter.flush();
    assert_eq!(own.ask(|world| world.resolutions.len()), 1);
}

#[test]
fn a_name_that_cannot_be_resolved_at_first_is_found_later() {
    let own = Own::default();
    let mut reporter = own.reporter();
    round(&mut reporter, 2);
    assert_eq!(counts(&reporter), (0, 2, 0, 0));
    own.set(|world| world.name = Some(vec![place(1)]));
    round(&mut reporter, 3);
    assert_eq!(counts(&reporter), (0, 5, 0, 0), "asked a moment ago");
    own.set(|world| world.now += SECOND);
    round(&mut reporter, 4);
    assert_eq!(counts(&reporter), (4, 5, 0, 0));
    assert_eq!(own.ask(|world| world.resolutions.clone()), [Duration::ZERO, SECOND]);
}

#[test]
fn a_new_address_is_picked_up_within_thirty_seconds() {
    let own = Own::with_agent();
    let mut reporter = own.reporter();
    round(&mut reporter, 1);
    own.set(|world| world.name = Some(vec![place(2)]));
    own.set(|world| world.now = 29 * SECOND);
    round(&mut reporter, 1);
    own.set(|world| world.now = 30 * SECOND);
    round(&mut reporter, 1);
    let places: Vec<_> = own.ask(|world| world.arrived.iter().map(|(to, _)| *to).collect());
    assert_eq!(places, [place(1), place(1), place(2)]);
    // An address that stays needs no new socket, wherever it stands in the answer.
    own.set(|world| {
        world.name = Some(vec![place(3), place(2)]);
        world.now = 60 * SECOND;
    });
    round(&mut reporter, 1);
    assert_eq!(own.ask(|world| world.connections.clone()), [place(1), place(2)]);
    // Nor does one that the resolver has forgotten for the moment.
    own.set(|world| {
        world.name = None;
        world.now = 90 * SECOND;
    });
    round(&mut reporter, 1);
    assert_eq!(counts(&reporter), (5, 0, 0, 0));
    assert_eq!(own.ask(|world| world.connections.len()), 2);
}

#[test]
fn a_new_address_is_picked_up_after_an_error() {
    let own = Own::with_agent();
    let mut reporter = own.reporter();
    round(&mut reporter, 1);
    own.set(|world| {
        world.down = vec![place(1)];
        world.name = Some(vec![place(2)]);
        world.now = 2 * SECOND;
    });
    round(&mut reporter, 1);
    round(&mut reporter, 1);
    assert_eq!(counts(&reporter), (2, 1, 0, 0));
    assert_eq!(own.ask(|world| world.arrived.last().unwrap().0), place(2));
}

#[test]
fn every_address_of_a_name_is_tried() {
    let own = Own::default();
    own.set(|world| {
        world.name = Some(vec![place(1), place(2)]);
        world.down = vec![place(1)];
    });
    let mut reporter = own.reporter();
    round(&mut reporter, 3);
    assert_eq!(counts(&reporter), (3, 0, 0, 0), "as with localhost, ::1 first and the agent on 127.0.0.1");
    own.set(|world| world.down.push(place(2)));
    round(&mut reporter, 3);
    assert_eq!(counts(&reporter), (3, 3, 0, 0));
    own.set(|world| world.down.clear());
    round(&mut reporter, 3);
    assert_eq!(counts(&reporter), (6, 3, 0, 0));
}

#[test]
fn a_refusal_from_afar_is_for_the_datagram_before_and_this_one_is_sent_again() {
    let own = Own::with_agent();
    let mut reporter = own.reporter();
    own.set(|world| {
        world.down = vec![place(1)];
        world.late = true;
    });
    round(&mut reporter, 2);
    assert_eq!(counts(&reporter), (2, 0, 0, 0), "not known yet");
    own.set(|world| world.down.clear());
    round(&mut reporter, 3);
    assert_eq!(counts(&reporter), (3, 2, 0, 0));
    assert_eq!((own.ask(|world| world.sends), own.arrived().len()), (3, 1));
}

#[test]
fn a_refusal_that_came_in_between_is_seen_at_the_next_flush() {
    let own = Own::with_agent();
    let mut reporter = own.reporter();
    round(&mut reporter, 2);
    own.set(|world| world.pending = true);
    reporter.flush();
    assert_eq!(counts(&reporter), (0, 2, 0, 0));
    reporter.flush();
    assert_eq!(counts(&reporter), (0, 2, 0, 0), "counted once");
}

#[test]
fn a_slow_resolver_is_asked_for_a_tenth_of_the_time_at_most() {
    let own = Own::default();
    own.set(|world| world.resolving = 2 * SECOND);
    let mut reporter = own.reporter();
    while own.ask(|world| world.now) < 120 * SECOND {
        round(&mut reporter, 1);
        own.set(|world| world.now += SECOND);
    }
    let asked = own.ask(|world| world.resolutions.len());
    assert!((5..=6).contains(&asked), "{asked} times 2 s in two minutes");
}

#[test]
fn a_full_buffer_loses_the_datagram_and_nothing_else() {
    let own = Own::with_agent();
    let mut reporter = own.reporter();
    own.set(|world| world.next.push_back(io::ErrorKind::WouldBlock));
    round(&mut reporter, 2);
    round(&mut reporter, 3);
    assert_eq!(counts(&reporter), (3, 2, 0, 0));
    assert_eq!(
        own.ask(|world| (world.sends, world.connections.len())),
        (2, 1),
        "neither tried again nor elsewhere"
    );
}

#[test]
fn other_errors_lose_the_datagram_and_make_a_new_socket() {
    let own = Own::with_agent();
    let mut reporter = own.reporter();
    own.set(|world| world.next.push_back(io::ErrorKind::NetworkUnreachable));
    round(&mut reporter, 2);
    round(&mut reporter, 3);
    assert_eq!(counts(&reporter), (3, 2, 0, 0));
    assert_eq!(own.ask(|world| world.connections.len()), 2);
}

#[test]
fn too_long_for_the_system_means_shorter_ones_and_every_span_once() {
    for longest in [9_216, 9_000, 1_500, 1_300] {
        let own = Own::with_agent();
        own.set(|world| world.longest = Some(longest));
        let mut reporter = own.reporter();
        round(&mut reporter, 3_000);
        assert_eq!(counts(&reporter), (3_000, 0, 0, 0), "{longest}");
        assert_eq!(ids(&own.arrived()), (1..=3_000).collect::<Vec<_>>());
        let refused = own.ask(|world| world.sends) - own.arrived().len();
        round(&mut reporter, 3_000);
        let again = own.ask(|world| world.sends) - own.arrived().len();
        assert_eq!(again, refused, "the limit is remembered");
    }
}

#[test]
fn spans_that_only_a_long_datagram_could_hold_are_dropped_when_it_is_refused() {
    let own = Own::with_agent();
    own.set(|world| world.longest = Some(1_500));
    let mut reporter = own.reporter();
    let name: &'static str = "x".repeat(5_000).leak();
    // Some in the datagram that is refused, some in the one that is being filled then.
    let spans: Vec<_> = (1..=30).map(|id| span(id, 0, if id % 2 == 0 { name } else { "a" }, 0, 1)).collect();
    report(&mut reporter, &spans);
    assert_eq!(counts(&reporter).0 + counts(&reporter).3, 15);
    reporter.flush();
    assert_eq!(counts(&reporter), (15, 0, 15, 0));
    assert_eq!(ids(&own.arrived()), (1..=30).step_by(2).collect::<Vec<_>>());
}

#[test]
fn a_system_that_takes_no_datagram_at_all_drops_them_and_goes_on() {
    let own = Own::with_agent();
    own.set(|world| world.longest = Some(100));
    let mut reporter = own.reporter();
    round(&mut reporter, 2_000);
    assert_eq!(counts(&reporter), (0, 0, 2_000, 0));
}

#[test]
fn whatever_the_network_does_every_span_is_counted_once() {
    // A generator of our own, so that a failure can be had again by its seed.
    let long: &'static str = "x".repeat(2_000).leak();
    for seed in 1..=50u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let own = Own::default();
        let mut reporter = own.reporter();
        let mut reported = 0;
        for _ in 0..60 {
            own.set(|world| {
                world.now += Duration::from_millis(random(20_000));
                world.name = [None, Some(vec![]), Some(vec![place(1)]), Some(vec![place(2), place(1)])]
                    [random(4) as usize]
                    .clone();
                world.down = [vec![], vec![place(1)], vec![place(1), place(2)]][random(3) as usize].clone();
                world.late = random(2) == 0;
                world.longest = [None, Some(9_216), Some(50)][random(3) as usize];
                for _ in 0..random(3) {
                    let kinds = [
                        io::ErrorKind::WouldBlock,
                        io::ErrorKind::NetworkUnreachable,
                        io::ErrorKind::ConnectionRefused,
                    ];
                    world.next.push_back(kinds[random(3) as usize]);
                }
            });
            let count = random(400);
            let name = |id| if id % 40 == 0 { long } else { "work" };
            let spans: Vec<_> =
                (0..count).map(|id| span(id + 1, 0, name(id), 0, 1).tag("text", "some text")).collect();
            report(&mut reporter, &spans);
            reported += count;
            let (sent, failed, dropped, buffered) = counts(&reporter);
            assert_eq!(sent + failed + dropped + buffered, reported, "seed {seed}");
            if random(2) == 0 {
                reporter.flush();
                assert_eq!(counts(&reporter).3, 0, "seed {seed}");
            }
        }
        reporter.close();
        let (sent, failed, dropped, buffered) = counts(&reporter);
        assert_eq!((sent + failed + dropped, buffered), (reported, 0), "seed {seed}");
        assert!(ids(&own.arrived()).len() as u64 <= sent + failed, "seed {seed}");
    }
}
