//! A client's and a server's span of one call that share an id, as Zipkin's do: the server's gets one of its own and becomes the client's child.

use std::collections::{HashMap, HashSet};

use jaeger_thrift::{Span, Value};

use super::references;
use super::shown::Shown;

/// Gives each server span that shares its id with a client span an id that no span of the trace has; its children follow it.
pub fn tell_apart(spans: &mut [Shown]) {
    let clients: HashSet<u64> =
        spans.iter().filter(|one| is(&one.span, "client")).map(|one| one.span.span_id).collect();
    if clients.is_empty() {
        return;
    }
    let shares = |one: &Shown| clients.contains(&one.span.span_id) && is(&one.span, "server");
    if !spans.iter().any(shares) {
        return;
    }
    let used: HashSet<u64> = spans.iter().map(|one| one.span.span_id).collect();
    let mut free = (1..u64::MAX).filter(|id| !used.contains(id));
    let mut moved = HashMap::new();
    for one in spans.iter_mut() {
        if !shares(one) {
            continue;
        }
        // There are fewer spans than ids.
        let Some(new) = free.next() else { break };
        let old = one.span.span_id;
        moved.insert(old, new);
        references::replace_parent(one.span.trace_id, &mut one.span.references, old);
        one.span.span_id = new;
    }
    for one in spans.iter_mut() {
        let trace_id = one.span.trace_id;
        if let Some(&new) = moved.get(&references::parent(trace_id, &one.span.references))
            && one.span.span_id != new
        {
            references::replace_parent(trace_id, &mut one.span.references, new);
        }
    }
}

fn is(span: &Span<'_>, kind: &str) -> bool {
    let tag = span.tags.iter().find(|tag| tag.key == "span.kind");
    tag.is_some_and(|tag| matches!(&tag.value, Value::String(value) if value == kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jaeger_thrift::{Process, RefType, SpanRef, Tag};

    fn span(id: u64, parent: u64, kind: &'static str) -> Shown {
        let tags = if kind.is_empty() { vec![] } else { vec![Tag::new("span.kind", kind)] };
        let span = Span { trace_id: 1, span_id: id, parent_span_id: parent, tags, ..Span::default() };
        Shown::new(Process::new("s").into_owned().into(), span)
    }

    fn parents(spans: &[Shown]) -> Vec<(u64, u64)> {
        let parent = |one: &Shown| references::parent(1, &one.span.references);
        spans.iter().map(|one| (one.span.span_id, parent(one))).collect()
    }

    #[test]
    fn the_server_becomes_the_clients_child() {
        let mut spans = [span(5, 4, "client"), span(5, 4, "server"), span(6, 5, ""), span(1, 0, "")];
        tell_apart(&mut spans);
        // 1 is taken; the child of the shared id is the server's.
        assert_eq!(parents(&spans), [(5, 4), (2, 5), (6, 2), (1, 0)]);
    }

    #[test]
    fn others_may_share_ids() {
        for kinds in [["server", "server"], ["client", "client"], ["", "server"], ["producer", "consumer"]] {
            let mut spans = [span(5, 4, kinds[0]), span(5, 4, kinds[1])];
            tell_apart(&mut spans);
            assert_eq!(parents(&spans), [(5, 4), (5, 4)], "{kinds:?}");
        }
    }

    #[test]
    fn references_to_others_stay() {
        let mut one = span(5, 0, "server");
        one.span.references = vec![SpanRef { ref_type: RefType::FollowsFrom, trace_id: 9, span_id: 5 }];
        let mut spans = [span(5, 0, "client"), one];
        tell_apart(&mut spans);
        assert_eq!(parents(&spans), [(5, 0), (1, 5)]);
        assert_eq!(spans[1].span.references[1].trace_id, 9);
    }
}
