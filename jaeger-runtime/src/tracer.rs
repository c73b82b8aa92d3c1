//! The tracer as users see it: a builder, and a handle that flushes and ends on drop.
//!
//! Set-up is the only place of this crate where something can fail, so everything that can be wrong is looked at here and said with the setting's name. What code sets wins over the
//! environment, the environment over the defaults; [`Builder::from_env`] turns the first two round.

use crate::clock;
use crate::collector::{self, Life, Setup, Stats};
use crate::config::{LONGEST_INTERVAL, SHORTEST_INTERVAL, Settings};
use crate::error::Error;
use crate::event_log::format::MAX_VALUE_BYTES;
use crate::event_log::registry;
use crate::global::{self, Shared};
use crate::process;
use crate::report::{self, ConsoleReporter, Fanout, LogReporter, Reporter, UdpReporter};
use crate::sampler::{Decider, Sampler};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The name of the collector's thread.
const COLLECTOR: &str = "jaeger-collector";
/// How long a dropped [`Tracer`] waits for its last spans to be sent.
const DROP_DEADLINE: Duration = Duration::from_secs(5);
/// Open spans in the collector.
const DEFAULT_COLLECTOR_BYTES: usize = 64 << 20;
/// Spans on their way to one reporter.
const DEFAULT_REPORTER_BYTES: usize = 16 << 20;

/// The installed tracer. Recording ends when it is dropped, after what was recorded has been sent (5 seconds at most; not at all if [`Tracer::shutdown`] was called before).
///
/// ```
/// use jaeger_runtime::{Tracer, traced};
/// use jaeger_runtime::report::MemoryReporter;
/// use std::time::Duration;
///
/// #[traced]
/// fn greet(name: &str) -> String {
///     format!("Hello {name}")
/// }
///
/// # fn main() -> Result<(), jaeger_runtime::Error> {
/// let memory = MemoryReporter::new();
/// let tracer = Tracer::builder("greeter").reporter(memory.clone()).install()?;
/// greet("Ada");
/// let stats = tracer.flush(Duration::from_secs(5))?;
/// assert_eq!((stats.started, stats.finished), (1, 1));
/// assert_eq!(memory.spans()[0].operation_name, "greet");
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "recording ends when the tracer is dropped; keep it until the end of main"]
pub struct Tracer {
    /// False for a tracer that the environment has disabled.
    on: bool,
    /// A shutdown was asked for; whoever did so was told what came of it.
    ended: AtomicBool,
}

impl Tracer {
    /// Starts the set-up of the tracer of this process for a service of that name.
    pub fn builder(service: impl Into<String>) -> Builder {
        Builder::new(service.into())
    }

    /// Reports and sends what has ended so far. What has finished before the call is with the reporters when it returns.
    ///
    /// # Errors
    /// The deadline passed (a reporter hangs or the network is slow), or it was called in a forked child or from a reporter.
    pub fn flush(&self, deadline: Duration) -> Result<Stats, Error> {
        match self.shared() {
            Some(shared) => shared.flush(deadline),
            None => Ok(Stats::default()),
        }
    }

    /// Ends recording and sends what was recorded. Spans that are still open are counted as unfinished. A second call returns the same at once.
    ///
    /// # Errors
    /// As [`Tracer::flush`].
    pub fn shutdown(&self, deadline: Duration) -> Result<Stats, Error> {
        let Some(shared) = self.shared() else { return Ok(Stats::default()) };
        let result = shared.shutdown(deadline);
        if !matches!(result, Err(Error::FromReporter { .. })) {
            self.ended.store(true, Relaxed);
        }
        result
    }

    /// What became of the spans, as of the collector's last round; what the threads themselves had to leave out (`log_full`, `no_log`), as of now.
    pub fn stats(&self) -> Stats {
        self.shared().map_or_else(Stats::default, Shared::stats)
    }

    fn new(on: bool) -> Self {
        Self { on, ended: AtomicBool::new(false) }
    }

    fn shared(&self) -> Option<&'static Shared> {
        if self.on { global::shared() } else { None }
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        if *self.ended.get_mut() {
            // It is done, or goes on in the background; either way it was not to take longer than it was given.
            return;
        }
        if let Err(error) = self.shutdown(DROP_DEADLINE) {
            log::warn!(target: "jaeger", "the last spans may not have been sent: {error}");
        }
    }
}

