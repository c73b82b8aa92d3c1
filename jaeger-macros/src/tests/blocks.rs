//! What an annotated block says of itself.

use super::faults;
use proc_macro2::TokenStream;
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
