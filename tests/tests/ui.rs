//! What a wrong `#[traced]` says: each message at its own place, all of them at once, and the function still there.
//!
//! The texts of rustc around ours differ from release to release, so they are compared under one. `TRYBUILD=overwrite cargo test -p tests --test ui` writes them anew; then read them.

#[rustversion::all(stable(1.95))]
#[test]
fn messages() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
