//! The demo where no agent listens: it says so and ends well.

use std::net::UdpSocket;

use tests::example::run_example;

#[test]
fn demo_without_a_backend_says_so_and_exits_0() {
    // Taken and given back: nobody listens there now.
    let port = {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        socket.local_addr().expect("a bound socket has an address").port().to_string()
    };
    let output = run_example("demo", &[("JAEGER_AGENT_HOST", "127.0.0.1"), ("JAEGER_AGENT_PORT", &port)]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {text}", output.status);
    assert!(text.contains("span_foo4"), "the waterfall is there without a backend: {text}");
    assert!(text.contains(&format!("nobody listens at udp 127.0.0.1:{port}")), "{text}");
    let closing = text.lines().last().unwrap_or_default();
    assert!(closing.starts_with("3 spans made, "), "{closing}");
    assert!(!closing.contains(" 0 failed"), "what nobody took is counted as failed: {closing}");
}
