"""Sends three spans with the Python Jaeger client to HOST PORT and prints their ids as JSON on stdout.

The same scenario as client.go and client.js; tests/tests/interop_clients.rs asserts every value.
Times are given, not measured, so that they can be asserted.
"""

import json
import sys
import time

import opentracing
from jaeger_client import Config

SECOND = 1_600_000_000.0  # of the Unix epoch; halves and quarters of a second are exact in a float


def main() -> None:
    host, port = sys.argv[1], int(sys.argv[2])
    tracer = Config(
        config={
            "sampler": {"type": "const", "param": 1},
            "local_agent": {"reporting_host": host, "reporting_port": port},
            "generate_128bit_trace_id": True,
            "tags": {"proc.tag": "pv", "proc.number": 7},
            "logging": False,
        },
        service_name="interop-python",
        validate=True,
    ).new_tracer()

    root = tracer.start_span("root-op", start_time=SECOND)
    child = tracer.start_span("child-op", child_of=root, start_time=SECOND + 0.25)
    child.set_tag("str", "héllo")
    child.set_tag("empty", "")
    child.set_tag("int", 42)
    child.set_tag("neg", -1)
    child.set_tag("large", 2**62)
    child.set_tag("float", 1.5)
    child.set_tag("yes", True)
    child.set_tag("no", False)
    child.set_tag("span.kind", "server")
    child.log_kv({"event": "hit", "n": 7, "ratio": 0.5, "ok": True}, timestamp=SECOND + 0.5)
    child.set_baggage_item("tenant", "acme")
    child.finish(finish_time=SECOND + 0.75)
    follower = tracer.start_span(
        "follow-op",
        references=[opentracing.follows_from(child.context), opentracing.child_of(root.context)],
        start_time=SECOND + 1,
    )
    follower.finish(finish_time=SECOND + 1.25)
    root.finish(finish_time=SECOND + 2)

    print(
        json.dumps(
            {
                span.operation_name: {
                    "trace": f"{span.trace_id:032x}",
                    "span": f"{span.span_id:016x}",
                    "baggage": dict(span.context.baggage),
                }
                for span in (root, child, follower)
            }
        ),
        flush=True,
    )

    # close() drains the reporter on the client's own thread. Its future belongs to an event loop that nobody
    # runs here, so callbacks would never come: look at it until it is done.
    closed = tracer.close()
    deadline = time.monotonic() + 30
    while not closed.done():
        if time.monotonic() > deadline:
            sys.exit("the tracer did not close within 30 s")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
