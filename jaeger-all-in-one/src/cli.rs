//! Flags and environment: what a stranger reads with `--help`, and the settings that come of it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, Command as Clap, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use jaeger_all_in_one::Config;
use jaeger_all_in_one::config::Storage;
use jaeger_all_in_one::forward::Address;
use jaeger_all_in_one::values::parse_duration;

/// Jaeger's backend in one small program: takes spans in, keeps them, shows them.
///
/// Started without a command it listens on Jaeger's own ports, on this machine only, keeps spans in memory, and has its page at http://localhost:16686. Every
/// client of Jaeger, OpenTelemetry (OTLP) and Zipkin can send to it as it is.
#[derive(Debug, Parser)]
#[command(name = "jaeger-all-in-one", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print traces of a running backend as waterfalls, as they come in
    #[command(mut_arg("url", |from| from.help("The backend's address, one of this program: a real Jaeger does not tell what is new")))]
    Tail {
        #[command(flatten)]
        from: From,
        /// Only traces in which this service takes part
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
        /// End after so many traces
        #[arg(long, value_name = "COUNT")]
        count: Option<u64>,
    },
    /// Print one trace of a running backend
    Get {
        /// The trace's id, in hexadecimal
        #[arg(value_name = "TRACE_ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
        #[command(flatten)]
        from: From,
    },
    /// Search the traces of a running backend
    Search {
        /// The service that a span must have
        #[arg(value_name = "SERVICE")]
        service: String,
        #[command(flatten)]
        from: From,
        /// The operation that the span must have
        #[arg(long, value_name = "NAME")]
        operation: Option<String>,
        /// A tag that the span must have; may be given more than once
        #[arg(long = "tag", value_name = "KEY=VALUE")]
        tags: Vec<String>,
        /// The least duration of the span, such as 1.5ms
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        min_duration: Option<Duration>,
        /// The greatest duration of the span
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        max_duration: Option<Duration>,
        /// How far to look back from now
        #[arg(long, value_name = "DURATION", default_value = "48h", value_parser = duration)]
        lookback: Duration,
        /// How many traces at most
        #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
}

/// The backend that is asked, and the form of the answer.
#[derive(Args, Clone, Debug)]
pub(crate) struct From {
    /// The backend's address: this program's, or a real Jaeger's query port
    #[arg(
        long = "from",
        value_name = "URL",
        default_value = "http://127.0.0.1:16686",
        env = "JAEGER_ALL_IN_ONE_URL"
    )]
    pub(crate) url: String,
    /// Print JSON, a trace a line, instead of waterfalls
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Where it listens (PORT: a number, 0 for any free one, or off)")]
struct Ports {
    /// The address to listen on; 0.0.0.0 opens it to the network, where anybody may then read and write
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = host, env = "JAEGER_ALL_IN_ONE_HOST")]
    host: IpAddr,
    /// Page and query API
    #[arg(long, value_name = "PORT", default_value = "16686", value_parser = port, env = "JAEGER_ALL_IN_ONE_QUERY_PORT")]
    query_port: Port,
    /// Jaeger clients over UDP, compact Thrift
    #[arg(long, value_name = "PORT", default_value = "6831", value_parser = port, env = "JAEGER_ALL_IN_ONE_COMPACT_PORT")]
    compact_port: Port,
    /// The same on a second port; old clients send to 5775
    #[arg(long, value_name = "PORT", default_value = "off", value_parser = port, env = "JAEGER_ALL_IN_ONE_OLD_COMPACT_PORT")]
    old_compact_port: Port,
    /// Jaeger clients over UDP, binary Thrift (Node)
    #[arg(long, value_name = "PORT", default_value = "6832", value_parser = port, env = "JAEGER_ALL_IN_ONE_BINARY_PORT")]
    binary_port: Port,
    /// Jaeger clients over HTTP
    #[arg(long, value_name = "PORT", default_value = "14268", value_parser = port, env = "JAEGER_ALL_IN_ONE_THRIFT_HTTP_PORT")]
    thrift_http_port: Port,
    /// OpenTelemetry over gRPC
    #[arg(long, value_name = "PORT", default_value = "4317", value_parser = port, env = "JAEGER_ALL_IN_ONE_OTLP_GRPC_PORT")]
    otlp_grpc_port: Port,
    /// OpenTelemetry over HTTP
    #[arg(long, value_name = "PORT", default_value = "4318", value_parser = port, env = "JAEGER_ALL_IN_ONE_OTLP_HTTP_PORT")]
    otlp_http_port: Port,
    /// Zipkin clients
    #[arg(long, value_name = "PORT", default_value = "9411", value_parser = port, env = "JAEGER_ALL_IN_ONE_ZIPKIN_PORT")]
    zipkin_port: Port,
    /// Sampling strategies for Jaeger clients
    #[arg(long, value_name = "PORT", default_value = "5778", value_parser = port, env = "JAEGER_ALL_IN_ONE_SAMPLING_PORT")]
    sampling_port: Port,
    /// Do not start if one of the ports is taken; otherwise the others work
    // In the environment also 1, 0, yes, no, on, off.
    #[arg(long, env = "JAEGER_ALL_IN_ONE_REQUIRE_PORTS", value_parser = BoolishValueParser::new())]
    require_ports: bool,
    /// A name under which the page may be opened, beside localhost, addresses and names without a dot
    #[arg(
        long = "allow-host",
        value_name = "NAME",
        env = "JAEGER_ALL_IN_ONE_ALLOW_HOST",
        value_delimiter = ','
    )]
    allow_hosts: Vec<String>,
}