/// Below this no thread would find a log.
const MIN_BYTES: usize = 1 << 18;
/// More than this is no bound (1 TiB where addresses have 64 bits).
const MAX_BYTES: usize = if usize::BITS >= 64 { 1 << 40 } else { 1 << 30 };
/// The longest service name in bytes; a datagram has to hold it beside the spans.
const MAX_SERVICE_NAME: usize = 500;

/// Settings of the tracer, made by [`Tracer::builder`].
#[must_use = "nothing is traced until `install` is called"]
pub struct Builder {
    service: String,
    set: Settings,
    environment_wins: bool,
    agent: Option<String>,
    max_packet_size: Option<usize>,
    console: bool,
    reporters: Vec<Box<dyn Reporter>>,
    max_value_len: usize,
    polls: bool,
    log_bytes: usize,
    collector_bytes: usize,
    reporter_bytes: usize,
}

impl Builder {
    fn new(service: String) -> Self {
        Self {
            service,
            set: Settings::default(),
            environment_wins: false,
            agent: None,
            max_packet_size: None,
            console: false,
            reporters: Vec::new(),
            max_value_len: 256,
            polls: false,
            log_bytes: registry::DEFAULT_BUDGET,
            collector_bytes: DEFAULT_COLLECTOR_BYTES,
            reporter_bytes: DEFAULT_REPORTER_BYTES,
        }
    }

