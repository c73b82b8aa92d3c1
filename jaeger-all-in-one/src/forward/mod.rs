//! Sends on what comes in to a real collector, as Jaeger's agent did: every batch as it came, by HTTP as binary Thrift.
//!
//! - Receivers never wait: a batch is put into a queue bounded by bytes; if there is no room, the newest is dropped and counted.
//! - One thread sends, a request at a time, each with a deadline; of an answer's body it reads little. A full or slow collector (429, 502, 503, 504) and one that
//!   is not there are asked again, later and later, with `Retry-After` honoured, until the batch is [`GIVE_UP`] old. Any other refusal is final for its batch.
//! - Every span offered is in exactly one place: queued, sent, or lost by one [`Loss`]. An answer that is lost on its way may send a batch twice.
//!
//! Left out on purpose: TLS, UDP and OTLP; a collector takes Thrift on 14268.

mod target;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::http::header;
use jaeger_thrift::{Batch, Protocol};

pub use target::target;

/// Bytes of encoded batches that may wait.
const QUEUE: usize = 64 << 20;
/// A whole exchange, from connecting to the end of the answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// What is read of an answer, so that the connection can be used again.
const ANSWER: u64 = 4 << 10;
/// The first wait before a batch is sent again; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait that is not asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A batch this old is not sent again.
pub const GIVE_UP: Duration = Duration::from_secs(5 * 60);
/// How long stopping may send what is queued.
const STOP: Duration = Duration::from_secs(3);

/// Why spans were not sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The queue was full.
    QueueFull,
    /// The collector's answer was final: a 4xx, or no answer that this knows.
    Refused,
    /// Tried until the batch was too old.
    GaveUp,
    /// The program ended first.
    Stopped,
}

impl Loss {
    /// All of them.
    pub const ALL: [Loss; 4] = [Loss::QueueFull, Loss::Refused, Loss::GaveUp, Loss::Stopped];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Loss::QueueFull => "queue_full",
            Loss::Refused => "refused",
            Loss::GaveUp => "gave_up",
            Loss::Stopped => "stopped",
        }
    }
}

/// Sends on; see the module's text.
#[derive(Debug)]
pub struct Forward {
    shared: Arc<Shared>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Something is queued, or it is to stop, or it has ended.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Item>,
    /// The spans of the batch that is being sent; whoever takes them out counts them.
    sending: Option<u64>,
    /// Encoded bytes queued and being sent.
    bytes: usize,
    sent: u64,
    retries: u64,
    lost: [u64; Loss::ALL.len()],
    stopping: bool,
    ended: bool,
}

#[derive(Debug)]
struct Item {
    body: Vec<u8>,
    spans: u64,
    since: Instant,
}

