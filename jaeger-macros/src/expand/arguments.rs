//! How arguments get into a closure, an async block, or behind the recording of them.
//!
//! By name and in order (`let a = a; let mut b = b;`), so that they are dropped there as the plain function drops them, and so that an argument that the body does not use is still told by
//! the compiler: the recording used the outer name, the inner one is the body's alone. A pattern is bound inside, as the plain function binds it after the arguments have arrived.

use super::Expansion;
use crate::check::Recorded;
use crate::model::Parameter;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::{FnArg, Pat, Signature};

/// The signature with a plain name for each argument, and what has to be written for it.
pub(super) struct Moved {
    pub(super) signature: Signature,
    /// First in a block that captures: names what is not recorded, so that everything is captured in order.
    pub(super) touched: TokenStream,
    /// Binds the arguments under their own names, whole and in their order.
    pub(super) statements: TokenStream,
    /// Names that exist only inside: parts of a pattern. They are recorded there.
    inside: Vec<Ident>,
}

impl Moved {
    /// What can be recorded where the span opens.
    pub(super) fn outside<'a>(&self, recorded: &'a [Recorded]) -> Vec<&'a Recorded> {
        recorded.iter().filter(|argument| !self.inside.contains(&argument.name)).collect()
    }
}

impl Expansion<'_> {
    /// Moves the arguments if they must be (`captured`: into a closure or block), or if the compiler could no longer tell that one is unused.
    pub(super) fn moved(&self, captured: bool) -> Moved {
        let (at, function) = (self.at, self.function);
        let mut moved = Moved {
            signature: function.signature.clone(),
            touched: TokenStream::new(),
            statements: TokenStream::new(),
            inside: vec![],
        };
        let in_pattern = |name: &Ident| {
            function.parameters().into_iter().any(
                |parameter| matches!(parameter, Parameter::Pattern { names, .. } if names.contains(name)),
            )
        };
        let recorded = &self.plan.arguments;
        let recorded_whole =
            recorded.iter().any(|argument| argument.name != "self" && !in_pattern(&argument.name));
        let recorded_parts = recorded.iter().any(|argument| in_pattern(&argument.name));
        // Parts are recorded where the span opens only if they are there by then.
        if !captured && (!recorded_whole || recorded_parts) || function.is_variadic() {
            return moved;
        }
        if let Some(this) = function.receiver().filter(|_| captured) {
            moved.touched.extend(quote_spanned!(at=> let _ = &#this;));
        }
        let mut touched = vec![];
        let patterns = moved.signature.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(&mut typed.pat),
            FnArg::Receiver(_) => None,
        });
        for (i, (parameter, pattern)) in function.parameters().into_iter().zip(patterns).enumerate() {
            let plain = format_ident!("__jaeger_arg{i}", span = at);
            let (name, bind) = match parameter {
                Parameter::Name { name, mutable } => {
                    let mutable = mutable.then(|| quote_spanned!(at=> mut));
                    if name.to_string().starts_with('_') {
                        // To read `_x`, or to bind it to a mere name, would be a lint.
                        (plain.clone(), quote_spanned!(at=> let (#mutable #name,) = (#plain,);))
                    } else {
                        (name.clone(), quote_spanned!(at=> let #mutable #name = #name;))
                    }
                }
                Parameter::Pattern { pattern, names } => {
                    moved.inside.extend(names);
                    (plain.clone(), quote_spanned!(at=> let #plain = #plain; let #pattern = #plain;))
                }
            };
            moved.statements.extend(bind);
            touched.push(quote_spanned!(at=> let _ = &#name;));
            if captured && !recorded.iter().any(|argument| argument.name == name) {
                // What is captured when is decided by who is named first.
                moved.touched.extend(std::mem::take(&mut touched));
            }
            **pattern = Pat::Ident(syn::PatIdent {
                attrs: vec![],
                by_ref: None,
                mutability: None,
                ident: name,
                subpat: None,
            });
        }
        // An argument that an option uses is not unused.
        for name in function.bindings().iter().filter(|name| self.plan.mentions(name)) {
            moved.statements.extend(quote_spanned!(at=> let _ = &#name;));
        }
        let inside: Vec<&Recorded> =
            recorded.iter().filter(|argument| moved.inside.contains(&argument.name)).collect();
        if !inside.is_empty() {
            let bound = self.bound(&inside);
            moved.statements.extend(bound);
        }
        moved
    }
}
