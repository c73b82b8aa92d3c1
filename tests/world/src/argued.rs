//! Which lost warnings are no fault: those that any macro would lose, or any code that records arguments and replies. And which new ones, of the pedantic group only.
//!
//! They are listed with their reason by every run. A lint that is not here fails the world test, one of clippy's pedantic group too.

use crate::judge::Warning;
use crate::rewrite::Target;

/// An attribute that does no more than collect its tokens anew loses them too.
const DOC: &str = "a macro gets `///` as #[doc], of whose lines clippy does not know the places";
const USED: &str = "an argument that is recorded is used as what it is";
const MOVED: &str =
    "an argument moves to where the body went, so that one that is unused is still told; so it is consumed";
const DEAD: &str = "there is now a path that does not recurse, only the optimiser knows that it is dead";
const NO_BLOCK: &str = "the body is no longer an async block and nothing else";
const NOT_AS_WRITTEN: &str =
    "the type of the future is a macro's, which the compiler does not ask anybody to write otherwise";
const EMPTY: &str = "an empty generic function counts as a macro's, or clippy would find what it does not look for in an empty one";

/// By lint.
const ARGUED: [(&str, &str); 24] = [
    ("clippy::doc_lazy_continuation", DOC),
    ("clippy::doc_overindented_list_items", DOC),
    ("clippy::ptr_arg", USED),
    ("clippy::boxed_local", USED),
    (
        "clippy::result_large_err",
        "what spares the closure that the body becomes, of which it would be said a second time, spares the closures in it",
    ),
    ("clippy::only_used_in_recursion", "an argument that is recorded is used"),
    ("clippy::manual_async_fn", NO_BLOCK),
    ("clippy::unconditional_recursion", DEAD),
    ("unconditional_recursion", DEAD),
    (
        "async_fn_in_trait",
        "the function is what that lint asks for: it returns a future, and no longer is an `async fn`",
    ),
    (
        "clippy::toplevel_ref_arg",
        "an argument that is moved on has a plain name; the pattern is bound inside",
    ),
    (
        "ungated_async_fn_track_caller",
        "the function is no longer an `async fn`; on the one that makes the future the attribute does nothing either",
    ),
    (
        "clippy::duplicate_underscore_argument",
        "an argument `_x` is recorded nowhere, and has a name of ours until the body",
    ),
    (
        "clippy::derivable_impls",
        "the function is no longer what `derive` would write: a derived one records nothing",
    ),
    ("refining_impl_trait_reachable", NOT_AS_WRITTEN),
    ("refining_impl_trait_internal", NOT_AS_WRITTEN),
    // Of the pedantic group.
    (
        "clippy::unnecessary_literal_bound",
        "the function no longer ends in the literal, but in the reply that was recorded",
    ),
    ("clippy::doc_markdown", DOC),
    ("clippy::doc_link_with_quotes", DOC),
    (
        "clippy::missing_errors_doc",
        "clippy knows the Result of an async function by its being an async block and nothing else",
    ),
    ("clippy::needless_pass_by_value", MOVED),
    (
        "clippy::unused_async",
        "the function is no longer an `async fn`, it returns the future that one would make",
    ),
    ("clippy::used_underscore_items", EMPTY),
    (
        "clippy::unnecessary_wraps",
        "the function no longer ends in `Ok(…)`, but in the reply that was recorded",
    ),
];

/// By lint, of new ones.
const NEW: [(&str, &str); 2] = [
    (
        "clippy::inline_always",
        "clippy does not look at functions that begin with an item, as the plain one did",
    ),
    (
        "clippy::must_use_candidate",
        "the body is a closure, into which clippy does not look for what the function changes elsewhere",
    ),
];

/// By lint, where a block is annotated: lost at the function, and new at the block.
const MOVED_TO_BLOCK: [(&str, &str); 1] = [(
    "clippy::missing_panics_doc",
    "what is said of an async function's signature is said at the block's attribute",
)];

fn find(list: &[(&str, &'static str)], warning: &Warning) -> Option<&'static str> {
    list.iter().find(|(lint, _)| *lint == warning.code).map(|(_, why)| *why)
}

fn moved(warning: &Warning, what: Target) -> Option<&'static str> {
    find(&MOVED_TO_BLOCK, warning).filter(|_| what == Target::Blocks)
}

/// Why a new warning is no fault, if it is none.
pub(crate) fn why_new(warning: &Warning, what: Target) -> Option<&'static str> {
    find(&NEW, warning).or(moved(warning, what))
}

/// Why a lost warning is no fault, if it is none.
pub(crate) fn why_lost(warning: &Warning, what: Target) -> Option<&'static str> {
    find(&ARGUED, warning).or(moved(warning, what))
}
