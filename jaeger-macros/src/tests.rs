//! The expansion as tokens, without a compiler: faults at their places, functions that survive them, the shape that a body gets.

mod blocks;
mod fragments;

use crate::Features;
use proc_macro2::TokenStream;
use quote::quote;

const ALL: Features = Features { annotations: true, serde: true, stream: true };

fn expand(options: TokenStream, item: TokenStream) -> String {
    crate::expand(options, item, ALL).to_string()
}

/// The messages of the `compile_error!`s, in order.
fn faults(options: TokenStream, item: TokenStream) -> Vec<String> {
    let text = expand(options, item);
    let mut found: Vec<String> = vec![];
    for part in text.split("compile_error ! {").skip(1) {
        let literal = part.split('}').next().unwrap().trim();
        found.push(syn::parse_str::<syn::LitStr>(literal).unwrap().value());
    }
    found
}

#[test]
fn every_fault_is_told_at_once_and_the_function_stays() {
    let item = quote!(
        fn pay(amount: u64, card: &str) -> u64 {
            amount
        }
    );
    let options =
        quote!(nam = "x", kind = sever, skip(amont), skip(card), skip_all, reply = 7, tags(a = 1, a = 2, b));
    let found = faults(options.clone(), item.clone());
    assert_eq!(
        found,
        [
            "`traced` has no option `nam`; did you mean `name`?",
            "a span's kind is one of `server`, `client`, `producer`, `consumer`, `internal`; did you mean `server`?",
            "expected text in quotes, as in `reply = \"key\"`",
            "the tag `b` has no value: write `b = expression`",
            "the tag `a` is given twice",
            "`pay` has no argument `amont`; did you mean `amount`?",
            "`skip_all` leaves out every argument, so `skip` says nothing more; use one of them",
        ]
    );
    let text = expand(options, item.clone());
    assert!(text.ends_with(&item.to_string()) && !text.contains("jaeger_runtime"), "{text}");
}

#[test]
fn a_const_fn_and_what_is_no_function_are_told() {
    let found = faults(
        quote!(),
        quote!(
            const fn f() {}
        ),
    );
    assert!(found.len() == 1 && found[0].contains("`const fn` cannot be traced"), "{found:?}");
    let found = faults(
        quote!(),
        quote!(
            struct S;
        ),
    );
    assert!(found.len() == 1 && found[0].contains("goes on a function"), "{found:?}");
    let found = faults(
        quote!(),
        quote!(
            fn declared(&self);
        ),
    );
    assert!(found.len() == 1 && found[0].contains("no body"), "{found:?}");
    assert!(
        faults(
            quote!(name = "a", name = "b"),
            quote!(
                fn f() {}
            )
        )[0]
        .contains("given twice")
    );
    assert!(
        faults(
            quote!(no_reply, reply = "r"),
            quote!(
                fn f() -> u8 {
                    1
                }
            )
        )[0]
        .contains("no_reply")
    );
}

#[test]
fn an_incomplete_body_or_option_still_yields_the_function() {
    let text = expand(quote!(), quote!(fn half(a: u8) { let x = a. ; let }));
    assert!(text.contains("let x = a . ; let") && text.contains("fn half (a : u8)"), "{text}");
    for options in
        [quote!(na), quote!(skip), quote!(name =), quote!(kind = ), quote!(tags(a =)), quote!(tags(a = 1 +))]
    {
        let text = expand(
            options,
            quote!(
                fn whole(a: u8) {
                    a;
                }
            ),
        );
        assert!(text.contains("compile_error") && text.ends_with("fn whole (a : u8) { a ; }"), "{text}");
    }
}