#[derive(Args, Debug)]
struct Serve {
    #[command(flatten)]
    ports: Ports,
    /// Where spans are kept: memory, or sqlite:FILE
    #[arg(long, value_name = "STORAGE", default_value = "memory", value_parser = storage, env = "JAEGER_ALL_IN_ONE_STORAGE", help_heading = "What it keeps")]
    storage: Storage,
    /// Memory for spans; the oldest traces go when it is used up
    #[arg(long, value_name = "SIZE", default_value = "512MiB", value_parser = size, env = "JAEGER_ALL_IN_ONE_MEMORY", help_heading = "What it keeps")]
    memory: u64,
    /// Size of the database; the oldest traces go when it is reached
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = size, env = "JAEGER_ALL_IN_ONE_DISK", help_heading = "What it keeps")]
    disk: u64,
    /// How long the database keeps a trace, such as 48h or 7d; 0: as long as there is room
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration, env = "JAEGER_ALL_IN_ONE_KEEP", help_heading = "What it keeps")]
    keep: Duration,
    /// Sampling strategies for clients, in Jaeger's form; read again when it changes
    #[arg(
        long,
        value_name = "FILE",
        env = "JAEGER_ALL_IN_ONE_SAMPLING_STRATEGIES",
        help_heading = "What it does beside"
    )]
    sampling_strategies: Option<PathBuf>,
    /// Send all spans on, too: http://HOST:14268 (Thrift), http://HOST:4318 (OTLP), udp://HOST:6831 (an agent); may be given more than once
    #[arg(
        long,
        value_name = "URL",
        env = "JAEGER_ALL_IN_ONE_FORWARD",
        value_delimiter = ',',
        // There may be a password in it.
        hide_env_values = true,
        help_heading = "What it does beside"
    )]
    forward: Vec<Address>,
    /// Stop when standard input ends, too, so that whoever starts it with a pipe there takes it along
    #[arg(long, help_heading = "What it does beside")]
    stop_with_stdin: bool,
}

/// A port; clap takes an `Option` for "need not be given", so it has a name.
type Port = Choice<u16>;

#[derive(Clone, Copy, Debug)]
struct Choice<T>(Option<T>);

fn port(text: &str) -> Result<Port, String> {
    match text {
        "off" => Ok(Choice(None)),
        text => {
            text.parse().map(|port| Choice(Some(port))).map_err(|_| "a port is 0 to 65535, or off".to_owned())
        }
    }
}

/// An address, or the one name that means the same everywhere.
fn host(text: &str) -> Result<IpAddr, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::from([127, 0, 0, 1]));
    }
    text.parse().map_err(|_| "an address is like 127.0.0.1 or ::1, or it is localhost".to_owned())
}

