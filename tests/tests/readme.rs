//! What README shows is what the demo prints.

use std::net::UdpSocket;

use tests::example::run_example;
use tests::workspace;

/// A line without what differs from run to run: times, ids, and with them the bars and the space around them.
fn shape(line: &str) -> String {
    let words =
        line.split(|c: char| c.is_whitespace() || "█▉▊▋▌▍▎▏▐".contains(c)).filter(|word| !word.is_empty());
    let word = |word: &str| -> String {
        let is_id = word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_time = word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        // A second may be shown as such or as 999 ms.
        if is_id || is_time || word == "ms" || word == "s" { "…".into() } else { word.into() }
    };
    words.map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_sample_in_the_readme_is_what_the_demo_prints_without_a_backend() {
    let readme = std::fs::read_to_string(workspace().join("README.md")).expect("README.md");
    let (_, sample) = readme.split_once("$ cargo run --example demo\n").expect("a sample of the demo");
    let (sample, _) = sample.split_once("```").expect("the sample ends");

    // A port where nobody listens.
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = socket.local_addr().expect("a bound socket has an address").port().to_string();
    drop(socket);
    let variables = [
        ("JAEGER_AGENT_HOST", "127.0.0.1"),
        ("JAEGER_AGENT_PORT", port.as_str()),
        ("COLUMNS", "100"),
        ("LC_ALL", "C.UTF-8"),
    ];
    let output = run_example("demo", &variables);
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).expect("text");
    let shapes = |text: &str| text.lines().map(shape).collect::<Vec<_>>();
    assert_eq!(shapes(sample), shapes(&printed.replace(&port, "6831")), "printed:\n{printed}");
    assert!(sample.lines().all(|line| line.chars().count() <= 120), "it has to fit where it is read");

    let log = String::from_utf8(output.stderr).expect("text");
    assert_eq!(log.matches("Reporting span ").count(), 3, "{log}");
    assert!(log.contains(&format!("could not be sent to the Jaeger agent at 127.0.0.1:{port}")), "{log}");
}