#[test]
fn the_shape_follows_from_the_body_and_the_signature() {
    let block = expand(
        quote!(),
        quote!(
            fn f(a: u8) -> u8 {
                a + 1
            }
        ),
    );
    assert!(block.contains("if true { a + 1 } else") && !block.contains("call_once"), "{block}");
    let closure = expand(
        quote!(),
        quote!(
            fn f(mut a: u8, b: &str) -> Option<u8> {
                a += b.parse().ok()?;
                Some(a)
            }
        ),
    );
    assert!(
        closure.contains("call_once (move || -> Option < u8 >")
            && closure.contains("fn f (a : u8 , b : & str)"),
        "{closure}"
    );
    assert!(closure.contains("let mut a = a ; let b = b ;"), "{closure}");
    let guard = expand(
        quote!(),
        quote!(
            fn f() -> impl Fn() -> u8 {
                return || 1;
            }
        ),
    );
    assert!(!guard.contains("call_once") && !guard.contains("end_reply"), "{guard}");
    let located = expand(
        quote!(),
        quote!(
            #[track_caller]
            fn f(a: Option<u8>) -> u8 {
                return a.unwrap();
            }
        ),
    );
    assert!(!located.contains("call_once"), "{located}");
    let macros = expand(
        quote!(),
        quote!(
            fn f() -> u8 {
                bail!("x")
            }
        ),
    );
    assert!(macros.contains("call_once"), "an unknown macro may hide a return: {macros}");
    let harmless = expand(
        quote!(),
        quote!(
            fn f(a: u8) -> bool {
                println!("{a}");
                a != 1
            }
        ),
    );
    assert!(!harmless.contains("call_once"), "{harmless}");
    let future = expand(
        quote!(),
        quote!(
            async fn f(self: Box<Self>, a: u8) -> u8 {
                a
            }
        ),
    );
    assert!(future.contains("async move { if false") && future.contains("let _ = & self ; if"), "{future}");
}

