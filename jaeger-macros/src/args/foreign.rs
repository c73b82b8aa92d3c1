//! Options of other tracers' attributes, and what is written here instead.

/// What to do instead of an option that another tracer has.
pub(crate) fn advice(option: &str) -> Option<&'static str> {
    Some(match option {
        "ret" => {
            "the return value is recorded as it is; `no_reply` leaves it out, `reply = \"key\"` renames it"
        }
        "err" => "an `Err` marks the span as it is; `no_err` keeps it from that",
        "level" | "target" => "spans of Jaeger have none; `tags(key = value)` records whatever you need",
        "properties" => "write `tags(key = value)`",
        "short_name" => "a span is named after its function; `name = \"x\"` gives it another name",
        "enter_on_poll" => "a future's span covers all of its polls; `polls` records how many there were",
        "span" | "operation" | "operation_name" => "write `name = \"x\"`",
        "tag" | "field" => "write `tags(key = value)`",
        "ignore" | "exclude" => "write `skip(argument)`",
        "child_of" => "write `parent = context`",
        "links" => "write `follows_from = context`",
        _ => return None,
    })
}
