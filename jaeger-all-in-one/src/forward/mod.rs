//! Sends on what comes in to real collectors and agents, as Jaeger's agent did.
//!
//! - Receivers never wait: a batch is put into a queue for each target; if there is no room, the newest is dropped and counted. All queues together hold at most
//!   [`QUEUE`] bytes, in equal parts, so that a target that is slow or absent takes nothing from another.
//! - One thread a target sends, one thing at a time, each with a deadline. What a target does not take now (429, 502, 503, 504, absent, hanging) is sent again,
//!   later and later, with `Retry-After` honoured, until it is [`GIVE_UP`] old. Any other refusal is final.
//! - Every span offered is in exactly one place for each target: queued, sent, or lost by one [`Loss`]. An answer that is lost on its way may send a batch twice.
//!   UDP does not tell what arrives: sent is what the system took and this machine did not refuse.
//!
//! | file | job |
//! |---|---|
//! | `target` | addresses |
//! | `queue` | what waits for one target, and its counters |
//! | `sender` | the thread: tries, waits, gives up |
//! | `http`, `udp` | one attempt |
//! | `encoded`, `otlp` | a batch as it is sent |
//! | `told` | what is printed of it, and how often |
//!
//! To a collector for Thrift and to an agent a batch goes as it came, since they rewrite it for themselves. To one for OTLP a request that came as OTLP goes on as
//! it came, too; all else is turned into OTLP from Jaeger's form. Left out on purpose: TLS, gRPC, compression: a collector on the same network needs none.

mod encoded;
mod http;
mod otlp;
mod queue;
mod sender;
mod target;
mod told;
mod udp;

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use jaeger_thrift::Batch;

use encoded::Encoded;
pub use queue::Forward;
pub use target::{Address, Target, Way};

/// Bytes of encoded batches that may wait, for all targets together.
pub const QUEUE: usize = 64 << 20;
/// What is this old is not sent again.
pub const GIVE_UP: Duration = Duration::from_secs(5 * 60);
/// How long stopping may send what is queued.
const STOP: Duration = Duration::from_secs(3);

/// Why spans were not sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The queue was full.
    QueueFull,
    /// The collector's answer was final: a 4xx, no answer that this knows, or OTLP's partial success.
    Refused,
    /// Tried until it was too old.
    GaveUp,
    /// No datagram can hold it.
    TooLarge,
    /// The program ended first.
    Stopped,
}

impl Loss {
    /// All of them.
    pub const ALL: [Loss; 5] = [Loss::QueueFull, Loss::Refused, Loss::GaveUp, Loss::TooLarge, Loss::Stopped];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Loss::QueueFull => "queue_full",
            Loss::Refused => "refused",
            Loss::GaveUp => "gave_up",
            Loss::TooLarge => "too_large",
            Loss::Stopped => "stopped",
        }
    }
}

/// What became of the spans that were offered to a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Spans that it took.
    pub sent: u64,
    /// Attempts that failed and were, or will be, made again.
    pub retries: u64,
    /// Spans lost, by [`Loss`].
    pub lost: [u64; Loss::ALL.len()],
    /// Encoded bytes that wait, what is being sent included.
    pub bytes: usize,
}

/// All targets that spans are sent on to; see the module's text.
#[derive(Debug, Default)]
pub struct Forwarding(Vec<Forward>);

impl From<Forward> for Forwarding {
    fn from(one: Forward) -> Self {
        Forwarding(vec![one])
    }
}

impl Forwarding {
    /// Starts sending to these addresses.
    ///
    /// # Errors
    /// `InvalidInput` with a text that names the flag if an address is none that can be sent to, or is there twice; any other if there is no thread to be had.
    ///
    /// ```
    /// use jaeger_all_in_one::forward::Forwarding;
    /// let forwarding = Forwarding::start(&["http://collector".into(), "udp://agent".into()]).unwrap();
    /// assert_eq!(forwarding.targets()[1].target().to_string(), "udp://agent:6831");
    /// assert!(Forwarding::start(&["collector:14268".into()]).unwrap_err().to_string().contains("--forward"));
    /// ```
    pub fn start(addresses: &[Address]) -> io::Result<Forwarding> {
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
        let mut targets: Vec<Target> = Vec::with_capacity(addresses.len());
        for address in addresses {
            let target = Target::new(address).map_err(invalid)?;
            if targets.contains(&target) {
                let twice = "this is given twice, and would get every span twice; leave one of them out";
                return Err(invalid(format!("--forward {address:?}: {twice}")));
            }
            targets.push(target);
        }
        let limit = QUEUE / targets.len().max(1);
        targets
            .into_iter()
            .map(|target| Forward::start(target, limit))
            .collect::<io::Result<_>>()
            .map(Forwarding)
    }

