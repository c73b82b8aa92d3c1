//! What the options mean for this function, and everything that is wrong with them, each at its own place.
//!
//! Which arguments are recorded, under which key and how, is decided in `check/arguments.rs`.

mod arguments;
pub(crate) mod names;

use crate::Features;
use crate::args::{Container, Options, Shown, Tag};
use crate::model::Function;
use crate::model::reply::Reply;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Error, Expr, Path};

/// Faults found so far. Never dropped unseen: [`Faults::beside`] turns them into errors, or there were none.
#[derive(Default)]
pub(crate) struct Faults(Option<Error>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Error) {
        match &mut self.0 {
            Some(all) => all.combine(fault),
            None => self.0 = Some(fault),
        }
    }

    pub(crate) fn add(&mut self, at: Span, message: impl std::fmt::Display) {
        self.push(Error::new(at, message));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn into_error(self) -> Option<Error> {
        self.0
    }

    /// All errors, and the item untouched, so that it still exists for whoever calls it.
    pub(crate) fn beside(self, item: TokenStream) -> TokenStream {
        let errors = self.0.map(Error::into_compile_error);
        quote!(#errors #item)
    }
}

/// The tag that `kind` is.
const KIND: &str = "span.kind";

/// An argument that is recorded.
pub(crate) struct Recorded {
    pub(crate) name: Ident,
    pub(crate) key: String,
    pub(crate) shown: Shown,
}

/// Where the span hangs.
pub(crate) enum Relation {
    Ambient,
    Root,
    Parent(Expr),
}

/// What to write: decided, and free of faults.
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) arguments: Vec<Recorded>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) reply: Option<String>,
    pub(crate) record_reply: bool,
    pub(crate) mark_err: bool,
    pub(crate) max_len: Option<u32>,
    pub(crate) relation: Relation,
    pub(crate) follows_from: Option<Expr>,
    pub(crate) polls: bool,
    pub(crate) krate: Option<Path>,
    /// Streams have their own shape.
    pub(crate) streams: bool,
}

impl Plan {
    /// Whether an expression among the options uses a name.
    pub(crate) fn mentions(&self, name: &Ident) -> bool {
        let parent = match &self.relation {
            Relation::Parent(expr) => Some(expr.to_token_stream()),
            _ => None,
        };
        let follows = self.follows_from.as_ref().map(ToTokens::to_token_stream);
        let tags = self.tags.iter().map(|tag| tag.value.clone());
        parent.into_iter().chain(follows).chain(tags).any(|tokens| contains(&tokens, name))
    }
}

/// Whether a name stands among tokens.
pub(crate) fn contains(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => contains(&group.stream(), name),
        // A format string may name it.
        TokenTree::Literal(literal) => literal.to_string().contains(&name.to_string()),
        TokenTree::Punct(_) => false,
    })
}

