//! The program: settings, start-up lines, and waiting for the end.

mod cli;
mod terminal;

use std::io::{self, Write as _};
use std::process::ExitCode;

use jaeger_all_in_one::{Backend, Config};

use cli::Cli;

fn main() -> ExitCode {
    let mut cli = Cli::read();
    let done = match cli.command.take() {
        None => serve(cli.stops_with_stdin(), cli.config()),
        Some(command) => terminal::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jaeger-all-in-one: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(stops_with_stdin: bool, config: Config) -> Result<(), String> {
    if config.ports().iter().all(|(_, _, port)| port.is_none()) {
        return Err(
            "all ports are off, so nothing could come in and nobody could ask; leave one on".to_owned()
        );
    }
    // Before anything is started, so that no signal is missed.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no signals to be had: {error}"))?;
    let end = {
        let _inside = runtime.enter();
        end().map_err(|error| format!("no signals to be had: {error}"))?
    };
    let backend = Backend::start(config).map_err(|error| error.to_string())?;
    // An empty line ends the start, for programs that read along.
    say(&format!("{}\n", greeting(&backend).join("\n")));
    let stdin = runtime.spawn(stdin_ends(stops_with_stdin));
    runtime.block_on(async {
        tokio::select! {
            () = end => {}
            _ = stdin => {}
        }
    });
    say("stopping: what is open ends, what is queued is stored; once more to stop at once");
    std::thread::spawn(move || {
        let _inside = runtime.enter();
        if let Ok(end) = self::end() {
            runtime.block_on(end);
            std::process::exit(130);
        }
    });
    let app = backend.app().clone();
    drop(backend);
    for one in app.forward.targets() {
        let counts = one.counts();
        let lost: u64 = counts.lost.iter().sum();
        say(&format!("spans sent on to {}: {}, lost: {lost}", one.target(), counts.sent));
    }
    // After the end, because until then spans came.
    let stats = app.store.stats();
    let lost = match stats.unwritten {
        0 => String::new(),
        unwritten => format!("; {unwritten} of them could not be written, and are lost"),
    };
    say(&format!("stopped with {} spans of {} traces{lost}", stats.spans, stats.traces));
    Ok(())
}

/// A line on standard output. Whoever read there may be gone, which is no reason to end otherwise.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Ends when standard input does, if that is asked for, else never.
async fn stdin_ends(asked_for: bool) {
    let (ended, end) = tokio::sync::oneshot::channel();
    if !asked_for {
        return std::future::pending().await;
    }
    // A thread, because there is no waiting for a terminal otherwise; it ends with the program.
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
}

/// What listens where, what is stored where, what does not listen and why.
fn greeting(backend: &Backend) -> Vec<String> {
    let config = &backend.app().config;
    let mut lines = vec![format!("jaeger-all-in-one {}", env!("CARGO_PKG_VERSION"))];
    let mut line = |name: &str, text: String| lines.push(format!("  {name:<10} {text}"));
    if backend.address("query").is_some() {
        line("page", backend.url());
    }
    line("spans in", backend.app().store.describe());
    let ports = |kinds: &[(&str, &str)]| {
        let told = kinds.iter().filter_map(|(what, name)| {
            backend.address(what).map(|address| format!("{name} {}", address.port()))
        });
        told.collect::<Vec<_>>().join(" · ")
    };
    let thrift = ports(&[
        ("compact", "UDP compact"),
        ("old_compact", "UDP compact"),
        ("binary", "UDP binary"),
        ("thrift_http", "HTTP"),
    ]);
    let others = [
        ("Jaeger", thrift),
        ("OTLP", ports(&[("otlp_grpc", "gRPC"), ("otlp_http", "HTTP")])),
        ("Zipkin", ports(&[("zipkin", "HTTP")])),
        ("sampling", ports(&[("sampling", "HTTP")])),
    ];
    for (name, text) in others.into_iter().filter(|(_, text)| !text.is_empty()) {
        line(name, text);
    }
    let open = if config.host.is_loopback() {
        "this machine only; --host opens it"
    } else {
        "anybody who reaches it"
    };
    line("open to", format!("{} ({open})", config.host));
    for one in backend.app().forward.targets() {
        line("sends on", format!("to {} ({})", one.target(), one.target().way.name()));
    }
    for failure in backend.not_listening() {
        line("NOT", failure.to_string());
    }
    lines
}

/// Ends at the first signal that asks for it.
#[cfg(unix)]
fn end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends when it is asked for by the keyboard.
#[cfg(not(unix))]
fn end() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without the signal there is nothing to wait for but being ended.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
