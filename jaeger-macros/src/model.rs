//! The function: attributes, visibility, signature, and the body as it stands, never parsed.
//!
//! What can be said of a body without parsing it is said by a scan of its tokens (`model/scan.rs`); what its reply is, by the type after the arrow (`model/reply.rs`).

pub(crate) mod reply;
pub(crate) mod scan;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{
    Attribute, Error, FnArg, Meta, Pat, PatType, Receiver, ReceiverKind, Signature, Token, Visibility,
};

pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// `default`, of specialisation.
    pub(crate) default: Option<Ident>,
    pub(crate) signature: Signature,
    /// Without the `#![…]` at its front, which stand among the attributes: they are for the whole function, not for the part of it that the body becomes.
    pub(crate) body: Group,
}

/// A parameter, by how it binds.
pub(crate) enum Parameter<'a> {
    /// One name for the whole argument.
    Name { name: &'a Ident, mutable: Option<Token![mut]>, attributes: &'a [Attribute] },
    /// A pattern, which may bind names or none.
    Pattern { pattern: &'a Pat, names: Vec<Ident>, attributes: &'a [Attribute] },
}

impl<'a> Parameter<'a> {
    fn of(typed: &'a PatType) -> Self {
        let attributes = &typed.attrs;
        match &*typed.pat {
            Pat::Ident(ident) if ident.by_ref.is_none() && ident.subpat.is_none() => {
                Self::Name { name: &ident.ident, mutable: ident.mutability, attributes }
            }
            pattern => {
                let mut names = vec![];
                collect(pattern, &mut names);
                Self::Pattern { pattern, names, attributes }
            }
        }
    }

    /// Whether it may not be there, so that it cannot be recorded.
    fn is_conditional(&self) -> bool {
        let (Self::Name { attributes, .. } | Self::Pattern { attributes, .. }) = self;
        attributes
            .iter()
            .any(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"))
    }

    pub(crate) fn names(self) -> Vec<Ident> {
        match self {
            Self::Name { name, .. } => vec![name.clone()],
            Self::Pattern { names, .. } => names,
        }
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility: Visibility = input.parse()?;
        let default = match input.cursor().ident() {
            Some((word, _)) if word == "default" => Some(input.parse()?),
            _ => None,
        };
        if !starts_a_function(input) {
            let message = "`#[traced]` goes on a function with a body, or on an `impl` block, a `trait` or a `mod` for every function in it";
            return Err(input.error(message));
        }
        let signature: Signature = input.parse()?;
        match input.parse::<TokenTree>().map(unwrapped) {
            Ok(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => {
                let (inner, body) = scan::inner_attributes(&body);
                attributes.extend(Attribute::parse_outer.parse2(inner)?);
                attributes.iter_mut().for_each(allow_what_is_lost);
                Ok(Self { attributes, visibility, default, signature, body })
            }
            _ => {
                let message = "this function has no body to trace: put `#[traced]` on the implementation, or on a default method";
                Err(Error::new(signature.ident.span(), message))
            }
        }
    }
}

/// Lints that annotated functions no longer draw (`tests/world/src/argued.rs` says why), by the last of their names.
const LOST: [&str; 16] = [
    "ptr_arg",
    "boxed_local",
    "only_used_in_recursion",
    "manual_async_fn",
    "unconditional_recursion",
    "missing_errors_doc",
    "needless_pass_by_value",
    "unused_async",
    "unnecessary_wraps",
    "async_fn_in_trait",
    "toplevel_ref_arg",
    "ungated_async_fn_track_caller",
    "duplicate_underscore_argument",
    "refining_impl_trait",
    "refining_impl_trait_reachable",
    "refining_impl_trait_internal",
];

/// `#[expect(…)]` of such a lint would be told as unfulfilled: it says `allow` instead.
fn allow_what_is_lost(attribute: &mut Attribute) {
    let Meta::List(list) = &mut attribute.meta else { return };
    let names_lost =
        |token: TokenTree| matches!(token, TokenTree::Ident(name) if LOST.iter().any(|lost| name == lost));
    if list.path.is_ident("expect") && list.tokens.clone().into_iter().any(names_lost) {
        list.path = Ident::new("allow", list.path.segments[0].ident.span()).into();
    }
}

/// What a macro has put in for `$body:block` stands in a group without delimiters.
fn unwrapped(token: TokenTree) -> TokenTree {
    match &token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            let mut within = group.stream().into_iter();
            match (within.next(), within.next()) {
                (Some(only), None) => unwrapped(only),
                _ => token,
            }
        }
        _ => token,
    }
}

fn starts_a_function(input: ParseStream<'_>) -> bool {
    let mut cursor = input.cursor();
    loop {
        if let Some((word, rest)) = cursor.ident() {
            match word.to_string().as_str() {
                "fn" => return true,
                "const" | "async" | "unsafe" | "safe" | "extern" => cursor = rest,
                _ => return false,
            }
        } else if let Some((_, rest)) = cursor.literal() {
            cursor = rest;
        } else {
            return false;
        }
    }
}

