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
    assert!(text.contains(&format!("udp 127.0.0.1:{port} could not be reached")), "{text}");
    // Every span is accounted for: none was sent to the agent, or the first datagram was before the refusal came back.
    let closing = text.lines().last().unwrap_or_default();
    let agent =
        closing.split("; ").find(|part| part.starts_with("udp ")).unwrap_or_else(|| panic!("{closing}"));
    let counts: Vec<u32> = agent.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let [sent, failed] = counts[..] else { panic!("sent and failed: {closing}") };
    assert!(closing.starts_with("3 spans made; "), "{closing}");
    assert_eq!(sent + failed, 3, "{closing}");
    assert!(failed > 0, "what nobody took is counted as failed: {closing}");
}
