//! The expansion as tokens, without a compiler: faults at their places, functions that survive them, the shape that a body gets.

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
    assert!(text.contains(r#"concat ! ("charge\0out\0client\0type\0x\0n\0http.status\0a.b\0" ,"#), "{text}");
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