#[test]
fn names_keys_and_values_are_what_the_options_say() {
    let text = expand(
        quote!(name = "charge", kind = client, skip(card), tags(n = 1, "http.status" = %s, a.b = ?c), reply = "out", crate = tracer),
        quote!(
            fn pay(r#type: u8, card: &str, (x, _y): (u8, u8)) -> u8 {
                x
            }
        ),
    );
    assert!(text.contains(r#"concat ! ("charge\0out\0client\0type\0n\0http.status\0a.b\0" ,"#), "{text}");
    // A part of a pattern is recorded under a name of ours, so that one that the body does not use is still told.
    assert!(
        text.contains(r#"bound (& [("x" ,"#)
            && text.contains("let (x , _y ,) = { let (__jaeger_part0 , __jaeger_part1)"),
        "{text}"
    );
    assert!(text.contains("tracer :: __private") && !text.contains("jaeger_runtime"), "{text}");
    assert!(
        text.contains("Display (& s)") && text.contains("Debug (& c)") && text.contains("W (& 1)"),
        "{text}"
    );
    // A NUL stands between the texts of a callsite, so none may stand in one.
    let odd = expand(
        quote!(name = "a\0b"),
        quote!(
            fn pay() {}
        ),
    );
    assert!(odd.contains("concat ! (\"a\u{fffd}b\\0reply\\0\\0\" ,"), "{odd}");
    let bare = expand(
        quote!(skip_all, no_reply),
        quote!(
            fn pay(a: u8) -> u8 {
                a
            }
        ),
    );
    assert!(bare.contains("enter_bare") && !bare.contains("end_reply"), "{bare}");
}

/// Code as an editor has it while somebody types: whatever can be tokens.
fn typed(text: &str) -> TokenStream {
    text.parse().unwrap()
}

#[test]
fn a_body_that_is_being_typed_is_passed_on_once_as_it_stands_in_every_shape() {
    let bodies = [
        "x .",
        "let",
        "let y = a . ; y",
        "a ?.",
        "match a {",
        "if a {",
        "return",
        "vec ! [",
        "f (|",
        "a +",
        "# !",
    ];
    let signatures = [
        "fn f (a : u8)",
        "fn f (a : u8) -> u8",
        "async fn f (a : u8) -> u8",
        "fn f ((a , b) : (u8 , u8)) -> u8",
        "fn f (a : u8) -> impl Iterator < Item = u8 >",
        "fn f (a : u8) -> impl Future < Output = u8 >",
        "fn f (a : u8) -> Pin < Box < dyn Future < Output = u8 >>>",
        "# [track_caller] fn f (& self , a : u8) -> u8",
    ];
    for signature in signatures {
        for body in bodies {
            // An editor closes what was opened before it expands anything.
            let open = |c| body.matches(c).count();
            let closed =
                format!("{body}{}{}{}", "}".repeat(open('{')), "]".repeat(open('[')), ")".repeat(open('(')));
            let text = expand(quote!(), typed(&format!("{signature} {{ {closed} }}")));
            let body = typed(&closed).to_string();
            assert!(!text.contains("compile_error"), "{signature} {body}: {text}");
            assert_eq!(text.matches("fn f (").count(), 1, "{signature} {body}: {text}");
            assert!(text.contains(&body), "{signature} {body}: {text}");
        }
    }
}

#[test]
fn an_option_that_is_being_typed_leaves_the_function_once_as_it_stands() {
    let item = quote!(
        fn f(a: u8) -> u8 {
            a
        }
    );
    let halves = [
        "na",
        "name",
        "name =",
        "name = )",
        "name = \"\"",
        "kind",
        "kind =",
        "kind = ser",
        "skip",
        "skip(",
        "skip(b",
        "skip(a b",
        "only(",
        "only(self",
        "display",
        "debug(",
        "json(a.",
        "redact(1",
        "rename(",
        "rename(a",
        "rename(a =",
        "tags",
        "tags(",
        "tags(k",
        "tags(k =",
        "tags(k = %",
        "tags(k = a.",
        "tags(\"\" = 1",
        "reply =",
        "max_len =",
        "max_len = 1",
        "parent",
        "parent =",
        "parent = a.",
        "follows_from = a::",
        "crate",
        "crate =",
        "crate = \"x\"",
        "= \"x\"",
        "# [",
        "skip_all no_err",
        "no_reply = true",
        "\"name\"",
        "1",
    ];
    for half in halves {
        let half = half.trim_end_matches(')');
        let closed = format!(
            "{half}{}{}",
            "]".repeat(half.matches('[').count()),
            ")".repeat(half.matches('(').count())
        );
        // What stands behind it is read all the same.
        for (options, wanted) in [(closed.clone(), 1), (format!("{closed}, nam = 1, skip(aa)"), 3)] {
            let found = faults(typed(&options), item.clone());
            let text = expand(typed(&options), item.clone());
            assert!(found.len() >= wanted, "`{options}`: {found:?}");
            assert!(found.iter().all(|message| !message.is_empty()), "`{options}`: {found:?}");
            assert_eq!(text.matches("fn f (").count(), 1, "`{options}`: {text}");
            assert!(text.ends_with(&item.to_string()) && !text.contains("__private"), "`{options}`: {text}");
        }
        let found = faults(typed(&format!("{closed}, nam = 1, skip(aa)")), item.clone());
        assert!(
            found.contains(&"`traced` has no option `nam`; did you mean `name`?".into()),
            "`{closed}`: {found:?}"
        );
        assert!(
            found.iter().any(|message| message.starts_with("`f` has no argument `aa`")),
            "`{closed}`: {found:?}"
        );
    }
}

#[test]
fn a_signature_that_is_being_typed_is_passed_on_once_as_it_stands() {
    for item in [
        "fn f",
        "fn f ()",
        "fn f (a :) {}",
        "fn f (a : u8) -> {}",
        "fn f (a) {}",
        "pub (crate) fn f (& self , a : Vec <) {}",
        "async fn",
        "fn (a : u8) {}",
        "impl S { fn f (& self , a :) {} }",
        "impl S { fn f (& self) { self . } fn }",
    ] {
        let item = typed(item);
        let text = expand(quote!(nam), item.clone());
        assert!(text.contains("did you mean `name`?"), "{text}");
        assert!(text.ends_with(&item.to_string()), "{text}");
        assert_eq!(text.matches(&item.to_string()).count(), 1, "{text}");
    }
}

#[test]
fn duplicates_and_options_that_exclude_each_other_are_told_in_one_go() {
    let item = quote!(
        fn f(a: u8, b: u8) -> u8 {
            a + b
        }
    );
    let options = quote!(
        name = "x",
        name = "y",
        skip_all,
        only(a),
        display(b),
        debug(b),
        reply = "r",
        no_reply,
        root,
        parent = p,
        polls,
        rett
    );
    let found = faults(options.clone(), item.clone());
    let about = |words: &[&str]| found.iter().any(|message| words.iter().all(|word| message.contains(word)));
    for words in [
        &["`name`", "given twice"][..],
        &["`skip_all`", "`only`"],
        &["`b`"],
        &["`reply = …`", "`no_reply`"],
        &["`root`", "`parent = …`"],
        &["`f`", "polls"],
        &["`rett`"],
    ] {
        assert!(about(words), "{words:?}: {found:#?}");
    }
    let text = expand(options, item.clone());
    assert!(text.ends_with(&item.to_string()) && text.matches("fn f (").count() == 1, "{text}");
}

#[test]
fn words_before_fn_and_attributes_inside_stay() {
    for (before, body) in [
        ("pub (crate) unsafe fn f (a : u8) -> u8 {", "a"),
        ("unsafe extern \"C\" fn f (a : u8) -> u8 {", "a"),
        ("# [cold] fn f (a : u8) -> u8 {", "# ! [allow (unused)] # ! [inline] a"),
    ] {
        let text = expand(quote!(), typed(&format!("{before} {body} }}")));
        let words = before.trim_end_matches(" {").trim_start_matches("# [cold] ");
        assert!(text.contains(&typed(words).to_string()), "{text}");
        assert!(!text.contains("compile_error") && !text.contains("# !"), "{text}");
        // What stood inside is for the whole function, and so before it.
        let place = |word: &str| text.find(word).unwrap_or_else(|| panic!("no {word}: {text}"));
        if body.contains("inline") {
            assert!(place("cold") < place("allow (unused)") && place("inline") < place("fn f"), "{text}");
        }
    }
}

#[test]
fn an_option_may_leave_what_has_a_body_of_its_own_but_not_the_function() {
    let of = |value: TokenStream| {
        faults(
            quote!(tags(a = #value)),
            quote!(
                fn f(q: Option<u8>) {}
            ),
        )
        .len()
    };
    for stays in [
        quote!((|| Some(q? + 1))()),
        quote!(q.map(|n| {
            return n;
        })),
        quote!(run(move |n: u8| n?, async move { q? }, async |n| n?)),
        quote!(match q {
            Some(_) => |x| Some(x?),
            None => none,
        }),
        quote!(loop {
            if a || b {
                break 3;
            }
        }),
        quote!('a: { break 'a 1 }),
        quote!({
            fn inner(n: Option<u8>) -> Option<u8> {
                Some(n?)
            }
            inner(q)
        }),
        quote!(shown!(?q, "really?")),
        quote!(size_of::<dyn Any + ?Sized>()),
        quote!(?q),
    ] {
        assert_eq!(of(stays.clone()), 0, "{stays}");
    }
    for leaves in [
        quote!(q?),
        quote!(?q?),
        quote!(f(a)?.len()),
        quote!(a || b?),
        quote!(a | b?),
        quote!((|| 1, q?)),
        quote!(matches!(q?, 1)),
        quote!(return 3),
        quote!(if x { continue } else { 1 }),
        quote!((
            loop {
                break 1;
            },
            break
        )),
        quote!(later().await),
    ] {
        assert_eq!(of(leaves.clone()), 1, "{leaves}");
    }
}

#[test]
fn what_a_block_has_passed_on_is_one_with_an_attribute_that_it_did_not_see() {
    let function = quote!(
        #[cold]
        #[jaeger_runtime::traced(__in("Store", skip(b)))]
        fn f(a: u8, b: u8) {}
    );
    let text = expand(quote!(skip(a)), function.clone());
    assert!(text.contains("Store::f") && text.contains("enter_bare"), "{text}");
    assert_eq!(text.matches("__in").count(), 0, "{text}");
    let off = quote!(
        #[cold]
        fn f(a: u8, b: u8) {}
    );
    assert_eq!(expand(quote!(off), function.clone()), off.to_string());
    // Nor is it expanded once more beside a fault.
    let text = expand(quote!(nam = "x"), function);
    assert!(text.contains("did you mean `name`") && text.ends_with(&off.to_string()), "{text}");
}

#[test]
fn a_naked_function_is_told_and_left_out_of_a_block() {
    let naked = quote!(
        #[unsafe(naked)]
        extern "C" fn f() {
            naked_asm!("ret")
        }
    );
    let told = faults(quote!(), naked.clone());
    assert!(told.len() == 1 && told[0].contains("naked function cannot be traced"), "{told:?}");
    let block = quote!(mod m { #naked });
    assert_eq!(expand(quote!(), block.clone()), block.to_string());
}

#[test]
fn twice_is_told_and_what_another_crate_calls_so_is_not() {
    let twice = faults(
        quote!(),
        quote!(
            #[traced(skip(a))]
            fn f(a: u8) {}
        ),
    );
    assert!(twice.len() == 1 && twice[0].contains("stands here twice"), "{twice:?}");
    let other = quote!(
        #[other::traced(skip(a))]
        fn f(a: u8) {}
    );
    assert_eq!(faults(quote!(), other), [""; 0]);
}
