//! Whom a span refers to: its parent first, nobody twice.

use jaeger_thrift::{RefType, Span, SpanRef};

use super::Version;

/// The references of a span as they are shown.
///
/// The parent, given or inferred, becomes a CHILD_OF in the first place, and a CHILD_OF to it in the list is it; a FOLLOWS_FROM to it takes its place.
pub fn shown(span: &Span<'_>) -> Vec<SpanRef> {
    let parent = crate::store::parent(span);
    let is_parent = |one: &SpanRef| parent != 0 && one.span_id == parent && one.trace_id == span.trace_id;
    let mut list = Vec::with_capacity(span.references.len() + 1);
    if parent != 0 {
        list.push(SpanRef { ref_type: RefType::ChildOf, trace_id: span.trace_id, span_id: parent });
    }
    for one in &span.references {
        match one.ref_type {
            RefType::ChildOf if is_parent(one) => {}
            RefType::FollowsFrom if is_parent(one) => list[0].ref_type = RefType::FollowsFrom,
            _ => list.push(*one),
        }
    }
    list
}

/// The parent that a list of references means: the first CHILD_OF, else the first FOLLOWS_FROM, of the same trace; 0 for none.
pub fn parent(trace_id: u128, references: &[SpanRef]) -> u64 {
    let of = |kind| references.iter().find(|one| one.ref_type == kind && one.trace_id == trace_id);
    of(RefType::ChildOf).or_else(|| of(RefType::FollowsFrom)).map_or(0, |one| one.span_id)
}

/// Gives a span another parent: where the old one stands, or before all others.
pub fn replace_parent(trace_id: u128, references: &mut Vec<SpanRef>, new: u64) {
    let old = parent(trace_id, references);
    let place = |id| references.iter().position(|one| one.span_id == id && one.trace_id == trace_id);
    match (place(old), place(new)) {
        (Some(at), _) => references[at].span_id = new,
        (None, Some(_)) => {}
        (None, None) => references.insert(0, SpanRef { ref_type: RefType::ChildOf, trace_id, span_id: new }),
    }
}

/// Takes out references to no trace, each with a warning, and puts first what the page takes for the parent: the first CHILD_OF of the same trace, else the
/// first reference to it.
pub fn put_right(
    trace_id: u128,
    references: &mut Vec<SpanRef>,
    warnings: &mut Vec<String>,
    version: Version,
) {
    references.retain(|one| {
        if one.trace_id == 0 {
            let kind = match one.ref_type {
                RefType::ChildOf => "CHILD_OF",
                RefType::FollowsFrom => "FOLLOWS_FROM",
            };
            warnings.push(match version {
                Version::One => {
                    format!("Invalid span reference removed: {kind} span {:016x} of no trace", one.span_id)
                }
                Version::Three => "Invalid span link removed".to_owned(),
            });
        }
        one.trace_id != 0
    });
    let here = |one: &SpanRef| one.trace_id == trace_id;
    let child = references.iter().position(|one| here(one) && one.ref_type == RefType::ChildOf);
    if let Some(at) = child.or_else(|| references.iter().position(here)) {
        references.swap(0, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(trace_id: u128, span_id: u64) -> SpanRef {
        SpanRef { ref_type: RefType::ChildOf, trace_id, span_id }
    }

    fn follows(trace_id: u128, span_id: u64) -> SpanRef {
        SpanRef { ref_type: RefType::FollowsFrom, trace_id, span_id }
    }

    fn list(parent_span_id: u64, references: Vec<SpanRef>) -> Vec<SpanRef> {
        shown(&Span { trace_id: 1, span_id: 9, parent_span_id, references, ..Span::default() })
    }

    #[test]
    fn the_parent_is_first_and_once() {
        assert_eq!(list(0, vec![]), []);
        assert_eq!(list(2, vec![]), [child(1, 2)]);
        assert_eq!(list(2, vec![child(1, 2)]), [child(1, 2)]);
        assert_eq!(list(2, vec![child(1, 3), child(1, 2)]), [child(1, 2), child(1, 3)]);
        assert_eq!(list(2, vec![follows(1, 2)]), [follows(1, 2)]);
        // The same span id in another trace is another span.
        assert_eq!(list(2, vec![child(7, 2), follows(7, 2)]), [child(1, 2), child(7, 2), follows(7, 2)]);
    }

    #[test]
    fn a_parent_is_inferred() {
        assert_eq!(
            list(0, vec![follows(7, 3), follows(1, 4), child(1, 2)]),
            [child(1, 2), follows(7, 3), follows(1, 4)]
        );
        assert_eq!(list(0, vec![follows(7, 3), follows(1, 4)]), [follows(1, 4), follows(7, 3)]);
        assert_eq!(list(0, vec![child(7, 3)]), [child(7, 3)]);
    }

    #[test]
    fn another_parent() {
        let mut references = vec![child(1, 2), follows(1, 3)];
        replace_parent(1, &mut references, 8);
        assert_eq!(references, [child(1, 8), follows(1, 3)]);
        let mut references = vec![child(7, 2)];
        replace_parent(1, &mut references, 8);
        assert_eq!(references, [child(1, 8), child(7, 2)]);
        assert_eq!(parent(1, &references), 8);
    }

    #[test]
    fn put_right_for_the_page() {
        let mut warnings = Vec::new();
        let mut references = vec![follows(1, 3), child(0, 4), child(7, 5), child(1, 2)];
        put_right(1, &mut references, &mut warnings, Version::One);
        assert_eq!(references, [child(1, 2), child(7, 5), follows(1, 3)]);
        assert_eq!(warnings, ["Invalid span reference removed: CHILD_OF span 0000000000000004 of no trace"]);
    }
}