/// What an attempt came to.
enum Outcome {
    Taken,
    /// Not now: why, and how long the collector wants to be left alone.
    Later(String, Option<Duration>),
    Never(String),
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is done under the lock that could leave it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forward {
    /// Starts sending to a collector's address; what may be left out of it is filled in ([`target`]).
    ///
    /// # Errors
    /// `InvalidInput` with a text that names the flag if the address is none that can be sent to; any other if there is no thread to be had.
    ///
    /// ```
    /// use jaeger_all_in_one::forward::Forward;
    /// assert!(Forward::start("http://collector").is_ok());
    /// assert!(Forward::start("collector:14268").unwrap_err().to_string().contains("--forward"));
    /// ```
    pub fn start(url: &str) -> io::Result<Forward> {
        Self::with_queue(url, QUEUE)
    }

    /// The same with a queue of so many bytes.
    ///
    /// # Errors
    /// As [`Forward::start`].
    pub fn with_queue(url: &str, limit: usize) -> io::Result<Forward> {
        let url = target(url).map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let shared = Arc::new(Shared::default());
        let sender = Sender { shared: Arc::clone(&shared), http: agent(), url, failing: false, told: 0 };
        std::thread::Builder::new().name("jaeger-forward".to_owned()).spawn(move || sender.run())?;
        Ok(Forward { shared, limit })
    }

    /// Queues a batch, or counts it as lost; never waits.
    pub fn offer(&self, batch: &Batch<'_>) {
        let spans = batch.spans.len() as u64;
        if spans == 0 {
            return;
        }
        let full = |state: &State| match () {
            () if state.stopping => Some(Loss::Stopped),
            () if state.bytes >= self.limit => Some(Loss::QueueFull),
            () => None,
        };
        {
            let mut state = self.shared.state();
            // Looked at first, so that what has no room is not encoded.
            if let Some(loss) = full(&state) {
                state.lost[loss as usize] += spans;
                return;
            }
        }
        let mut body = Vec::new();
        batch.encode_into(Protocol::Binary, &mut body);
        body.shrink_to_fit();
        let mut state = self.shared.state();
        let over = state.bytes.saturating_add(body.len()) > self.limit;
        if let Some(loss) = full(&state).or(over.then_some(Loss::QueueFull)) {
            state.lost[loss as usize] += spans;
            return;
        }
        state.bytes += body.len();
        state.queue.push_back(Item { body, spans, since: Instant::now() });
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Sends what is queued for at most three seconds, without trying anything twice; what is left is counted as lost. Returns how many spans were lost in all.
    pub fn stop(&self) -> u64 {
        let mut state = self.shared.state();
        state.stopping = true;
        self.shared.changed.notify_all();
        let waited = self.shared.changed.wait_timeout_while(state, STOP, |state| !state.ended);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        // If it hangs in a request it ends with that, and finds nothing left.
        state.end();
        state.lost.iter().sum()
    }

    /// Spans that the collector took.
    pub fn sent(&self) -> u64 {
        self.shared.state().sent
    }

    /// Spans lost by a cause.
    pub fn lost(&self, loss: Loss) -> u64 {
        self.shared.state().lost[loss as usize]
    }

    /// Attempts that failed and were, or will be, made again.
    pub fn retries(&self) -> u64 {
        self.shared.state().retries
    }

    /// Encoded bytes that wait, what is being sent included.
    pub fn queued_bytes(&self) -> usize {
        self.shared.state().bytes
    }

    /// Appends its counters in Prometheus' text format.
    pub fn write_prometheus(&self, to: &mut String) {
        let state = self.shared.state();
        let mut put = |name, kind, help, lines: &[(String, u64)]| {
            let _ = writeln!(to, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(to, "{name}{labels} {value}");
            }
        };
        let one = |value| [(String::new(), value)];
        put("jaeger_forward_sent_spans_total", "counter", "Spans the collector took.", &one(state.sent));
        let lost =
            Loss::ALL.map(|loss| (format!("{{cause=\"{}\"}}", loss.name()), state.lost[loss as usize]));
        put("jaeger_forward_lost_spans_total", "counter", "Spans not sent on.", &lost);
        put("jaeger_forward_retries_total", "counter", "Attempts made again.", &one(state.retries));
        put("jaeger_forward_queue_bytes", "gauge", "Bytes that wait.", &one(state.bytes as u64));
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.stop();
    }
}

impl State {
    /// Counts what is left as lost.
    fn end(&mut self) {
        let left = self.queue.drain(..).map(|item| item.spans).sum::<u64>();
        self.lost[Loss::Stopped as usize] += left + self.sending.take().unwrap_or(0);
        self.bytes = 0;
        self.ended = true;
    }
}

/// The thread that sends.
struct Sender {
    shared: Arc<Shared>,
    http: ureq::Agent,
    url: String,
    /// Whether the last attempt failed; it is told when that changes.
    failing: bool,
    /// Losses that were told.
    told: u64,
}

impl Sender {
    fn run(mut self) {
        while let Some(item) = self.next() {
            let spans = item.spans;
            let size = item.body.len();
            let result = self.deliver(item);
            let mut state = self.shared.state();
            // Stopping may have counted it already.
            if state.sending.take().is_some() {
                state.bytes = state.bytes.saturating_sub(size);
                match result {
                    Ok(()) => state.sent += spans,
                    Err(loss) => state.lost[loss as usize] += spans,
                }
            }
            drop(state);
            self.tell_losses();
            if matches!(result, Err(Loss::Stopped)) {
                break;
            }
        }
        self.shared.state().end();
        self.shared.changed.notify_all();
    }

    /// The next batch; `None` when it is to stop and nothing is queued.
    fn next(&self) -> Option<Item> {
        let state = self.shared.state();
        let idle = |state: &mut State| state.queue.is_empty() && !state.stopping;
        let mut state = self.shared.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        let item = state.queue.pop_front()?;
        state.sending = Some(item.spans);
        Some(item)
    }

    /// Tries until it is taken, refused or too old.
    fn deliver(&mut self, item: Item) -> Result<(), Loss> {
        let mut wait = FIRST_WAIT;
        loop {
            let (why, asked) = match self.attempt(&item.body) {
                Outcome::Taken => {
                    self.recovered();
                    return Ok(());
                }
                Outcome::Never(why) => {
                    // It answers, so it is there; but what it refuses is lost, which is told with the reason.
                    self.failed(&why);
                    return Err(Loss::Refused);
                }
                Outcome::Later(why, asked) => (why, asked),
            };
            self.failed(&why);
            self.tell_losses();
            let pause = asked.unwrap_or_default().max(jittered(wait));
            wait = (wait * 2).min(LONGEST_WAIT);
            let mut state = self.shared.state();
            if state.stopping {
                return Err(Loss::Stopped);
            }
            if item.since.elapsed() + pause > GIVE_UP {
                return Err(Loss::GaveUp);
            }
            state.retries += 1;
            let waited = self.shared.changed.wait_timeout_while(state, pause, |state| !state.stopping);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            // At the end there is one more attempt, unless the collector asked to be left alone.
            if state.ended || (state.stopping && asked.is_some()) {
                return Err(Loss::Stopped);
            }
        }
    }

    fn attempt(&self, body: &[u8]) -> Outcome {
        let request = self.http.post(&self.url).header("Content-Type", "application/x-thrift");
        let mut answer = match request.send(body) {
            Ok(answer) => answer,
            Err(error) => return Outcome::Later(error.to_string(), None),
        };
        let status = answer.status().as_u16();
        let asked =
            answer.headers().get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?));
        // What does not come in time, or is too long, costs the connection and nothing else.
        let text = answer.body_mut().with_config().limit(ANSWER).read_to_vec().unwrap_or_default();
        match status {
            200..=299 => Outcome::Taken,
            429 | 502 | 503 | 504 => Outcome::Later(format!("it answers {status}"), asked),
            _ => {
                let text = String::from_utf8_lossy(&text);
                let line: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
                Outcome::Never(format!("it answers {status} {line:?}"))
            }
        }
    }