pub(crate) fn check(
    mut options: Options,
    function: &Function,
    features: Features,
    faults: &mut Faults,
) -> Option<Plan> {
    let container = options.container.take().map(|container| *container).unwrap_or_default();
    if options.off.is_some() {
        if let Some((name, at)) = options.given().into_iter().next() {
            faults.add(
                at,
                format!("`off` leaves the function as it is, so `{name}` says nothing; use one of them"),
            );
        }
        return None;
    }
    if let Some(keyword) = &function.signature.constness {
        let message = "a `const fn` cannot be traced: it may run at compile time, where there is no clock. Trace the function that calls it";
        faults.add(keyword.span, message);
    }
    if function.is_naked() {
        let message = "a naked function cannot be traced: it is its assembly and nothing else. Trace the function that calls it";
        faults.add(function.signature.ident.span(), message);
    }
    exclusive(&options, faults);
    pointless(&options, function, faults);
    json(&options, features, faults);
    let arguments = arguments::decide(&options, &container, function, faults);
    let Container { prefix, options: outer } = container;
    let mut tags = outer.tags;
    tags.retain(|tag| !options.tags.iter().any(|own| own.key == tag.key));
    tags.append(&mut options.tags);
    let own = function.signature.ident.unraw().to_string();
    let own = if prefix.is_empty() { own } else { format!("{prefix}::{own}") };
    let text = |own: &Option<syn::LitStr>, outer: &Option<syn::LitStr>| {
        own.as_ref().or(outer.as_ref()).map(syn::LitStr::value)
    };
    // A function that names its reply wants it, whatever the block around it says.
    let record_reply = options.no_reply.is_none() && (options.reply.is_some() || outer.no_reply.is_none());
    let reply = text(&options.reply, &outer.reply);
    let key = reply.as_deref().unwrap_or("reply");
    let taken = match arguments.iter().find(|argument| argument.key == key) {
        Some(argument) => Some(format!("the argument `{}`", argument.name)),
        None => tags.iter().any(|tag| tag.key == key).then(|| "a tag".into()),
    };
    if let (Some(reply), Some(other), true) = (&options.reply, &taken, record_reply) {
        let message = format!(
            "{other} is recorded as `{key}` already; give the reply another key, or leave `reply` out"
        );
        faults.add(reply.span(), message);
    }
    // What the function calls so stands instead.
    let record_reply = record_reply && taken.is_none();
    let mut kind = text(&options.kind, &outer.kind);
    if options.kind.is_some() {
        tags.retain(|tag| tag.key != KIND);
    } else if tags.iter().any(|tag| tag.key == KIND) {
        kind = None;
    }
    let is_later = function.is_async() || matches!(function.reply(), Reply::Future(_) | Reply::Stream(_));
    Some(Plan {
        name: options.name.as_ref().map_or(own, syn::LitStr::value),
        kind,
        arguments,
        tags,
        reply,
        record_reply,
        mark_err: options.no_err.or(outer.no_err).is_none(),
        max_len: options.max_len.or(outer.max_len).map(|(_, bytes)| bytes),
        relation: match (options.parent, options.root) {
            (Some((_, parent)), _) => Relation::Parent(parent),
            (None, Some(_)) => Relation::Root,
            (None, None) => Relation::Ambient,
        },
        follows_from: options.follows_from.map(|(_, expr)| expr),
        polls: is_later && options.polls.or(outer.polls).is_some(),
        krate: options.krate.or(outer.krate),
        streams: features.stream,
    })
}

/// Options of which only one can be meant.
fn exclusive(options: &Options, faults: &mut Faults) {
    if let (Some(reply), Some(_)) = (&options.reply, options.no_reply) {
        let message = "`no_reply` records no reply, so `reply = …` has nothing to name; use one of them";
        faults.add(reply.span(), message);
    }
    if let (Some((at, _)), Some(_)) = (&options.parent, options.root) {
        faults.add(*at, "`root` starts a new trace, so `parent = …` says the opposite; use one of them");
    }
    if let (Some(kind), Some(tag)) = (&options.kind, options.tags.iter().find(|tag| tag.key == KIND)) {
        let message = format!("`kind = {}` is the tag `{KIND}`; use one of them", kind.value());
        faults.add(tag.key_span, message);
    }
    let mut seen: Vec<&str> = vec![];
    for tag in &options.tags {
        if seen.contains(&tag.key.as_str()) {
            faults.add(tag.key_span, format!("the tag `{}` is given twice", tag.key));
        }
        seen.push(&tag.key);
    }
}

/// Options that this function has no use for.
fn pointless(options: &Options, function: &Function, faults: &mut Faults) {
    let name = &function.signature.ident;
    let later = matches!(function.reply(), Reply::Future(_) | Reply::Stream(_));
    if let (Some(at), false) = (options.polls, function.is_async() || later) {
        faults.add(at, format!("`{name}` is not async and returns no future, so it has no polls to count"));
    }
    if matches!(function.reply(), Reply::Nothing) {
        let message = |option| format!("`{name}` returns nothing, so `{option}` says nothing; leave it out");
        if let Some(reply) = &options.reply {
            faults.add(reply.span(), message("reply"));
        }
        if let Some(at) = options.no_err {
            faults.add(at, message("no_err"));
        }
    }
}

fn json(options: &Options, features: Features, faults: &mut Faults) {
    if features.serde {
        return;
    }
    if let Some((name, _)) = options.shown.iter().find(|(_, shown)| *shown == Shown::Json) {
        let message = "`json` needs the feature `serde` of jaeger-runtime: put `features = [\"serde\"]` beside its version in Cargo.toml";
        faults.add(name.span(), message);
    }
}
