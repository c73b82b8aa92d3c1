//! How arguments get into a closure, an async block, or behind the recording of them.
//!
//! By name and in order (`let a = a; let mut b = b;`), so that they are dropped there as the plain function drops them, and so that an argument that the body does not use is still told by
//! the compiler: the recording used the outer name, the inner one is the body's alone. A pattern is bound inside, as the plain function binds it after the arguments have arrived.

use super::Expansion;
use crate::check::{Recorded, contains};
use crate::model::Parameter;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote_spanned};
use syn::{Attribute, FnArg, Pat, Signature, Token, Type};

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
        if !captured && !recorded_whole && !recorded_parts || function.is_variadic() {
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
            if let (Parameter::Name { name, .. }, false, Type::Ptr(_)) =
                (&parameter, function.is_async(), &*input.ty)
            {
                // It drops nothing, and linters look for what is done to the very parameter (`not_unsafe_ptr_arg_deref`). Whether it is used is seen well enough.
                if contains(&function.body.stream(), name) {
                    continue;
                }
            }
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
                    let bind = match parts.is_empty() {
                        true => quote_spanned!(at=> #(#attributes)* let #pattern = #plain;),
                        false => self.parted(pattern, &names, &parts, &plain, attributes),
                    };
                    moved.inside.extend(names);
                    // Not needed behind a reference, where it would be a lint.
                    let mutable = has_ref_mut(pattern.to_token_stream())
                        .then(|| (quote_spanned!(at=> #[allow(unused_mut)]), quote_spanned!(at=> mut)));
                    let (allowed, mutable) = mutable.unzip();
                    (
                        plain.clone(),
                        quote_spanned!(at=> #(#attributes)* #allowed let #mutable #plain = #plain; #bind),
                    )
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
        // An argument that an option uses is not unused. Not borrowed, or a future would keep it twice.
        for name in function.bindings().iter().filter(|name| self.plan.mentions(name)) {
            moved.statements.extend(quote_spanned!(at=> let _ = #name;));
        }
        moved
    }

    /// A pattern bound under names of ours, its parts recorded, and moved on to their own names: so one that the body does not use is still told. In a block, at whose end what was borrowed for the
    /// recording is gone: a future would hold it beside what it was moved to.
    fn parted(
        &self,
        pattern: &Pat,
        names: &[Ident],
        parts: &[&Recorded],
        plain: &Ident,
        attributes: &[Attribute],
    ) -> TokenStream {
        let at = self.at;
        let mut own = Renamed { names, mutable: vec![] };
        let mut renamed = pattern.clone();
        // A macro may have put two of the same name into one pattern.
        let ambiguous = names.iter().enumerate().any(|(i, name)| names[..i].contains(name));
        if ambiguous || !own.rename(&mut renamed) {
            let bound = self.bound(parts);
            return quote_spanned!(at=> #(#attributes)* let #pattern = #plain; #bound);
        }
        let ours: Vec<Ident> = (0..names.len()).map(part).collect();
        let shown: Vec<Recorded> = parts
            .iter()
            .filter_map(|recorded| {
                let position = names.iter().position(|name| *name == recorded.name)?;
                Some(Recorded { name: part(position), key: recorded.key.clone(), shown: recorded.shown })
            })
            .collect();
        let bound = self.bound(&shown.iter().collect::<Vec<_>>());
        let mutable =
            names.iter().map(|name| own.mutable.iter().find(|(of, _)| of == name).map(|(_, word)| word));
        quote_spanned! {at=>
            #(#attributes)* let (#(#mutable #names,)*) = { let #renamed = #plain; #bound (#(#ours,)*) };
        }
    }
}

/// Whether a pattern borrows a part of what it is given mutably.
fn has_ref_mut(pattern: TokenStream) -> bool {
    let mut after_ref = false;
    pattern.into_iter().any(|token| match token {
        TokenTree::Group(group) => has_ref_mut(group.stream()),
        TokenTree::Ident(word) => {
            let found = after_ref && word == "mut";
            after_ref = word == "ref";
            found
        }
        _ => false,
    })
}

/// Our name of a pattern's part.
fn part(position: usize) -> Ident {
    format_ident!("__jaeger_part{position}", span = Span::mixed_site())
}

/// Puts names of ours where a pattern binds, and notes the `mut`s that stood there.
struct Renamed<'a> {
    names: &'a [Ident],
    mutable: Vec<(Ident, Token![mut])>,
}

impl Renamed<'_> {
    /// False for a pattern that it does not know.
    fn rename(&mut self, pattern: &mut Pat) -> bool {
        match pattern {
            Pat::Ident(ident) => {
                // What is not among the names is a constant.
                if let Some(position) = self.names.iter().position(|name| *name == ident.ident) {
                    // The `mut` of `ref mut` is the reference's.
                    let mutable = if ident.by_ref.is_none() { ident.mutability.take() } else { None };
                    self.mutable.extend(mutable.map(|word| (self.names[position].clone(), word)));
                    ident.ident = part(position);
                }
                ident.subpat.as_mut().is_none_or(|(_, inner)| self.rename(inner))
            }
            Pat::Tuple(tuple) => tuple.elems.iter_mut().all(|p| self.rename(p)),
            Pat::TupleStruct(tuple) => tuple.elems.iter_mut().all(|p| self.rename(p)),
            Pat::Struct(fields) => fields.fields.iter_mut().all(|field| {
                // `Point { x }` is `Point { x: x }`.
                field.colon_token.get_or_insert_with(Default::default);
                self.rename(&mut field.pat)
            }),
            Pat::Slice(slice) => slice.elems.iter_mut().all(|p| self.rename(p)),
            Pat::Reference(reference) => self.rename(&mut reference.pat),
            Pat::Paren(paren) => self.rename(&mut paren.pat),
            Pat::Or(or) => or.cases.iter_mut().all(|p| self.rename(p)),
            Pat::Wild(_) | Pat::Rest(_) | Pat::Lit(_) | Pat::Path(_) | Pat::Range(_) => true,
            _ => false,
        }
    }
}
