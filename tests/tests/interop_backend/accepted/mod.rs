//! The differences that are meant, each with its reason. Whatever is not here fails the test, and so does what is here and was not met.
//!
//! Each has a function that levels the one difference, in both answers or in one, and says whether it found it. It looks for exactly what it is for: an answer
//! that is wrong in another way stays so.

mod parts;
mod v1;
mod v3;

use crate::queries::Question;
use crate::sides::Answer;

/// A difference that is meant.
pub(crate) struct Difference {
    /// What differs: theirs; ours.
    pub(crate) what: &'static str,
    /// Why ours is as it is.
    pub(crate) why: &'static str,
    /// Levels it; whether there was something to level.
    pub(crate) level: fn(&Question, &mut Answer, &mut Answer) -> bool,
}

/// The table.
pub(crate) const ACCEPTED: &[Difference] = &[
    Difference {
        what: "any path or method that is not known is the page, with 200; ours is 404 or 405 in the API's shape",
        why: "a typing error is told, and a health check means something",
        level: v1::elsewhere,
    },
    Difference {
        what: "a path with a bad escape is 400 with a line of text; ours 400 in the API's shape",
        why: "one shape for all faults",
        level: v1::bad_escape,
    },
    Difference {
        what: "/api/metrics/* is 501 unless a Prometheus is fed elsewhere; ours are computed from the spans held",
        why: "the monitor page works without other programs",
        level: v1::metrics,
    },
    Difference {
        what: "what is wrong with a number, id, time or JSON is said in the words of Go's library; ours in our own, after the same beginning",
        why: "they tell somebody who does not know Go what to write instead",
        level: v1::words,
    },
    Difference {
        what: "answers of /api/v3 are said to be text/plain; ours application/json",
        why: "they are JSON",
        level: v3::content_type,
    },
    Difference {
        what: "flags are dropped; ours are shown where they are not 0 (`flags`, as jaeger-ui knows it)",
        why: "they say whether a span was sampled for debugging",
        level: v1::flags,
    },
    Difference {
        what: "a span of no duration lasts 1 ns and has a warning about negative durations; ours has none",
        why: "0 µs is what a fast call takes",
        level: v1::no_duration,
    },
    Difference {
        what: "a negative duration has a warning in Go's words, raw too; ours says what was sent, and raw=true shows it",
        why: "raw is what was sent",
        level: v1::negative_duration,
    },
    Difference {
        what: "times before 1970 wrap to 2^64 µs; ours are negative, and in /api/v3, which has no sign, 0",
        why: "a clock that is wrong should look wrong, not absurd",
        level: v1::before_1970,
    },
    Difference {
        what: "one NaN or infinity makes the whole answer an error 500; ours is the text NaN, +Inf, -Inf",
        why: "the other traces of the answer are good",
        level: v1::no_number,
    },
    Difference {
        what: "a log's field `event` that is no text, or an empty one, is lost; ours stays as it is",
        why: "nothing that was sent is lost",
        level: v1::odd_event,
    },
    Difference {
        what: "of spans that share an id the one that came first is the caller in /api/dependencies, and has no warning in /api/v3; ours is the server's, else the one that began first",
        why: "a trace is shown so, in whatever order its spans came",
        level: v1::doubled,
    },
    Difference {
        what: "a CHILD_OF another trace's span is lost if that has the id of the parent; ours stays",
        why: "the same span id in another trace is another span",
        level: v1::lost_reference,
    },
    Difference {
        what: "the warning about a reference to no trace is a printed Go struct; ours a sentence",
        why: "it is read by people",
        level: v1::no_trace,
    },
    Difference {
        what: "/api/v3: links say opentracing.ref_type=follows_from; ours only if it is child_of, and the parent's link is first",
        why: "a link without it means that; OpenTelemetry's own links have none",
        level: v3::links,
    },
    Difference {
        what: "/api/v3 sorts the events of a span by their names; ours stay in their order",
        why: "their order is what happened when",
        level: v3::events,
    },
    Difference {
        what: "/api/v3 gives the library's tags of a span to all spans of its batch; ours to that span's process",
        why: "another span may be another library's",
        level: v3::library,
    },
    Difference {
        what: "/api/v3 changes what is stored: the next answer has each warning once more; ours does not",
        why: "asking changes nothing",
        level: v3::warned_again,
    },
    Difference {
        what: "/api/v3: tags otel.scope.name and w3c.tracestate that came as Thrift are attributes; ours the scope and the trace state",
        why: "it is what they say, whichever way they came",
        level: v3::scope,
    },
    Difference {
        what: "/api/v3: a status message without a code is the status's; ours the attribute otel.status_description, as /api shows it",
        why: "it cannot be told from that tag of a Thrift client",
        level: v3::lone_message,
    },
    Difference {
        what: "/api/v3: lists, maps and nothing are values of their own; ours their text, and an event's attribute `event` its name, as /api shows them",
        why: "spans are kept as Jaeger's own form has them",
        level: v3::structured,
    },
    Difference {
        what: "/api/v3, raw: a resource that names no service has it last; ours always first",
        why: "a process's service is kept apart from its tags",
        level: v3::service_first,
    },
    // These take the whole answer, so they come after those that level a part of it.
    Difference {
        what: "a process tag `service.name` renames the service; ours keeps the name it was sent with, and shows the tag",
        why: "the service named in the batch is who sent it",
        level: v1::renamed,
    },
    Difference {
        what: "a search for `error=true` or `error=false` finds only spans of status OK; ours what has that tag",
        why: "failed calls are what one searches for",
        level: |question, theirs, ours| v1::searchable(question, theirs, ours, "error", 1),
    },
    Difference {
        what: "`span.kind`, `otel.status_code`, `otel.status_description`, `otel.scope.name`, a log's `event` are shown, but not found; ours are",
        why: "what is shown can be searched for",
        level: |question, theirs, ours| {
            ["span.kind", "otel.status_code", "otel.status_description", "otel.scope.name", "event"]
                .into_iter()
                .any(|key| v1::searchable(question, theirs, ours, key, 1))
        },
    },
    Difference {
        what: "process tags `hostname` and `jaeger.version` are found only under the names they are given; ours under both",
        why: "who sent a tag searches for it by its name",
        level: |question, theirs, ours| {
            ["hostname", "jaeger.version"]
                .into_iter()
                .any(|key| v1::searchable(question, theirs, ours, key, 1))
        },
    },
    Difference {
        what: "an address sent as a number is shown as an address, but found only by the number; ours by both",
        why: "what is shown can be searched for",
        level: |question, theirs, ours| v1::searchable(question, theirs, ours, "peer.ipv4", 1),
    },
];
