//! Whether an option's expression would leave the function that it is written on: `?`, `return`, `.await`, and `break` or `continue` without a loop of its own.
//!
//! Such an expression runs only where a span is recorded, so it would make the program another one while it is traced. It is read as tokens, the arguments of macros with it. What has a body of
//! its own (closures, `async` blocks, functions) may leave that. Where tokens leave a doubt, nothing is said: the compiler has the last word. Labels are its own business too.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::Error;

pub(super) fn refuse(expression: TokenStream) -> syn::Result<()> {
    walk(expression, false)
}

fn walk(tokens: TokenStream, in_loop: bool) -> syn::Result<()> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |at: usize, wanted: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
    let word =
        |at: usize, wanted: &str| matches!(tokens.get(at), Some(TokenTree::Ident(word)) if word == wanted);
    let brace =
        |at: usize| matches!(&tokens[at], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    // A value stands before it: so `|` is no closure, and `?` no bound as in `?Sized`.
    let follows_a_value = |at: usize| match at.checked_sub(1).map(|before| &tokens[before]) {
        Some(TokenTree::Ident(word)) => word != "move" && word != "async",
        // `=>` begins an arm, any other `>` may end a type.
        Some(TokenTree::Punct(punct)) if punct.as_char() == '>' => at < 2 || !is(at - 2, '='),
        Some(TokenTree::Punct(punct)) => punct.as_char() == '?',
        Some(_) => true,
        None => false,
    };
    let mut loop_begins = false;
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Punct(punct) if punct.as_char() == '?' && follows_a_value(at) => {
                let message = "an option's expression cannot leave the function, as `?` would: record the value as it is, or what is left of it, as in `x.ok()`";
                return Err(Error::new(punct.span(), message));
            }
            TokenTree::Punct(punct) if punct.as_char() == '|' => {
                if follows_a_value(at) {
                    at += usize::from(punct.spacing() == Spacing::Joint && is(at + 1, '|'));
                } else {
                    // A closure reaches as far as it can.
                    at += 1;
                    while at < tokens.len() && !is(at, '|') {
                        at += 1;
                    }
                    while at < tokens.len() && !is(at, ',') && !is(at, ';') {
                        at += 1;
                    }
                }
            }
            TokenTree::Ident(ident) if ident == "await" && at > 0 && is(at - 1, '.') => {
                let message = "an option's expression cannot wait, as `.await` would: it is read while the span opens; wait in the body and record the value there";
                return Err(Error::new(ident.span(), message));
            }
            TokenTree::Ident(ident) if ident == "return" => {
                let message = "an option's expression cannot leave the function, as `return` would: write the value alone";
                return Err(Error::new(ident.span(), message));
            }
            TokenTree::Ident(ident)
                if (ident == "break" || ident == "continue") && !in_loop && !is(at + 1, '\'') =>
            {
                let message = format!(
                    "there is no loop that `{ident}` could leave in an option's expression: write the value alone"
                );
                return Err(Error::new(ident.span(), message));
            }
            TokenTree::Ident(ident) if ident == "async" => {
                let body = at + 1 + usize::from(word(at + 1, "move"));
                if body < tokens.len() && brace(body) {
                    at = body;
                }
            }
            TokenTree::Ident(ident)
                if ident == "fn" && matches!(tokens.get(at + 1), Some(TokenTree::Ident(_))) =>
            {
                while at < tokens.len() && !brace(at) {
                    at += 1;
                }
            }
            TokenTree::Ident(ident) if ident == "loop" || ident == "while" || ident == "for" => {
                loop_begins = true;
            }
            TokenTree::Group(group) => {
                let body = std::mem::take(&mut loop_begins);
                loop_begins = body && !brace(at);
                walk(group.stream(), in_loop || body)?;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}
