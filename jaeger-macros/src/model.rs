//! The function: attributes, visibility, signature, and the body as it stands, never parsed. What can be said of the body without parsing it is said by a scan of its tokens.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, FnArg, Pat, ReturnType, Signature, Token, Type, Visibility};

pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// `default`, of specialisation.
    pub(crate) default: Option<Ident>,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

/// A parameter, by how it binds.
pub(crate) enum Parameter<'a> {
    /// One name for the whole argument.
    Name { name: &'a Ident, mutable: bool },
    /// A pattern, which may bind names or none.
    Pattern { pattern: &'a Pat, names: Vec<Ident> },
}

impl<'a> Parameter<'a> {
    fn of(pattern: &'a Pat) -> Self {
        match pattern {
            Pat::Ident(ident) if ident.by_ref.is_none() && ident.subpat.is_none() => {
                Self::Name { name: &ident.ident, mutable: ident.mutability.is_some() }
            }
            pattern => {
                let mut names = vec![];
                collect(pattern, &mut names);
                Self::Pattern { pattern, names }
            }
        }
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
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility: Visibility = input.parse()?;
        let default = match input.cursor().ident() {
            Some((word, _)) if word == "default" => Some(input.parse()?),
            _ => None,
        };
        if !starts_a_function(input) {
            return Err(input.error("`#[traced]` goes on a function or method"));
        }
        let signature: Signature = input.parse()?;
        match input.parse::<TokenTree>() {
            Ok(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => {
                Ok(Self { attributes, visibility, default, signature, body })
            }
            _ => {
                let message = "this function has no body to trace: put `#[traced]` on the implementation, or on a default method";
                Err(Error::new(signature.ident.span(), message))
            }
        }
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

impl Function {
    /// The parameters but `self`, in order.
    pub(crate) fn parameters(&self) -> Vec<Parameter<'_>> {
        let typed = self.signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(&*typed.pat),
            FnArg::Receiver(_) => None,
        });
        typed.map(Parameter::of).collect()
    }

    /// The names that the parameters bind, in order; `self` is none.
    pub(crate) fn bindings(&self) -> Vec<Ident> {
        self.parameters().into_iter().flat_map(|parameter| parameter.names()).collect()
    }

    /// The `self` parameter as it was written: the word is hygienic, so only this one names it.
    pub(crate) fn receiver(&self) -> Option<Token![self]> {
        self.signature.inputs.iter().find_map(|input| match input {
            FnArg::Receiver(receiver) => Some(receiver.self_token),
            FnArg::Typed(_) => None,
        })
    }

    pub(crate) fn has_attribute(&self, name: &str) -> bool {
        self.attributes.iter().any(|attribute| attribute.path().is_ident(name))
    }

    /// The type after the arrow, `None` where a reply would say nothing: no arrow, `()`, `!`.
    pub(crate) fn reply(&self) -> Option<&Type> {
        match &self.signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => match &**ty {
                Type::Never(_) => None,
                Type::Tuple(tuple) if tuple.elems.is_empty() => None,
                ty => Some(ty),
            },
        }
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

/// Macros of the standard library that cannot leave the function they stand in, other than by what is written in their arguments.
const HARMLESS: [&str; 24] = [
    "print",
    "println",
    "eprint",
    "eprintln",
    "write",
    "writeln",
    "format",
    "format_args",
    "vec",
    "panic",
    "todo",
    "unreachable",
    "unimplemented",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "matches",
    "concat",
    "stringify",
    "include_str",
    "env",
];

/// Whether the body may leave the function before its end: a `return`, a `?`, or a macro that may hide one.
pub(crate) fn may_leave_early(body: &TokenStream) -> bool {
    let mut tokens = body.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) if may_leave_early(&group.stream()) => return true,
            TokenTree::Punct(punct) if punct.as_char() == '?' => return true,
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                if name == "return" || name == "yield" {
                    return true;
                }
                let bang = matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '!');
                if bang && !HARMLESS.contains(&name.as_str()) {
                    tokens.next();
                    // `a != b` is no macro.
                    if matches!(tokens.peek(), Some(TokenTree::Group(_))) {
                        return true;
                    }
                }
            }
            _ => {}
        }
    }
    false
}

/// Whether a type says `impl Trait` anywhere, which can be named nowhere else.
pub(crate) fn has_impl_trait(ty: &TokenStream) -> bool {
    ty.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => has_impl_trait(&group.stream()),
        _ => false,
    })
}