/// Attributes that the compiler knows and that are no macros: they do not look at the function's signature.
const INERT: [&str; 24] = [
    "doc",
    "allow",
    "warn",
    "deny",
    "forbid",
    "expect",
    "must_use",
    "deprecated",
    "inline",
    "cold",
    "cfg",
    "track_caller",
    "target_feature",
    "no_mangle",
    "export_name",
    "link_section",
    "unsafe",
    "automatically_derived",
    "coverage",
    "optimize",
    "clippy",
    "rustfmt",
    "diagnostic",
    "rustc_must_implement_one_of",
];

impl Function {
    /// The parameters but `self`, in order.
    pub(crate) fn parameters(&self) -> Vec<Parameter<'_>> {
        let typed = self.signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        typed.map(Parameter::of).collect()
    }

    /// The names that the parameters bind, in order; `self` is none.
    pub(crate) fn bindings(&self) -> Vec<Ident> {
        self.parameters().into_iter().flat_map(Parameter::names).collect()
    }

    /// Names of parameters under a `#[cfg]`.
    pub(crate) fn conditional(&self) -> Vec<Ident> {
        self.parameters().into_iter().filter(Parameter::is_conditional).flat_map(Parameter::names).collect()
    }

    /// The `self` parameter as it was written: the word is hygienic, so only this one names it.
    pub(crate) fn receiver(&self) -> Option<Token![self]> {
        self.signature.inputs.iter().find_map(|input| match input {
            FnArg::Receiver(receiver) => Some(receiver.self_token),
            FnArg::Typed(_) => None,
        })
    }

    /// `&self` or `&mut self`.
    pub(crate) fn takes_self_by_reference(&self) -> bool {
        matches!(
            self.signature.inputs.first(),
            Some(FnArg::Receiver(Receiver { kind: ReceiverKind::Reference(..), .. }))
        )
    }

    pub(crate) fn is_async(&self) -> bool {
        self.signature.asyncness.is_some()
    }

    pub(crate) fn has_attribute(&self, name: &str) -> bool {
        self.attributes.iter().any(|attribute| attribute.path().is_ident(name))
    }

    /// Whether it is assembly, by `#[unsafe(naked)]`.
    pub(crate) fn is_naked(&self) -> bool {
        self.attributes.iter().any(|attribute| says_naked(attribute.meta.to_token_stream()))
    }

    /// Whether the body must stay in this very function: a closure would move the place that `#[track_caller]` tells, and lose the features.
    pub(crate) fn stays_in_place(&self) -> bool {
        self.has_attribute("track_caller") || self.has_attribute("target_feature") || self.is_indexing()
    }

    /// Whether it may be of `Index` or `IndexMut`, of whose functions the trait says `#[track_caller]`.
    fn is_indexing(&self) -> bool {
        let Signature { ident, inputs, .. } = &self.signature;
        (ident == "index" || ident == "index_mut") && inputs.len() == 2 && self.receiver().is_some()
    }

    /// Whether another macro will see this function after us: it may look for the word `async`.
    pub(crate) fn has_other_macros(&self) -> bool {
        self.attributes.iter().any(|attribute| {
            let first = attribute.path().segments.first();
            !first.is_some_and(|segment| INERT.iter().any(|known| segment.ident == known))
        })
    }

    /// Whether it takes C's `...`, which nothing can be moved around.
    pub(crate) fn is_variadic(&self) -> bool {
        self.signature.variadic.is_some()
    }
}

/// Whether what stands in the brackets of an attribute is `unsafe(naked)`.
pub(crate) fn says_naked(attribute: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = attribute.into_iter().collect();
    match &tokens[..] {
        [TokenTree::Ident(word)] => word == "naked",
        [TokenTree::Ident(word), TokenTree::Group(inside)] => word == "unsafe" && says_naked(inside.stream()),
        _ => false,
    }
}

fn collect(pattern: &Pat, to: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(ident) => {
            // A lone upper-case name inside a pattern is a constant or a unit struct far more often than a binding; as a binding it is a warning.
            let name = ident.ident.to_string();
            if ident.subpat.is_some() || !name.starts_with(|c: char| c.is_uppercase()) {
                to.push(ident.ident.clone());
            }
            if let Some((_, inner)) = &ident.subpat {
                collect(inner, to);
            }
        }
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|p| collect(p, to)),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|p| collect(p, to)),
        Pat::Struct(fields) => fields.fields.iter().for_each(|f| collect(&f.pat, to)),
        Pat::Slice(slice) => slice.elems.iter().for_each(|p| collect(p, to)),
        Pat::Reference(reference) => collect(&reference.pat, to),
        Pat::Paren(paren) => collect(&paren.pat, to),
        Pat::Type(typed) => collect(&typed.pat, to),
        // Alternatives bind the same names.
        Pat::Or(or) => or.cases.first().into_iter().for_each(|p| collect(p, to)),
        _ => {}
    }
}