    /// Which traces are recorded. Default: `JAEGER_SAMPLER_TYPE` and `JAEGER_SAMPLER_PARAM`, else all of them.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.set.sampler = Some(sampler);
        self
    }

    /// Sends spans to the Jaeger agent at `host:port` (UDP, Thrift compact). Default, unless another reporter was given: `JAEGER_AGENT_HOST` and `JAEGER_AGENT_PORT`, else `127.0.0.1:6831`.
    pub fn agent(mut self, address: impl Into<String>) -> Self {
        self.agent = Some(address.into());
        self
    }

    /// The most bytes of a datagram to the agent, with everything that is in it, 1,024 to 65,507. Default 65,000, which is what agents accept; give less where the network carries less. A span
    /// that is larger gives up its largest tags and says so. It holds for wherever the agent is, also by `JAEGER_AGENT_HOST`.
    pub fn max_packet_size(mut self, bytes: usize) -> Self {
        self.max_packet_size = Some(bytes);
        self
    }

    /// Also writes one line for each span to the application's log (crate `log`, target `jaeger`). Default: `JAEGER_REPORTER_LOG_SPANS`.
    pub fn log_spans(mut self, on: bool) -> Self {
        self.set.log_spans = Some(on);
        self
    }

    /// Also draws each finished trace on the terminal.
    pub fn console(mut self) -> Self {
        self.console = true;
        self
    }

    /// Gives every span to `reporter` too. The agent is then only sent to if [`Builder::agent`] was called.
    pub fn reporter(mut self, reporter: impl Reporter + 'static) -> Self {
        self.reporters.push(Box::new(reporter));
        self
    }

    /// Adds a tag to the process, shown with every span of it.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.set.tags.push((key.into(), value.into()));
        self
    }

    /// The most bytes kept of one recorded value; longer text ends in `…`. Default 256, at most 4,095.
    pub fn max_value_len(mut self, bytes: usize) -> Self {
        self.max_value_len = bytes;
        self
    }

    /// Counts and times the polls of every annotated async function, as `#[traced(polls)]` does for one: tags `polls`, `busy_us` (microseconds inside them) and `idle_us` (the rest of the span).
    /// Default off, because each poll then costs two time stamps and an event.
    ///
    /// ```
    /// use jaeger_runtime::{Tracer, traced};
    /// use jaeger_runtime::report::MemoryReporter;
    ///
    /// #[traced]
    /// async fn wait() {
    ///     tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), jaeger_runtime::Error> {
    /// let memory = MemoryReporter::new();
    /// let tracer = Tracer::builder("waits").polls(true).reporter(memory.clone()).install()?;
    /// wait().await;
    /// tracer.flush(std::time::Duration::from_secs(5))?;
    /// let spans = memory.spans();
    /// assert!(spans[0].tags.iter().any(|tag| tag.key == "idle_us"));
    /// # Ok(()) }
    /// ```
    pub fn polls(mut self, on: bool) -> Self {
        self.polls = on;
        self
    }

    /// How long a finished span may wait before it is sent, 1 ms to 24 h. Default: `JAEGER_REPORTER_FLUSH_INTERVAL`, else one second.
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.set.flush_interval = Some(interval);
        self
    }

    /// Trace ids of 128 bits, or of 64 for old systems. Default: `JAEGER_TRACEID_128BIT`, else 128.
    pub fn trace_id_128bit(mut self, on: bool) -> Self {
        self.set.trace_id_128bit = Some(on);
        self
    }

    /// The most bytes for the logs of all threads together. Default 96 MiB.
    ///
    /// The first eight threads that record have a log of a twenty-fourth of it, 4 MiB at most, which holds the 30,000 spans that 10,000 tasks open at once; those after them one of 512 KiB by default, less as the budget
    /// goes to its end, 1 MiB at most. A log that a thread leaves behind is the next one's, the largest first. Only what was written is resident: a log whose spans are read as they come keeps to its first half MiB, however large it is.
    pub fn log_bytes(mut self, bytes: usize) -> Self {
        self.log_bytes = bytes;
        self
    }

    /// The most bytes that the collector holds for open spans. Default 64 MiB.
    pub fn collector_bytes(mut self, bytes: usize) -> Self {
        self.collector_bytes = bytes;
        self
    }

    /// The most bytes of finished spans that wait for one reporter that is slower than they come (other than the agent, which never makes them wait). Past that its spans are dropped and
    /// counted as `dropped` for it; other reporters do not notice. Default 16 MiB, some 50,000 small spans.
    pub fn reporter_bytes(mut self, bytes: usize) -> Self {
        self.reporter_bytes = bytes;
        self
    }

    /// Lets the `JAEGER_…` variables win over what was set in code; without it they fill in what was not set.
    pub fn from_env(mut self) -> Self {
        self.environment_wins = true;
        self
    }

    /// Installs the tracer of this process and starts to record.
    ///
    /// # Errors
    /// A setting or variable has a value that cannot be; a tracer is installed already; or the collector's thread could not be started. Nothing is recorded then, and the
    /// annotated functions run as if there were no tracer.
    pub fn install(self) -> Result<Tracer, Error> {
        let environment = Settings::from_env()?;
        let Some(plan) = self.plan(environment)? else { return Ok(Tracer::new(false)) };
        let mut reporters = self.reporters;
        if let Some(address) = &plan.agent {
            let agent = UdpReporter::new(address)?;
            let agent = match self.max_packet_size {
                Some(bytes) => agent.datagram_limit(bytes)?,
                None => agent,
            };
            reporters.insert(0, Box::new(agent));
        }
        if plan.log_spans {
            reporters.push(Box::new(LogReporter::new()));
        }
        if self.console {
            reporters.push(Box::new(ConsoleReporter::new()));
        }
        let Plan { service, tags, sampler, trace_id_128, flush_interval, .. } = plan;
        let process = process::describe(&service, &tags);
        let origins = vec![sampler.origin()];
        global::install(self.max_value_len, self.polls, || {
            clock::prepare();
            registry::configure(self.log_bytes, self.max_value_len);
            let (control, inbox) = channel();
            let stats = Arc::new(Mutex::new(Stats::default()));
            let life = Arc::new(Life::default());
            let setup = Setup {
                reporters: Fanout::new(reporters, &process, self.reporter_bytes)?,
                process,
                flush_interval,
                budget: self.collector_bytes,
                origins,
                control: inbox,
                stats: stats.clone(),
                life: life.clone(),
            };
            let collector = thread::Builder::new()
                .name(COLLECTOR.into())
                .spawn(move || collector::run(setup))
                .map_err(|source| Error::Spawn { thread: COLLECTOR, source })?;
            let collector = collector.thread().clone();
            Ok(Shared {
                sampler,
                trace_id_128,
                control,
                collector,
                stats,
                life,
                process_id: std::process::id(),
            })
        })?;
        Ok(Tracer::new(true))
    }

    /// What code and environment come to, without touching anything; `None` if tracing is disabled.
    fn plan(&self, environment: Settings) -> Result<Option<Plan>, Error> {
        let names_agent = environment.agent_host.is_some() || environment.agent_port.is_some();
        let code = self.set.clone();
        let set = if self.environment_wins { environment.or(code) } else { code.or(environment) };
        if set.disabled == Some(true) {
            return Ok(None);
        }
        let service = match &set.service_name {
            Some(name) if self.environment_wins || self.service.is_empty() => name.clone(),
            _ => self.service.clone(),
        };
        if service.trim().is_empty() {
            let advice = "pass one to `Tracer::builder` or set JAEGER_SERVICE_NAME";
            return Err(Error::setting("service name", &service, "a name", advice));
        }
        if service.len() > MAX_SERVICE_NAME {
            return Err(Error::setting("service name", &service, "at most 500 bytes", "give a shorter one"));
        }
        if let Some((_, value)) = set.tags.iter().find(|(key, _)| key.trim().is_empty()) {
            let given = format!("={value}");
            return Err(Error::setting("tag", &given, "a key and a value", "give the tag a key"));
        }
        if !(16..=MAX_VALUE_BYTES).contains(&self.max_value_len) {
            let given = self.max_value_len.to_string();
            return Err(Error::setting(
                "max_value_len",
                &given,
                "16 to 4095 bytes",
                "give a bound in that range",
            ));
        }
        if let Some(bytes) = self.max_packet_size {
            report::check_limit("max_packet_size", bytes)?;
        }
        for (name, bytes) in [
            ("log_bytes", self.log_bytes),
            ("collector_bytes", self.collector_bytes),
            ("reporter_bytes", self.reporter_bytes),
        ] {
            if !(MIN_BYTES..=MAX_BYTES).contains(&bytes) {
                let expected = format!("{MIN_BYTES} to {MAX_BYTES} bytes");
                let advice = "give a bound in that range, or leave it at its default";
                return Err(Error::setting(name, &bytes.to_string(), expected, advice));
            }
        }
        let flush_interval = set.flush_interval.unwrap_or(Duration::from_secs(1));
        if !(SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&flush_interval) {
            let given = format!("{flush_interval:?}");
            let advice = "give one in that range, such as 1 s; a flush by hand is `Tracer::flush`";
            return Err(Error::setting("flush_interval", &given, "1 ms to 24 h", advice));
        }
        let code_says_where = self.agent.is_some() || !self.reporters.is_empty();
        if let Some((variable, value)) = &set.elsewhere {
            if self.environment_wins || !code_says_where {
                let advice = "spans cannot be sent to a collector over HTTP yet: unset it, and name an agent with JAEGER_AGENT_HOST and JAEGER_AGENT_PORT";
                return Err(Error::variable(variable, value, "to be unset", advice));
            }
            log::warn!(target: "jaeger", "{variable} is set, but the program says itself where its spans go, so it is ignored");
        }
        let agent = match &self.agent {
            Some(_) if self.environment_wins && names_agent => Some(set.agent_address()),
            Some(address) => Some(address.clone()),
            // A reporter of the user's own stands in for the default, not beside it.
            None => self.reporters.is_empty().then(|| set.agent_address()),
        };
        Ok(Some(Plan {
            service,
            sampler: set.sampler.as_ref().unwrap_or(&Sampler::Const(true)).build()?,
            trace_id_128: set.trace_id_128bit.unwrap_or(true),
            flush_interval,
            agent,
            log_spans: set.log_spans == Some(true),
            tags: set.tags,
        }))
    }
}