fn storage(text: &str) -> Result<Storage, String> {
    match text.split_once(':') {
        None if text == "memory" => Ok(Storage::Memory),
        // SQLite's own names for what is no file.
        Some(("sqlite", file)) if file == ":memory:" || file.starts_with("file:") => {
            Err(format!("{file} is no file's name; memory keeps spans in memory"))
        }
        Some(("sqlite", file)) if !file.is_empty() => Ok(Storage::Sqlite(file.into())),
        _ => Err("there is memory, and sqlite:FILE".to_owned()),
    }
}

/// Bytes, with a unit or without.
fn size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(format!("{unit:?} is none of KiB, MiB, GiB")),
    };
    let bytes = match number.contains('.') {
        // A part of a unit; what is past 2^53 bytes is as good as without a bound.
        true => number.parse::<f64>().ok().map(|number| (number * factor as f64) as u64),
        false => number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)),
    };
    bytes.ok_or_else(|| "a size is a number with a unit, such as 512MiB".to_owned())
}

/// A duration as Go writes them, and days and weeks.
fn duration(text: &str) -> Result<Duration, String> {
    for (unit, days) in [('d', 1), ('w', 7)] {
        if let Some(number) = text.strip_suffix(unit).and_then(|number| number.parse::<u32>().ok()) {
            return Ok(Duration::from_secs(u64::from(number) * days * 24 * 3_600));
        }
    }
    let nanos = parse_duration(text)?.nanos();
    u64::try_from(nanos).map(Duration::from_nanos).map_err(|_| format!("{text} is negative"))
}

