//! The options, as written. Every one is read, also after a fault in another; what an option means for the function at hand is `check`'s business.
//!
//! The grammar of one option (names, values, lists) is in `args/parse.rs`; the words that other tracers use for what is done here anyway in `args/foreign.rs`.

mod foreign;
mod leaves;
mod parse;

use crate::check::{Faults, names::nearest};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, Lit, LitStr, Path, Token};

pub(crate) use parse::each;

/// How a value is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shown {
    /// By its type: numbers, text, bytes; else its own `TagValue`, `Debug`, `Display`, its type's name.
    ByType,
    /// `%`, `display(a)`
    Display,
    /// `?`, `debug(a)`
    Debug,
    /// `json(a)`
    Json,
    /// `redact(a)`
    Redacted,
}

impl Shown {
    /// The option that asks for it.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::ByType => "only",
            Self::Display => "display",
            Self::Debug => "debug",
            Self::Json => "json",
            Self::Redacted => "redact",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) shown: Shown,
    pub(crate) value: TokenStream,
}

impl Tag {
    /// As it was written.
    pub(crate) fn tokens(&self) -> TokenStream {
        let key = LitStr::new(&self.key, self.key_span);
        let value = &self.value;
        match self.shown {
            Shown::Display => quote!(#key = % #value),
            Shown::Debug => quote!(#key = ? #value),
            _ => quote!(#key = #value),
        }
    }
}

/// Nothing is decided here: two options that exclude each other are both there, each with its place.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) kind: Option<LitStr>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) skip_all: Option<Span>,
    pub(crate) only: Option<(Span, Vec<Ident>)>,
    /// `display`, `debug`, `json` and `redact`.
    pub(crate) shown: Vec<(Ident, Shown)>,
    pub(crate) renamed: Vec<(Ident, LitStr)>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) reply: Option<LitStr>,
    pub(crate) no_reply: Option<Span>,
    pub(crate) no_err: Option<Span>,
    pub(crate) max_len: Option<(Span, u32)>,
    pub(crate) parent: Option<(Span, Expr)>,
    pub(crate) root: Option<Span>,
    pub(crate) follows_from: Option<(Span, Expr)>,
    pub(crate) polls: Option<Span>,
    pub(crate) off: Option<Span>,
    pub(crate) krate: Option<Path>,
    /// From an annotated `impl`, `trait` or `mod`; never written by hand.
    pub(crate) container: Option<Box<Container>>,
}

/// What a function gets from the block that it stands in.
#[derive(Clone, Default)]
pub(crate) struct Container {
    /// `Type` of an `impl`, `Trait` of a trait; empty in a module.
    pub(crate) prefix: String,
    pub(crate) options: Options,
}

const OPTIONS: [&str; 21] = [
    "name",
    "kind",
    "skip",
    "skip_all",
    "only",
    "tags",
    "display",
    "debug",
    "json",
    "redact",
    "rename",
    "reply",
    "no_reply",
    "no_err",
    "max_len",
    "parent",
    "root",
    "follows_from",
    "polls",
    "crate",
    "off",
];

pub(crate) fn parse(tokens: TokenStream, faults: &mut Faults) -> Options {
    let mut options = Options::default();
    each(tokens, faults, |input| one(input, &mut options));
    options
}

fn one(input: ParseStream<'_>, options: &mut Options) -> syn::Result<()> {
    if input.peek(Token![crate]) {
        let keyword = input.parse::<Token![crate]>()?.span;
        parse::equals(input, keyword, "crate = some::path")?;
        let path = input.call(Path::parse_mod_style).map_err(|error| {
            Error::new(error.span(), "expected a path without quotes, as in `crate = some::path`")
        })?;
        return set(&mut options.krate, "crate", keyword, path);
    }
    if let Ok(Lit::Str(text)) = input.fork().parse() {
        input.parse::<Lit>()?;
        return Err(Error::new(text.span(), format!("to name the span write `name = {:?}`", text.value())));
    }
    let option: Ident = input
        .call(syn::ext::IdentExt::parse_any)
        .map_err(|error| Error::new(error.span(), "expected an option, as in `name = \"x\"` or `skip(a)`"))?;
    let (name, span) = (option.to_string(), option.span());
    match name.as_str() {
        "name" => set(&mut options.name, &name, span, parse::text(input, span, "name = \"x\"")?),
        "reply" => set(&mut options.reply, &name, span, parse::text(input, span, "reply = \"key\"")?),
        "kind" => set(&mut options.kind, &name, span, parse::kind(input, span)?),
        "skip_all" => set(&mut options.skip_all, &name, span, parse::flag(input, &name, span)?),
        "no_reply" => set(&mut options.no_reply, &name, span, parse::flag(input, &name, span)?),
        "no_err" => set(&mut options.no_err, &name, span, parse::flag(input, &name, span)?),
        "root" => set(&mut options.root, &name, span, parse::flag(input, &name, span)?),
        "polls" => set(&mut options.polls, &name, span, parse::flag(input, &name, span)?),
        "off" => set(&mut options.off, &name, span, parse::flag(input, &name, span)?),
        "max_len" => set(&mut options.max_len, &name, span, (span, parse::max_len(input, span)?)),
        "parent" => {
            let expr = parse::expression(input, span, "parent = context")?;
            if expr.to_token_stream().to_string() == "None" {
                return Err(Error::new_spanned(expr, "a span without a parent begins a trace: write `root`"));
            }
            set(&mut options.parent, &name, span, (span, expr))
        }
        "follows_from" => {
            let expr = parse::expression(input, span, "follows_from = context")?;
            set(&mut options.follows_from, &name, span, (span, expr))
        }
        "skip" => parse::arguments(input, span, "skip(a, b)", &mut options.skip),
        "only" => {
            let mut names = vec![];
            parse::arguments(input, span, "only(a, b)", &mut names)?;
            set(&mut options.only, &name, span, (span, names))
        }
        "display" => shown(input, span, Shown::Display, "display(a)", options),
        "debug" => shown(input, span, Shown::Debug, "debug(a)", options),
        "json" => shown(input, span, Shown::Json, "json(a)", options),
        "redact" => shown(input, span, Shown::Redacted, "redact(a)", options),
        "rename" => parse::renames(input, span, &mut options.renamed),
        "tags" | "fields" => parse::tags(input, span, &name, &mut options.tags),
        "__in" => set(&mut options.container, &name, span, Box::new(container(input, span)?)),
        _ => Err(unknown(&name, span)),
    }
}

fn shown(
    input: ParseStream<'_>,
    span: Span,
    shown: Shown,
    example: &str,
    options: &mut Options,
) -> syn::Result<()> {
    let mut names = vec![];
    let read = parse::arguments(input, span, example, &mut names);
    options.shown.extend(names.into_iter().map(|name| (name, shown)));
    read
}

/// Every option that stands once goes through here.
fn set<T>(slot: &mut Option<T>, name: &str, span: Span, value: T) -> syn::Result<()> {
    if slot.is_some() {
        return Err(Error::new(span, format!("`{name}` is given twice")));
    }
    *slot = Some(value);
    Ok(())
}

fn unknown(name: &str, span: Span) -> Error {
    let hint = match (foreign::advice(name), nearest(name, OPTIONS)) {
        (Some(advice), _) => format!(": {advice}"),
        (None, Some(near)) => format!("; did you mean `{near}`?"),
        (None, None) => format!("; the options are `{}`", OPTIONS.join("`, `")),
    };
    Error::new(span, format!("`traced` has no option `{name}`{hint}"))
}

/// `__in("Type", options…)`: written by `container.rs`, and checked there already.
fn container(input: ParseStream<'_>, span: Span) -> syn::Result<Container> {
    let tokens = parse::in_parentheses(input, span, "__in(\"Type\")")?;
    let read = |input: ParseStream<'_>| {
        let prefix = input.parse::<LitStr>()?.value();
        let mut options = Options::default();
        while input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            one(input, &mut options)?;
        }
        Ok(Container { prefix, options })
    };
    read.parse2(tokens)
}