    /// The targets, in the order in which they were given.
    pub fn targets(&self) -> &[Forward] {
        &self.0
    }

    /// Whether somebody takes a batch, or request, in this form.
    pub(crate) fn has(&self, way: Way) -> bool {
        self.0.iter().any(|one| one.target().way == way)
    }

    /// Queues a batch, as it came, for those that take Thrift, or counts it as lost; never waits.
    pub fn offer_as_it_came(&self, batch: &Batch<'_>) {
        self.offer(Way::Thrift, batch.spans.len(), || Encoded::thrift(batch));
        self.offer(Way::Udp, batch.spans.len(), || Encoded::datagrams(batch));
    }

    /// The same in Jaeger's form, for those that take OTLP.
    pub fn offer_rewritten(&self, batch: &Batch<'_>) {
        self.offer(Way::Otlp, batch.spans.len(), || Encoded::one(otlp::encode(batch), batch.spans.len()));
    }

    /// The same for a whole request of so many spans that came as OTLP, as it came.
    pub(crate) fn offer_request(&self, spans: usize, body: impl FnOnce() -> Vec<u8>) {
        let mut body = Some(body);
        self.offer(Way::Otlp, spans, || {
            // Encoded once, however many take it.
            let body = body.take().map(|body| body()).unwrap_or_default();
            Encoded::one(body.into(), spans)
        });
    }

    /// Encodes once for all that take it in one way, and not at all for those that have no room.
    fn offer(&self, way: Way, spans: usize, mut encode: impl FnMut() -> Encoded) {
        if spans == 0 {
            return;
        }
        let mut encoded = None;
        for one in self.0.iter().filter(|one| one.target().way == way) {
            if one.has_room(spans as u64) {
                one.put(encoded.get_or_insert_with(&mut encode));
            }
        }
    }

    /// Sends what is queued for at most three seconds, without trying anything twice; what is left is counted as lost. Returns how many spans were lost in all.
    pub fn stop(&self) -> u64 {
        for one in &self.0 {
            one.begin_to_stop();
        }
        let until = Instant::now() + STOP;
        for one in &self.0 {
            one.end(until.saturating_duration_since(Instant::now()));
        }
        self.0.iter().flat_map(|one| one.counts().lost).sum()
    }

    /// Appends the counters of all targets in Prometheus' text format.
    pub fn write_prometheus(&self, to: &mut String) {
        if self.0.is_empty() {
            return;
        }
        let all: Vec<(String, Counts)> = self
            .0
            .iter()
            .map(|one| {
                let target = one.target().to_string().replace('\\', "\\\\").replace('"', "\\\"");
                (format!("target=\"{target}\""), one.counts())
            })
            .collect();
        let mut put = |name, kind, help, value: &dyn Fn(&Counts) -> Vec<(String, u64)>| {
            // Writing to a String does not fail.
            let _ = writeln!(to, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (target, counts) in &all {
                for (label, value) in value(counts) {
                    let _ = writeln!(to, "{name}{{{target}{label}}} {value}");
                }
            }
        };
        let one = |value| vec![(String::new(), value)];
        put("jaeger_forward_sent_spans_total", "counter", "Spans the target took.", &|it| one(it.sent));
        put("jaeger_forward_lost_spans_total", "counter", "Spans not sent on.", &|it| {
            Loss::ALL.map(|loss| (format!(",cause=\"{}\"", loss.name()), it.lost[loss as usize])).into()
        });
        put("jaeger_forward_retries_total", "counter", "Attempts made again.", &|it| one(it.retries));
        put("jaeger_forward_queue_bytes", "gauge", "Bytes that wait.", &|it| one(it.bytes as u64));
    }
}