/// A variable that is empty is not set: that is what a compose file makes of one that it passes on.
fn without_empty_variables(command: Clap) -> Clap {
    let unset = |arg: clap::Arg| match arg.get_env().and_then(std::env::var_os) {
        Some(value) if value.is_empty() => arg.env(None::<&'static str>),
        _ => arg,
    };
    command.mut_args(unset).mut_subcommands(move |command| command.mut_args(unset))
}

impl Cli {
    /// The program's flags and variables; a mistake in them, or `--help`, ends it.
    pub(crate) fn read() -> Cli {
        let matches = without_empty_variables(Cli::command()).get_matches();
        // A mistake has ended the program already.
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Whether the end of standard input is the program's.
    pub(crate) fn stops_with_stdin(&self) -> bool {
        self.serve.stop_with_stdin
    }

    /// The settings of the backend.
    pub(crate) fn config(self) -> Config {
        let Serve { ports, storage, memory, disk, keep, sampling_strategies, forward, stop_with_stdin: _ } =
            self.serve;
        Config {
            host: ports.host,
            query_port: ports.query_port.0,
            compact_port: ports.compact_port.0,
            old_compact_port: ports.old_compact_port.0,
            binary_port: ports.binary_port.0,
            thrift_http_port: ports.thrift_http_port.0,
            otlp_grpc_port: ports.otlp_grpc_port.0,
            otlp_http_port: ports.otlp_http_port.0,
            zipkin_port: ports.zipkin_port.0,
            sampling_port: ports.sampling_port.0,
            require_ports: ports.require_ports,
            allowed_hosts: ports.allow_hosts,
            storage,
            memory_bytes: memory,
            disk_bytes: disk,
            keep: Some(keep).filter(|keep| !keep.is_zero()),
            strategies: sampling_strategies,
            forward,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Config, String> {
        let all = std::iter::once("jaeger-all-in-one").chain(arguments.iter().copied());
        Cli::try_parse_from(all).map(Cli::config).map_err(|error| error.to_string())
    }

    #[test]
    fn without_flags_it_is_the_librarys_default() {
        Cli::command().debug_assert();
        assert_eq!(parse(&[]).unwrap(), Config::default());
    }

    /// The README's table of flags, as it has to be.
    fn table() -> String {
        let mut table = "\n| flag | variable | default | |\n|---|---|---|---|\n".to_owned();
        let command = Cli::command();
        for flag in
            command.get_arguments().filter(|one| !["help", "version"].contains(&one.get_id().as_str()))
        {
            let name = flag.get_long().expect("every setting has a long name");
            let value = flag.get_value_names().filter(|_| flag.get_action().takes_values());
            let value = value.map(|names| format!(" {}", names[0])).unwrap_or_default();
            let variable =
                flag.get_env().map(|env| format!("`{}`", env.to_string_lossy())).unwrap_or_default();
            let default = flag.get_default_values().iter().filter(|_| flag.get_action().takes_values());
            let default: String = default.map(|one| format!("`{}`", one.to_string_lossy())).collect();
            let help = flag.get_help().expect("every flag says what it is for");
            table.push_str(&format!("| `--{name}{value}` | {variable} | {default} | {help} |\n"));
        }
        table
    }

    #[test]
    fn the_readme_has_every_flag_as_it_is() {
        let readme = include_str!("../README.md");
        let (_, rest) = readme.split_once("<!-- flags -->\n").expect("where the table begins");
        let (there, _) = rest.split_once("<!-- end of flags -->").expect("where it ends");
        let wanted = table();
        assert_eq!(there, format!("{wanted}\n"), "the table has to be:\n{wanted}");
    }

    #[test]
    fn every_port_of_the_settings_has_its_flag_and_every_flag_its_variable() {
        let command = Cli::command();
        for (what, flag, _) in Config::default().ports() {
            assert!(
                command.get_arguments().any(|one| one.get_long() == flag.strip_prefix("--")),
                "{what}: there is no {flag}"
            );
        }
        for flag in command.get_arguments() {
            let name = flag.get_id().as_str();
            // Two are for a person at a terminal, one for a program that starts this one.
            if !["help", "version", "stop_with_stdin"].contains(&name) {
                let variable = format!("JAEGER_ALL_IN_ONE_{}", flag.get_long().unwrap().replace('-', "_"))
                    .to_uppercase();
                assert_eq!(flag.get_env().unwrap().to_str().unwrap(), variable, "{name}");
            }
        }
    }

    #[test]
    fn flags_become_settings() {
        let config = parse(&[
            "--host",
            "0.0.0.0",
            "--zipkin-port",
            "off",
            "--query-port",
            "0",
            "--old-compact-port",
            "5775",
            "--storage",
            "sqlite:/tmp/x.db",
            "--memory",
            "2GiB",
            "--keep",
            "0",
            "--allow-host",
            "a.example",
        ])
        .unwrap();
        assert_eq!(config.host, IpAddr::from([0, 0, 0, 0]));
        assert_eq!(
            (config.zipkin_port, config.query_port, config.old_compact_port),
            (None, Some(0), Some(5775))
        );
        assert_eq!(config.storage, Storage::Sqlite("/tmp/x.db".into()));
        assert_eq!((config.memory_bytes, config.keep), (2 << 30, None));
        assert_eq!(config.allowed_hosts, ["a.example"]);
        assert_eq!(parse(&["--host", "localhost"]).unwrap().host, IpAddr::from([127, 0, 0, 1]));
        assert_eq!(parse(&["--memory", "1.5GiB"]).unwrap().memory_bytes, 3 << 29);
        assert_eq!(parse(&["--keep", "1w"]).unwrap().keep, Some(Duration::from_secs(7 * 86_400)));
        assert_eq!(parse(&["--keep", "90m"]).unwrap().keep, Some(Duration::from_secs(5_400)));
    }

    #[test]
    fn commands_say_what_they_cannot_do() {
        for (arguments, told) in [
            (&["get", ""][..], "TRACE_ID"),
            (&["search", "shop", "--limit", "0"], "--limit"),
            (&["tail", "--help"], "a real Jaeger does not tell what is new"),
            (&["get", "--help"], "or a real Jaeger's query port"),
        ] {
            let message = parse(arguments).unwrap_err();
            assert!(message.split_whitespace().collect::<Vec<_>>().join(" ").contains(told), "{message}");
        }
    }

    #[test]
    fn wrong_values_name_the_flag_and_the_value() {
        for (flag, value, why) in [
            ("--query-port", "70000", "a port is 0 to 65535, or off"),
            ("--memory", "512x", "is none of KiB, MiB, GiB"),
            ("--memory", "lots", "a size is"),
            ("--memory", "1.5.2GiB", "a size is"),
            ("--storage", "redis", "there is memory, and sqlite:FILE"),
            ("--storage", "sqlite::memory:", "memory keeps spans in memory"),
            ("--host", "nowhere", "or it is localhost"),
        ] {
            let message = parse(&[flag, value]).unwrap_err();
            assert!(message.contains(flag) && message.contains(value), "{message}");
            if flag != "--memory" || value != "lots" {
                assert!(message.contains(why), "{message}");
            }
        }
    }
}