impl Options {
    /// Every option that is set, by name and place; for what cannot stand where it does.
    pub(crate) fn given(&self) -> Vec<(&'static str, Span)> {
        let first = |names: &[Ident]| names.first().map(Ident::span);
        let of = |wanted: Shown| {
            self.shown.iter().find(|(_, shown)| *shown == wanted).map(|(name, _)| name.span())
        };
        let all = [
            ("name", self.name.as_ref().map(LitStr::span)),
            ("kind", self.kind.as_ref().map(LitStr::span)),
            ("skip", first(&self.skip)),
            ("skip_all", self.skip_all),
            ("only", self.only.as_ref().map(|(span, _)| *span)),
            ("display", of(Shown::Display)),
            ("debug", of(Shown::Debug)),
            ("json", of(Shown::Json)),
            ("redact", of(Shown::Redacted)),
            ("rename", self.renamed.first().map(|(name, _)| name.span())),
            ("tags", self.tags.first().map(|tag| tag.key_span)),
            ("reply", self.reply.as_ref().map(LitStr::span)),
            ("no_reply", self.no_reply),
            ("no_err", self.no_err),
            ("max_len", self.max_len.map(|(span, _)| span)),
            ("parent", self.parent.as_ref().map(|(span, _)| *span)),
            ("root", self.root),
            ("follows_from", self.follows_from.as_ref().map(|(span, _)| *span)),
            ("polls", self.polls),
        ];
        all.into_iter().filter_map(|(name, span)| Some((name, span?))).collect()
    }
}

/// The path as tokens, for messages and generated code.
pub(crate) fn path_tokens(path: &Path) -> TokenStream {
    path.to_token_stream()
}