/// Everything decided.
struct Plan {
    service: String,
    tags: Vec<(String, String)>,
    sampler: Decider,
    trace_id_128: bool,
    flush_interval: Duration,
    agent: Option<String>,
    log_spans: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::MemoryReporter;

    fn environment(variables: &'static [(&'static str, &'static str)]) -> Settings {
        let lookup =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into());
        Settings::from_lookup(&lookup).unwrap()
    }

    fn plan(builder: Builder, variables: &'static [(&'static str, &'static str)]) -> Plan {
        builder.plan(environment(variables)).unwrap().unwrap()
    }

    const EVERYTHING: &[(&str, &str)] = &[
        ("JAEGER_SERVICE_NAME", "from-env"),
        ("JAEGER_AGENT_HOST", "agent.example"),
        ("JAEGER_AGENT_PORT", "16831"),
        ("JAEGER_SAMPLER_TYPE", "const"),
        ("JAEGER_SAMPLER_PARAM", "0"),
        ("JAEGER_REPORTER_LOG_SPANS", "true"),
        ("JAEGER_REPORTER_FLUSH_INTERVAL", "250ms"),
        ("JAEGER_TRACEID_128BIT", "false"),
        ("JAEGER_TAGS", "zone=a"),
    ];

    #[test]
    fn defaults_without_code_and_environment() {
        let plan = plan(Tracer::builder("shop"), &[]);
        assert_eq!((plan.service.as_str(), plan.agent.as_deref()), ("shop", Some("127.0.0.1:6831")));
        assert_eq!(
            (plan.flush_interval, plan.log_spans, plan.trace_id_128),
            (Duration::from_secs(1), false, true)
        );
        assert!(plan.sampler.sample(u64::MAX, || "any").sampled);
    }

    #[test]
    fn the_environment_fills_in_what_code_left_out() {
        let plan = plan(Tracer::builder("shop").tag("zone", "b"), EVERYTHING);
        assert_eq!((plan.service.as_str(), plan.agent.as_deref()), ("shop", Some("agent.example:16831")));
        assert_eq!(
            (plan.flush_interval, plan.log_spans, plan.trace_id_128),
            (Duration::from_millis(250), true, false)
        );
        assert!(!plan.sampler.sample(1, || "any").sampled);
        assert!(plan.tags.contains(&("zone".into(), "b".into())), "{:?}", plan.tags);
    }

    #[test]
    fn code_wins_unless_it_lets_the_environment_win() {
        let builder = || {
            let builder =
                Tracer::builder("shop").agent("10.0.0.1:1").sampler(Sampler::Const(true)).log_spans(false);
            builder.flush_interval(Duration::from_secs(5)).trace_id_128bit(true)
        };
        let code = plan(builder(), EVERYTHING);
        assert_eq!((code.service.as_str(), code.agent.as_deref()), ("shop", Some("10.0.0.1:1")));
        assert_eq!(
            (code.flush_interval, code.log_spans, code.trace_id_128),
            (Duration::from_secs(5), false, true)
        );
        let environment = plan(builder().from_env(), EVERYTHING);
        assert_eq!(
            (environment.service.as_str(), environment.agent.as_deref()),
            ("from-env", Some("agent.example:16831"))
        );
        assert_eq!((environment.log_spans, environment.trace_id_128), (true, false));
        assert_eq!(plan(builder().from_env(), &[]).agent.as_deref(), Some("10.0.0.1:1"));
    }

    #[test]
    fn a_reporter_stands_in_for_the_agent_unless_that_is_asked_for_too() {
        let reporter = MemoryReporter::new();
        assert_eq!(plan(Tracer::builder("shop").reporter(reporter.clone()), &[]).agent, None);
        let both = Tracer::builder("shop").reporter(reporter).agent("10.0.0.1:1");
        assert_eq!(plan(both, &[]).agent.as_deref(), Some("10.0.0.1:1"));
    }

    #[test]
    fn spans_that_were_meant_for_a_collector_are_not_sent_elsewhere_without_a_word() {
        const ENDPOINT: &[(&str, &str)] = &[("JAEGER_ENDPOINT", "http://collector:14268/api/traces")];
        let said = |builder: Builder, variables| {
            builder.plan(environment(variables)).map(|_| ()).unwrap_err().to_string()
        };
        let message = said(Tracer::builder("s"), ENDPOINT);
        let start = "JAEGER_ENDPOINT is \"http://collector:14268/api/traces\", expected to be unset";
        assert!(message.starts_with(start) && message.contains("JAEGER_AGENT_HOST"), "{message}");
        let with_agent = || Tracer::builder("s").agent("10.0.0.1:1");
        assert!(said(with_agent().from_env(), ENDPOINT).starts_with("JAEGER_ENDPOINT"));
        assert!(said(Tracer::builder("s"), &[("JAEGER_USER", "ada")]).contains("JAEGER_USER is \"ada\""));
        for secret in [&[("JAEGER_PASSWORD", "hunter2")], &[("JAEGER_AUTH_TOKEN", "hunter2")]] {
            let message = said(Tracer::builder("s"), secret);
            assert!(message.starts_with(secret[0].0) && !message.contains("hunter2"), "{message}");
        }
        // Code that says where means it; an empty variable is as good as unset; and nothing stands in the way of disabling.
        assert_eq!(plan(with_agent(), ENDPOINT).agent.as_deref(), Some("10.0.0.1:1"));
        assert_eq!(plan(Tracer::builder("s").reporter(MemoryReporter::new()), ENDPOINT).agent, None);
        plan(Tracer::builder("s"), &[("JAEGER_ENDPOINT", " ")]);
        let off = environment(&[("JAEGER_ENDPOINT", "http://c"), ("JAEGER_DISABLED", "true")]);
        assert!(Tracer::builder("s").plan(off).unwrap().is_none());
    }

    #[test]
    fn disabled_means_nothing_is_set_up() {
        let builder = Tracer::builder("shop").sampler(Sampler::Probabilistic(7.0));
        assert!(builder.plan(environment(&[("JAEGER_DISABLED", "true")])).unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_is_named() {
        let said = |builder: Builder| builder.plan(environment(&[])).map(|_| ()).unwrap_err().to_string();
        let b = || Tracer::builder("s");
        for (builder, start) in [
            (Tracer::builder(" "), "service name is \" \", expected a name"),
            (Tracer::builder("s".repeat(501)), "service name is \"sss"),
            (b().tag(" ", "v"), "tag is \"=v\", expected a key"),
            (b().max_value_len(5_000), "max_value_len is \"5000\", expected 16 to 4095 bytes"),
            (b().max_value_len(usize::MAX), "max_value_len is \"18446744073709551615\""),
            (b().max_value_len(0), "max_value_len is \"0\""),
            (b().log_bytes(10), "log_bytes is \"10\", expected 262144 to 1099511627776 bytes"),
            (b().log_bytes(usize::MAX), "log_bytes is \"18446744073709551615\""),
            (b().collector_bytes(0), "collector_bytes is \"0\""),
            (b().collector_bytes(usize::MAX), "collector_bytes is \"18446744073709551615\""),
            (b().max_packet_size(0), "max_packet_size is \"0\", expected 1024 to 65507 bytes"),
            (b().max_packet_size(usize::MAX), "max_packet_size is \"18446744073709551615\""),
            (b().reporter_bytes(1), "reporter_bytes is \"1\""),
            (b().reporter_bytes(usize::MAX), "reporter_bytes is \"18446744073709551615\""),
            (b().flush_interval(Duration::ZERO), "flush_interval is \"0ns\", expected 1 ms to 24 h"),
            (b().flush_interval(Duration::MAX), "flush_interval is \"18446744073709551615.999999999s\""),
            (b().flush_interval(LONGEST_INTERVAL + Duration::from_nanos(1)), "flush_interval is \"86400.0"),
            (b().sampler(Sampler::RateLimiting(-1.0)), "sampler is \"RateLimiting(-1.0)\""),
            (b().sampler(Sampler::RateLimiting(f64::INFINITY)), "sampler is \"RateLimiting(inf)\""),
            (b().sampler(Sampler::Probabilistic(f64::NAN)), "sampler is \"Probabilistic(NaN)\""),
        ] {
            // Numbers of machines with addresses of 64 bits.
            if cfg!(target_pointer_width = "64") {
                let message = said(builder);
                assert!(message.starts_with(start), "{message:?} does not start with {start:?}");
            }
        }
        // What is at its bound is taken.
        plan(b().flush_interval(LONGEST_INTERVAL).log_bytes(MIN_BYTES).collector_bytes(MAX_BYTES), &[]);
    }
}
