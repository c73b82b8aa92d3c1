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
        // A reference drops nothing; left out of a closure that does not use it, it is still told as unused. A future without it would be Send where the plain one is not.
        let whole = captured && (function.is_async() || !function.takes_self_by_reference());
        if let Some(this) = function.receiver().filter(|_| whole) {
            moved.touched.extend(quote_spanned!(at=> let _ = &#this;));
        }
        let mut touched = vec![];
        let inputs = moved.signature.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        for (i, (parameter, input)) in function.parameters().into_iter().zip(inputs).enumerate() {
            let plain = format_ident!("__jaeger_arg{i}", span = at);
            let (name, bind) = match parameter {
                Parameter::Name { name, mutable, attributes } => {
                    // To read `_x`, or to bind it to a mere name, would be a lint.
                    let underscored = name.to_string().starts_with('_');
                    let argument = if underscored { &plain } else { name };
                    let bind = match underscored {
                        true => quote_spanned!(at=> #(#attributes)* let (#mutable #name,) = (#argument,);),
                        false => quote_spanned!(at=> #(#attributes)* let #mutable #name = #argument;),
                    };
                    (argument.clone(), bind)
                }
                Parameter::Pattern { pattern, names, attributes } => {
                    let parts: Vec<&Recorded> =
                        recorded.iter().filter(|argument| names.contains(&argument.name)).collect();
                    let bound = (!parts.is_empty()).then(|| self.bound(&parts));
                    let bind =
                        match rebound(pattern, &names).filter(|_| bound.is_some() && !function.is_async()) {
                            Some((pattern, rebind)) => {
                                quote_spanned!(at=> #(#attributes)* let #pattern = #plain; #bound #rebind)
                            }
                            None => quote_spanned!(at=> #(#attributes)* let #pattern = #plain; #bound),
                        };
                    moved.inside.extend(names);
                    (plain.clone(), quote_spanned!(at=> #(#attributes)* let #plain = #plain; #bind))
                }
            };
            moved.statements.extend(bind);
            let attributes = &input.attrs;
            touched.push(quote_spanned!(at=> #(#attributes)* let _ = &#name;));
            if captured && !recorded.iter().any(|argument| argument.name == name) {
                // What is captured when is decided by who is named first.
                moved.touched.extend(std::mem::take(&mut touched));
            }
            *input.pat = Pat::Ident(syn::PatIdent {
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
        moved
    }
}

/// A pattern without `mut`, and its names bound once more, so that one that the body does not use is still told although it was recorded. Not where a name
/// begins with `_`; nor in an async function, whose future would hold them twice.
fn rebound(pattern: &Pat, names: &[Ident]) -> Option<(Pat, TokenStream)> {
    let at = proc_macro2::Span::mixed_site();
    if names.iter().any(|name| name.to_string().starts_with('_')) {
        return None;
    }
    let (mut pattern, mut mutable) = (pattern.clone(), vec![]);
    if !take_mut(&mut pattern, &mut mutable) {
        return None;
    }
    let rebind = names.iter().map(|name| {
        let mutable = mutable.iter().find(|(of, _)| of == name).map(|(_, word)| word);
        quote_spanned!(at=> let #mutable #name = #name;)
    });
    let rebind = rebind.collect();
    Some((pattern, rebind))
}

/// Takes the `mut`s out of a pattern; false for one that it does not know.
fn take_mut(pattern: &mut Pat, to: &mut Vec<(Ident, syn::Token![mut])>) -> bool {
    match pattern {
        Pat::Ident(ident) if ident.by_ref.is_none() => {
            to.extend(ident.mutability.take().map(|word| (ident.ident.clone(), word)));
            ident.subpat.is_none()
        }
        Pat::Tuple(tuple) => tuple.elems.iter_mut().all(|p| take_mut(p, to)),
        Pat::TupleStruct(tuple) => tuple.elems.iter_mut().all(|p| take_mut(p, to)),
        Pat::Struct(fields) => fields.fields.iter_mut().all(|f| {
            f.colon_token.is_some() && take_mut(&mut f.pat, to)
                || f.colon_token.is_none() && plain_field(&f.pat)
        }),
        Pat::Slice(slice) => slice.elems.iter_mut().all(|p| take_mut(p, to)),
        Pat::Reference(reference) => take_mut(&mut reference.pat, to),
        Pat::Paren(paren) => take_mut(&mut paren.pat, to),
        Pat::Wild(_) | Pat::Rest(_) => true,
        _ => false,
    }
}

/// `Point { x }`, where a `mut` has no other place.
fn plain_field(pattern: &Pat) -> bool {
    matches!(pattern, Pat::Ident(ident) if ident.mutability.is_none() && ident.by_ref.is_none())
}