    fn failed(&mut self, why: &str) {
        if !self.failing {
            self.failing = true;
            eprintln!("jaeger-all-in-one: {} does not take spans: {why}", self.url);
        }
    }

    fn recovered(&mut self) {
        if self.failing {
            self.tell_losses();
            self.failing = false;
            eprintln!("jaeger-all-in-one: {} takes spans again; lost so far: {}", self.url, self.told);
        }
    }

    /// Tells the first loss; the counters tell the others.
    fn tell_losses(&mut self) {
        let lost = self.shared.state().lost;
        let all = lost.iter().sum();
        if self.told == 0 && all > 0 {
            let causes = Loss::ALL.into_iter().filter(|loss| lost[*loss as usize] > 0).map(Loss::name);
            let causes = causes.collect::<Vec<_>>().join(", ");
            eprintln!(
                "jaeger-all-in-one: {all} spans were not sent on ({causes}); /metrics counts what follows"
            );
        }
        self.told = all;
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(DEADLINE))
        .http_status_as_error(false)
        // A redirect turns the request into another one.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .build()
        .into()
}

/// Between half of it and all of it, so that many do not come back at once.
fn jittered(wait: Duration) -> Duration {
    // Every such state has other keys.
    let random = RandomState::new().hash_one(0) >> 32;
    wait / 2 + (wait / 2).mul_f64(random as f64 / f64::from(u32::MAX))
}

/// The header's value: seconds, or a date.
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = time::OffsetDateTime::parse(value, &time::format_description::well_known::Rfc2822).ok()?;
    Some(SystemTime::from(date).duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO), "it is past");
        assert!(retry_after("Wed, 21 Oct 2995 07:28:00 GMT").is_some_and(|wait| wait > GIVE_UP));
        assert_eq!(retry_after("soon"), None);
    }

    #[test]
    fn waits_are_spread() {
        let waits: Vec<_> = (0..50).map(|_| jittered(LONGEST_WAIT)).collect();
        assert!(waits.iter().all(|wait| (LONGEST_WAIT / 2..=LONGEST_WAIT).contains(wait)));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
