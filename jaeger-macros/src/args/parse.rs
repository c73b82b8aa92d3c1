//! The grammar of options: commas, equals signs, lists in parentheses, tags. Every message says how the option is written.

use super::{Shown, Tag};
use crate::check::{Faults, names::nearest};
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, Lit, LitInt, LitStr, Token};

const KINDS: [&str; 5] = ["server", "client", "producer", "consumer", "internal"];

/// Reads a list item by item. After a fault it goes on behind the next comma, so that one fault does not hide the others.
pub(crate) fn each(
    tokens: TokenStream,
    faults: &mut Faults,
    mut item: impl FnMut(ParseStream<'_>) -> syn::Result<()>,
) {
    let all = |input: ParseStream<'_>| {
        while !input.is_empty() {
            match item(input) {
                Err(fault) => faults.push(fault),
                Ok(()) if input.is_empty() || input.peek(Token![,]) => {}
                Ok(()) => faults.push(input.error("expected a comma here")),
            }
            while !input.is_empty() && !input.peek(Token![,]) {
                input.parse::<TokenTree>()?;
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    if let Err(fault) = all.parse2(tokens) {
        faults.push(fault);
    }
}

/// The same for a list inside an option: what is right in it goes to `to`, what is not is the option's fault.
fn list<T>(
    tokens: TokenStream,
    to: &mut Vec<T>,
    mut item: impl FnMut(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<()> {
    let mut faults = Faults::default();
    each(tokens, &mut faults, |input| {
        to.push(item(input)?);
        Ok(())
    });
    faults.into_error().map_or(Ok(()), Err)
}

pub(super) fn equals(input: ParseStream<'_>, option: Span, example: &str) -> syn::Result<()> {
    if input.parse::<Option<Token![=]>>()?.is_none() {
        return Err(Error::new(option, format!("this option has a value: write `{example}`")));
    }
    if input.is_empty() || input.peek(Token![,]) {
        return Err(Error::new(option, format!("there is no value behind `=`: write `{example}`")));
    }
    Ok(())
}

/// An option that is said by its name alone.
pub(super) fn flag(input: ParseStream<'_>, name: &str, option: Span) -> syn::Result<Span> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(option);
    }
    Err(Error::new(
        option,
        format!("`{name}` takes no value: its name says it all; leave it out if it shall not hold"),
    ))
}

/// `= "text"`, not empty.
pub(super) fn text(input: ParseStream<'_>, option: Span, example: &str) -> syn::Result<LitStr> {
    equals(input, option, example)?;
    let here = next_span(input, option);
    let Ok(text) = input.parse::<LitStr>() else {
        return Err(Error::new(here, format!("expected text in quotes, as in `{example}`")));
    };
    if text.value().trim().is_empty() {
        return Err(Error::new(text.span(), format!("this text is empty: write `{example}`")));
    }
    Ok(text)
}

/// `= expression`.
pub(super) fn expression(input: ParseStream<'_>, option: Span, example: &str) -> syn::Result<Expr> {
    equals(input, option, example)?;
    whole_expression(input, option)
}

/// An expression; one that ends too early is told where it began.
fn whole_expression(input: ParseStream<'_>, option: Span) -> syn::Result<Expr> {
    let here = next_span(input, option);
    let expression: Expr = input.parse().map_err(|error: Error| match input.is_empty() {
        true => Error::new(here, format!("this expression is not complete: {error}")),
        false => error,
    })?;
    super::leaves::refuse(expression.to_token_stream())?;
    Ok(expression)
}

fn next_span(input: ParseStream<'_>, otherwise: Span) -> Span {
    input.cursor().token_tree().map_or(otherwise, |(token, _)| token.span())
}

/// `= 1024`, in what a value can have.
pub(super) fn max_len(input: ParseStream<'_>, option: Span) -> syn::Result<u32> {
    const EXAMPLE: &str = "max_len = 1024";
    equals(input, option, EXAMPLE)?;
    let here = next_span(input, option);
    let Ok(number) = input.parse::<LitInt>() else {
        return Err(Error::new(here, format!("expected a number of bytes, as in `{EXAMPLE}`")));
    };
    match number.base10_parse::<u32>() {
        Ok(bytes @ 16..=4095) => Ok(bytes),
        _ => Err(Error::new(number.span(), "a value keeps 16 to 4095 bytes: give a bound in that range")),
    }
}

/// `= server` or `= "server"`.
pub(super) fn kind(input: ParseStream<'_>, option: Span) -> syn::Result<LitStr> {
    equals(input, option, "kind = server")?;
    let kind = match input.fork().parse::<Lit>() {
        Ok(Lit::Str(_)) => input.parse::<LitStr>()?,
        _ => {
            let ident = input.call(Ident::parse_any).map_err(|error| {
                Error::new(error.span(), format!("a span's kind is one of `{}`", KINDS.join("`, `")))
            })?;
            LitStr::new(&ident.to_string(), ident.span())
        }
    };
    let value = kind.value();
    if KINDS.contains(&value.as_str()) {
        return Ok(kind);
    }
    let hint = nearest(&value, KINDS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(Error::new(kind.span(), format!("a span's kind is one of `{}`{hint}", KINDS.join("`, `"))))
}

pub(super) fn in_parentheses(
    input: ParseStream<'_>,
    option: Span,
    example: &str,
) -> syn::Result<TokenStream> {
    match input.cursor().token_tree() {
        Some((TokenTree::Group(group), _)) if group.delimiter() == Delimiter::Parenthesis => {
            input.parse::<TokenTree>()?;
            if group.stream().is_empty() {
                return Err(Error::new(
                    option,
                    format!("there is nothing in the parentheses: write `{example}`"),
                ));
            }
            Ok(group.stream())
        }
        _ => Err(Error::new(option, format!("this option has a list in parentheses: write `{example}`"))),
    }
}

/// `(a, self, r#type)`.
pub(super) fn arguments(
    input: ParseStream<'_>,
    option: Span,
    example: &str,
    to: &mut Vec<Ident>,
) -> syn::Result<()> {
    let tokens = in_parentheses(input, option, example)?;
    list(tokens, to, |input| argument(input, example))
}

fn argument(input: ParseStream<'_>, example: &str) -> syn::Result<Ident> {
    if input.peek(Token![self]) {
        let token: Token![self] = input.parse()?;
        return Ok(Ident::new("self", token.span));
    }
    input.parse().map_err(|error: Error| {
        Error::new(error.span(), format!("expected the name of an argument, as in `{example}`"))
    })
}

/// `(req = "request")`.
pub(super) fn renames(
    input: ParseStream<'_>,
    option: Span,
    to: &mut Vec<(Ident, LitStr)>,
) -> syn::Result<()> {
    const EXAMPLE: &str = "rename(argument = \"key\")";
    let tokens = in_parentheses(input, option, EXAMPLE)?;
    list(tokens, to, |input| {
        let name = argument(input, EXAMPLE)?;
        let key = text(input, name.span(), EXAMPLE)?;
        Ok((name, key))
    })
}

/// `(key = expression, "dotted.key" = %expression, other = ?expression)`.
pub(super) fn tags(input: ParseStream<'_>, option: Span, name: &str, to: &mut Vec<Tag>) -> syn::Result<()> {
    let tokens = in_parentheses(input, option, &format!("{name}(key = value)"))?;
    list(tokens, to, tag)
}

fn tag(input: ParseStream<'_>) -> syn::Result<Tag> {
    let (key, key_span) = if let Ok(Lit::Str(_)) = input.fork().parse() {
        let key: LitStr = input.parse()?;
        (key.value(), key.span())
    } else if input.peek(Ident::peek_any) {
        // `http.status` without quotes is what those who come from tracing write.
        let first = input.call(Ident::parse_any)?;
        let (mut key, mut span) = (first.unraw().to_string(), first.span());
        while input.parse::<Option<Token![.]>>()?.is_some() {
            let next = input.call(Ident::parse_any)?;
            key.push('.');
            key.push_str(&next.unraw().to_string());
            span = span.join(next.span()).unwrap_or(span);
        }
        (key, span)
    } else {
        return Err(input.error("expected a tag, as in `key = value` or `\"dotted.key\" = value`"));
    };
    if key.trim().is_empty() {
        return Err(Error::new(key_span, "this tag has no key"));
    }
    if input.peek(Token![:]) {
        return Err(input.error(format!("a tag has `=` before its value: write `{key} = expression`")));
    }
    if input.parse::<Option<Token![=]>>()?.is_none() {
        let message = format!("the tag `{key}` has no value: write `{key} = expression`");
        return Err(Error::new(key_span, message));
    }
    let shown = if input.parse::<Option<Token![%]>>()?.is_some() {
        Shown::Display
    } else if input.parse::<Option<Token![?]>>()?.is_some() {
        Shown::Debug
    } else {
        Shown::ByType
    };
    if input.is_empty() || input.peek(Token![,]) {
        return Err(Error::new(key_span, format!("the tag `{key}` has no value")));
    }
    let value = whole_expression(input, key_span)?;
    Ok(Tag { key, key_span, shown, value: value.to_token_stream() })
}
