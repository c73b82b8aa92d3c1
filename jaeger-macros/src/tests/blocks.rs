//! What an annotated block says of itself.

use super::{expand, faults};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

#[test]
fn a_block_in_which_nothing_can_be_traced_says_so() {
    let of = |item: TokenStream| faults(quote!(), item).join("; ");
    let bodiless = of(quote!(
        pub trait T {
            const N: u8;
            fn nobody(&self);
            fn neither(&self) -> u8;
        }
    ));
    assert!(bodiless.contains("nothing in this `trait`") && bodiless.contains("no body"), "{bodiless}");
    let constant = of(quote!(
        impl A {
            const fn f() -> u8 {
                1
            }
        }
    ));
    assert!(constant.contains("nothing in this `impl`") && constant.contains("compile time"), "{constant}");
    let within = of(quote!(
        mod m {
            const fn f() {}
            trait T {
                fn nobody();
            }
        }
    ));
    assert!(within.contains("nothing in this `mod`"), "{within}");
    for quiet in [
        quote!(
            trait T {
                fn nobody(&self);
                fn somebody(&self) {}
            }
        ),
        quote!(
            trait T {
                fn nobody(&self);
                made_by_a_macro! {}
            }
        ),
        quote!(
            trait Marker {
                type T;
            }
        ),
        // Begun, and to be filled.
        quote!(
            impl A {}
        ),
        quote!(impl A { fn being_typed(&self) }),
        quote!(
            impl A {
                const fn f() {}
                #[traced(off)]
                fn g() {}
            }
        ),
    ] {
        assert_eq!(faults(quote!(), quiet.clone()), [""; 0], "{quiet}");
    }
}

/// What a macro has put in for a fragment stands in a group without delimiters.
fn fragment(tokens: TokenStream) -> TokenTree {
    Group::new(Delimiter::None, tokens).into()
}

#[test]
fn what_a_macro_has_put_into_a_block_is_traced_like_what_is_written_there() {
    let item = fragment(quote!(
        #[inline]
        pub fn item() {}
    ));
    let (nothing, all, within) =
        (fragment(quote!()), fragment(quote!(pub)), fragment(quote!(pub(in crate::m))));
    let body = fragment(quote!({ 1 }));
    let twice = fragment(TokenStream::from(fragment(quote!(
        fn twice() {}
    ))));
    let block = fragment(quote!(
        impl T {
            fn inside(&self) {}
        }
    ));
    let (constant, structure) = (
        fragment(quote!(
            const K: u8 = 1;
        )),
        fragment(quote!(
            struct S;
        )),
    );
    let path = fragment(quote!(a::made));
    let literal = fragment(quote!("C"));
    let text = expand(
        quote!(),
        quote!(mod m {
            #structure
            #constant
            #path! { fn not_seen() {} }
            #item
            #nothing fn hidden() -> u8 #body
            #all async fn seen() {}
            #within extern #literal fn foreign() {}
            #[cold] #twice
            #block
            fn written() {}
        }),
    );
    let text = text.replace(' ', "");
    for words in [
        "pub fn item",
        "fn hidden",
        "pub async fn seen",
        "pub(in crate::m) extern \"C\" fn foreign",
        "fn twice",
        "fn written",
    ] {
        let annotated = format!("#[::jaeger_runtime::traced(__in(\"\"))]{words}").replace(' ', "");
        assert!(text.contains(&annotated), "{words}: {text}");
    }
    assert!(text.contains(r#"#[::jaeger_runtime::traced(__in("T"))]fninside"#), "{text}");
    assert_eq!(text.matches("traced").count(), 7, "{text}");
}

#[test]
fn a_type_that_a_macro_has_put_in_names_functions_as_one_that_is_written_does() {
    for (ty, name) in
        [(quote!(a::Type<'_, u8>), "Type"), (quote!(dyn Trait), "Trait"), (quote!((A, B)), "(A,B)")]
    {
        let put_in = fragment(ty.clone());
        let text = expand(quote!(), quote!(impl Trait for #put_in { fn f(&self) {} }));
        assert!(text.contains(&format!("{name:?}")), "{text}");
        let written = expand(quote!(), quote!(impl Trait for #ty { fn f(&self) {} }));
        assert!(written.contains(&format!("{name:?}")), "{written}");
    }
}

#[test]
fn what_a_macro_has_put_into_a_block_that_is_off_stays() {
    let item = fragment(quote!(
        #[traced(__in("T"))]
        fn item() {}
    ));
    let text = expand(quote!(off), quote!(mod m { #item fn written() {} }));
    assert!(!text.contains("traced") && text.contains("fn item") && text.contains("fn written"), "{text}");
}
