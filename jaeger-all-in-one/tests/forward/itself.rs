//! A target that is the program itself would get each span again and again: it is refused at the start, however it is written.

use std::net::{TcpListener, UdpSocket};

use jaeger_all_in_one::{Backend, Config};

/// A port that was free a moment ago, for both kinds.
fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn refusal(config: Config) -> String {
    Backend::start(config).expect_err("it is refused").to_string()
}

#[test]
fn spans_are_not_sent_in_a_circle() {
    for host in ["127.0.0.1", "localhost"] {
        let port = free_port();
        let config = Config {
            thrift_http_port: Some(port),
            forward: vec![format!("http://me:secret@{host}:{port}").into()],
            ..Config::free_ports()
        };
        let told = refusal(config);
        assert!(
            told.contains(&format!(
                "--forward http://{host}:{port}/api/traces: this is a port of this program"
            )) && told.contains("--thrift-http-port off")
                && !told.contains("secret"),
            "{told}"
        );
    }
    let port = free_port();
    let config = Config {
        host: [0, 0, 0, 0].into(),
        compact_port: Some(port),
        forward: vec![format!("udp://127.0.0.1:{port}").into()],
        ..Config::free_ports()
    };
    assert!(refusal(config).contains("--compact-port off"));
    let port = free_port();
    let config = Config {
        otlp_http_port: Some(port),
        forward: vec![format!("otlp+http://127.0.0.1:{port}").into()],
        ..Config::free_ports()
    };
    assert!(refusal(config).contains("--otlp-http-port off"));
}

#[test]
fn the_same_number_elsewhere_is_somebody_else() {
    // Of the other kind, and at another address.
    let port = free_port();
    let config = Config {
        compact_port: Some(port),
        forward: vec![format!("http://127.0.0.1:{port}").into(), format!("udp://192.0.2.1:{port}").into()],
        ..Config::free_ports()
    };
    assert!(Backend::start(config).is_ok());
}
