//! Which of the groups that a macro has put in get parentheses: those of which a neighbour could take a part.

use crate::fragments::{in_function, in_item, in_options, in_statements};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

fn fragment(text: &str) -> TokenTree {
    Group::new(Delimiter::None, text.parse().unwrap()).into()
}

/// Whether a group of that content, beside others, gets parentheses.
fn is_bound(text: &str, by: impl Fn(TokenStream) -> TokenStream) -> bool {
    let put_in = fragment(text);
    let kept: Vec<TokenTree> = by(quote!(a #put_in b)).into_iter().collect();
    let [_, TokenTree::Group(group), _] = &kept[..] else { panic!("{text}") };
    assert_eq!(group.stream().to_string(), put_in.to_string().trim(), "{text}");
    group.delimiter() == Delimiter::Parenthesis
}

#[test]
fn a_value_of_more_than_one_piece_is_bound() {
    for text in [
        "1 + 2",
        "-1",
        "!a",
        "*a",
        "&a",
        "a - b",
        "a as u8",
        "a..b",
        "..b",
        "a..",
        "a || b",
        "a == b",
        "a != b",
        "a < b",
        "a << 1",
        "a = b",
        "|x| x",
        "move || 1",
        "if a { b } else { c }",
        "match a { _ => 1 }",
        "return a",
        "a::<u8>() + 1",
        "a < b && c > d",
        "Vec::<u8>::new() == b",
    ] {
        assert!(is_bound(text, in_options), "{text}");
    }
    for text in [
        "",
        "a",
        "1",
        "\"x\"",
        "a.b",
        "a.b()",
        "a()?",
        "a[0]",
        "format!(\"{x}\")",
        "(a + b)",
        "[a + b]",
        "{ a + b }",
        "a::b",
        "Vec::<u8>::new()",
        "Vec<u8>",
        "<u8 as T>::x()",
        "let x = 1 + 2",
        "fn f() -> u8 { 1 }",
        "use a::*",
    ] {
        assert!(!is_bound(text, in_options), "{text}");
    }
}

#[test]
fn a_type_or_pattern_of_more_than_one_piece_is_bound() {
    let by = |tokens| in_function(quote!(#tokens {})).into_iter().take(3).collect();
    for text in ["dyn A + B", "impl A + 'a", "dyn Fn() -> u8 + Send", "1 | 2", "A(x) | B(x)"] {
        assert!(is_bound(text, by), "{text}");
    }
    for text in [
        "u8",
        "&'a u8",
        "*const u8",
        "Vec<u8>",
        "Box<dyn A + B>",
        "dyn A",
        "fn(u8) -> u8",
        "pub",
        "pub(crate)",
        "[u8; 1 + 2]",
        "A { x, .. }",
    ] {
        assert!(!is_bound(text, by), "{text}");
    }
}

#[test]
fn what_stands_alone_or_is_passed_on_whole_stays() {
    let value = fragment("1 + 2");
    let groups = |tokens: TokenStream| tokens.to_string().matches('(').count();
    // Between delimiters.
    assert_eq!(groups(in_options(quote!([#value]))), 0);
    assert_eq!(groups(in_options(quote!([#value * 2]))), 1);
    // A length is a value, the rest of a signature is types.
    assert_eq!(groups(in_function(quote!(fn f() -> [u8; #value * 2] {}))), 2);
    assert_eq!(groups(in_function(quote!(fn f() -> A<{ #value * 2 }> {}))), 2);
    // A body, an attribute, what is in the braces of an item.
    assert_eq!(groups(in_function(quote!(fn f() { #value * 2 }))), 1);
    assert_eq!(
        groups(in_function(quote!(
            #[a[#value * 2]]
            fn f() {}
        ))),
        1
    );
    let item: Vec<TokenTree> = quote!(static A: u8 = #value * f { #value * 2 };).into_iter().collect();
    assert_eq!(groups(in_item(&item)), 1);
    let body: Vec<TokenTree> = quote!(#value * 2; g { #value * 2 }).into_iter().collect();
    assert_eq!(groups(in_statements(&body)), 1);
    // One in the other.
    let outer: TokenTree = Group::new(Delimiter::None, quote!(#value * 2)).into();
    assert_eq!(in_options(quote!(a = #outer - 1)).to_string(), "a = ((1 + 2) * 2) - 1");
}
