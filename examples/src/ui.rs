//! A backend with a page, for an example that was asked for one with `--ui`.
//!
//! It is a program of its own, built by cargo when it is first asked for: an example that depended on it would have everybody who runs the example compile a database and a web server.
//! It listens on free ports of this machine, and ends with the example, however that ends: by its standard input, a pipe that breaks.

use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use jaeger_runtime::Builder;
use jaeger_runtime::report::MemoryReporter;

/// Names a program to start instead of what cargo builds.
const PROGRAM: &str = "JAEGER_ALL_IN_ONE";

/// A backend that takes an example's spans.
#[derive(Debug)]
pub struct Ui {
    backend: Child,
    // Held, so that its last words break no pipe.
    out: BufReader<ChildStdout>,
    page: String,
    agent: String,
    spans: MemoryReporter,
}

impl Ui {
    /// Starts one if the example's argument is `--ui`, and waits until it listens. Without an argument there is none; any other ends the example.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn asked_for() -> Result<Option<Ui>, Error> {
        match std::env::args().nth(1).as_deref() {
            None => Ok(None),
            Some("--ui") => Ui::start().map(Some),
            Some(other) => {
                eprintln!("{other:?} is not known; --ui shows the trace on a page");
                std::process::exit(2)
            }
        }
    }

    fn start() -> Result<Ui, Error> {
        let mut command = program();
        command.args(["--stop-with-stdin", "--query-port=0", "--compact-port=0"]);
        for port in ["binary", "thrift-http", "otlp-grpc", "otlp-http", "zipkin", "sampling"] {
            command.arg(format!("--{port}-port=off"));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut backend =
            command.spawn().map_err(|error| Error::new(error.kind(), format!("{command:?}: {error}")))?;
        let mut out = BufReader::new(backend.stdout.take().ok_or(ErrorKind::BrokenPipe)?);
        // An empty line ends what it says of itself when it starts.
        let lines = out.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let lines: Vec<String> = lines.collect();
        let after = |name: &str| lines.iter().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
        let (Some(page), Some(port)) = (after("page"), after("Jaeger     UDP compact")) else {
            drop(backend.stdin.take());
            return Err(Error::other(format!("{command:?} did not start: {lines:?}, {}", backend.wait()?)));
        };
        let (page, agent) = (page.to_owned(), format!("127.0.0.1:{port}"));
        Ok(Ui { backend, out, page, agent, spans: MemoryReporter::new() })
    }

    /// Has the tracer send to it.
    pub fn receive(&self, tracer: Builder) -> Builder {
        // Besides, the spans are kept, to know the trace that is linked.
        tracer.agent(&self.agent).reporter(self.spans.clone())
    }

    /// Prints the link to the trace, and waits until somebody ends the example (Ctrl-C), or the backend.
    ///
    /// # Errors
    /// Where nothing can be known of the backend.
    pub fn show(mut self) -> Result<(), Error> {
        let trace = self.spans.spans().first().map_or(0, |span| span.trace_id);
        println!("\n{}/trace/{trace:032x}\nCtrl-C ends the page and this.", self.page);
        // Its standard input is closed by waiting for it, and it would end: so it is waited for by what it says.
        std::io::copy(&mut self.out, &mut std::io::sink())?;
        self.backend.wait().map(drop)
    }
}

/// The backend's program, its arguments to be added.
fn program() -> Command {
    if let Some(program) = std::env::var_os(PROGRAM) {
        return Command::new(program);
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--package", "jaeger-all-in-one"]);
    cargo.args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    cargo.arg("--");
    cargo
}
