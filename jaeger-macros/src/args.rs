//! The options, as written: `name = "x"`, `kind = server`, `skip(a, b)`, `skip_all`, `tags(k = expr, "dotted.key" = %expr, other = ?expr)`, `reply = "key"`, `no_reply`, `crate = path`.
//!
//! Every option is read, also after a fault in another; what an option means for the function at hand is `check`'s business.

use crate::check::{Faults, nearest};
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Error, LitStr, Path, Token};

/// How the value of a tag is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shown {
    /// As an argument is: by its type.
    ByType,
    /// `%`
    Display,
    /// `?`
    Debug,
}

#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) shown: Shown,
    pub(crate) value: TokenStream,
}

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) kind: Option<LitStr>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) skip_all: Option<Span>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) reply: Option<LitStr>,
    pub(crate) no_reply: Option<Span>,
    pub(crate) krate: Option<Path>,
}

const OPTIONS: [&str; 8] = ["name", "kind", "skip", "skip_all", "tags", "reply", "no_reply", "crate"];
const KINDS: [&str; 5] = ["server", "client", "producer", "consumer", "internal"];

/// Reads the options one by one: a fault in one does not hide those in the others.
pub(crate) fn parse(tokens: TokenStream, faults: &mut Faults) -> Options {
    let mut options = Options::default();
    for option in split_at_commas(tokens) {
        if let Err(error) = (|input: ParseStream<'_>| one(input, &mut options)).parse2(option) {
            faults.push(error);
        }
    }
    options
}

/// At the commas that stand in no brackets.
fn split_at_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => parts.push(TokenStream::new()),
            _ => parts.last_mut().into_iter().for_each(|part| part.extend([token.clone()])),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn one(input: ParseStream<'_>, options: &mut Options) -> syn::Result<()> {
    if input.peek(Token![crate]) {
        let keyword = input.parse::<Token![crate]>()?.span();
        input.parse::<Token![=]>()?;
        return set(&mut options.krate, "crate", keyword, input.call(Path::parse_mod_style)?);
    }
    let option: Ident = input.parse()?;
    let (name, span) = (option.to_string(), option.span());
    match name.as_str() {
        "name" => set(&mut options.name, &name, span, text(input)?),
        "reply" => set(&mut options.reply, &name, span, text(input)?),
        "kind" => set(&mut options.kind, &name, span, kind(input)?),
        "skip_all" => set(&mut options.skip_all, &name, span, span),
        "no_reply" => set(&mut options.no_reply, &name, span, span),
        "skip" => {
            let names = in_parentheses(input, span, "skip(a, b)")?;
            for name in split_at_commas(names) {
                options.skip.push((|input: ParseStream<'_>| input.call(any_ident)).parse2(name)?);
            }
            Ok(())
        }
        "tags" | "fields" => {
            let tags = in_parentheses(input, span, "tags(key = value)")?;
            for tag in split_at_commas(tags) {
                options.tags.push(tag_of.parse2(tag)?);
            }
            Ok(())
        }
        _ => {
            let known = OPTIONS.join("`, `");
            let hint = match nearest(&name, OPTIONS) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => format!("; the options are `{known}`"),
            };
            // The rest belongs to the option that is not known.
            input.parse::<TokenStream>()?;
            Err(Error::new(span, format!("`traced` has no option `{name}`{hint}")))
        }
    }
}

fn set<T>(slot: &mut Option<T>, name: &str, span: Span, value: T) -> syn::Result<()> {
    if slot.is_some() {
        return Err(Error::new(span, format!("`{name}` is given twice")));
    }
    *slot = Some(value);
    Ok(())
}

fn any_ident(input: ParseStream<'_>) -> syn::Result<Ident> {
    if input.peek(Token![self]) {
        let token: Token![self] = input.parse()?;
        return Ok(Ident::new("self", token.span()));
    }
    input.parse()
}

fn text(input: ParseStream<'_>) -> syn::Result<LitStr> {
    input.parse::<Token![=]>()?;
    input.parse().map_err(|error: Error| Error::new(error.span(), "expected text in quotes, such as \"x\""))
}

/// `= server` or `= "server"`.
fn kind(input: ParseStream<'_>) -> syn::Result<LitStr> {
    input.parse::<Token![=]>()?;
    let kind = if input.peek(LitStr) {
        input.parse::<LitStr>()?
    } else {
        let ident: Ident = input.parse()?;
        LitStr::new(&ident.to_string(), ident.span())
    };
    let value = kind.value();
    if KINDS.contains(&value.as_str()) {
        return Ok(kind);
    }
    let hint = nearest(&value, KINDS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(Error::new(kind.span(), format!("a span's kind is one of `{}`{hint}", KINDS.join("`, `"))))
}

fn in_parentheses(input: ParseStream<'_>, span: Span, example: &str) -> syn::Result<TokenStream> {
    match input.parse::<TokenTree>() {
        Ok(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => Ok(group.stream()),
        Ok(other) => Err(Error::new(other.span(), format!("expected parentheses, as in `{example}`"))),
        Err(_) => Err(Error::new(span, format!("expected parentheses, as in `{example}`"))),
    }
}

fn tag_of(input: ParseStream<'_>) -> syn::Result<Tag> {
    let (key, key_span) = if input.peek(LitStr) {
        let key: LitStr = input.parse()?;
        (key.value(), key.span())
    } else {
        // `http.status` without quotes is what those who come from tracing write.
        let first: Ident = input.call(syn::ext::IdentExt::parse_any)?;
        let (mut key, mut span) = (first.to_string().trim_start_matches("r#").to_owned(), first.span());
        while input.peek(Token![.]) {
            input.parse::<Token![.]>()?;
            let next: Ident = input.call(syn::ext::IdentExt::parse_any)?;
            key.push('.');
            key.push_str(&next.to_string());
            span = span.join(next.span()).unwrap_or(span);
        }
        (key, span)
    };
    if !input.peek(Token![=]) {
        return Err(Error::new(
            key_span,
            format!("the tag `{key}` has no value: write `{key} = expression`"),
        ));
    }
    input.parse::<Token![=]>()?;
    let shown = if input.peek(Token![%]) {
        input.parse::<Token![%]>()?;
        Shown::Display
    } else if input.peek(Token![?]) {
        input.parse::<Token![?]>()?;
        Shown::Debug
    } else {
        Shown::ByType
    };
    let value: TokenStream = input.parse()?;
    if value.is_empty() {
        return Err(Error::new(key_span, format!("the tag `{key}` has no value")));
    }
    // A value that is no expression is said here, at its place, and not in the middle of generated code.
    syn::parse2::<syn::Expr>(value.clone())
        .map_err(|error| Error::new(error.span().located_at(value.span()), error))?;
    Ok(Tag { key, key_span, shown, value })
}
