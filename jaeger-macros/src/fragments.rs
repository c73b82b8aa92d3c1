//! What `macro_rules!` has put in for a fragment (`$value:expr`, `$type:ty`) stands in a group without delimiters. Where such a group is written again, the compiler reads it as mere tokens: of `$value * 2`
//! with `1 + 2` it makes 5, and `&$type` with `dyn A + B` it refuses. So it gets parentheses, where it is of more than one piece.
//!
//! Tokens inside a group that is passed on whole keep their bounds, as those of a body do.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

/// What stands around a fragment.
#[derive(Clone, Copy)]
enum Among {
    /// Types, bounds and patterns: `+` and `|` hold them together.
    Types,
    /// Expressions, and the statements of a body.
    Expressions,
}

/// A function, but for its body.
pub(crate) fn in_function(tokens: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let last = tokens.pop();
    let mut function = kept(tokens.into_iter().collect(), Among::Types, true);
    function.extend(last);
    function
}

/// The values of options.
pub(crate) fn in_options(tokens: TokenStream) -> TokenStream {
    kept(tokens, Among::Expressions, true)
}

/// The statements of a body that are written one by one.
pub(crate) fn in_statements(tokens: &[TokenTree]) -> TokenStream {
    kept(tokens.iter().cloned().collect(), Among::Expressions, false)
}

/// An item of a block, or what stands before the block's braces. Behind an `=` stands a value.
pub(crate) fn in_item(tokens: &[TokenTree]) -> TokenStream {
    let value = tokens.iter().position(|token| is(token, '=')).unwrap_or(tokens.len());
    let (before, value) = tokens.split_at(value);
    let mut all = kept(before.iter().cloned().collect(), Among::Types, false);
    all.extend(kept(value.iter().cloned().collect(), Among::Expressions, false));
    all
}

/// `deep`: within groups too, which are taken apart later.
fn kept(tokens: TokenStream, among: Among, deep: bool) -> TokenStream {
    if !has_fragment(&tokens) {
        return tokens;
    }
    // Between delimiters of another's it needs none of its own.
    let alone = tokens.clone().into_iter().nth(1).is_none();
    let mut among = among;
    let mut in_attribute = false;
    let each = tokens.into_iter().map(|token| {
        let leave = std::mem::replace(&mut in_attribute, is(&token, '#'));
        let group = match token {
            TokenTree::Group(group) if !leave && (deep || group.delimiter() == Delimiter::None) => group,
            token => {
                // Of `[u8; $n]`, what is behind the semicolon.
                if is(&token, ';') {
                    among = Among::Expressions;
                }
                return token;
            }
        };
        let within = if group.delimiter() == Delimiter::Brace { Among::Expressions } else { among };
        let stream = kept(group.stream(), within, deep);
        let (delimiter, span) =
            if group.delimiter() == Delimiter::None && !alone && is_compound(&stream, among) {
                // Not the user's, so no linter calls them unnecessary.
                (Delimiter::Parenthesis, group.span().resolved_at(Span::mixed_site()))
            } else {
                (group.delimiter(), group.span())
            };
        let mut kept = Group::new(delimiter, stream);
        kept.set_span(span);
        TokenTree::Group(kept)
    });
    each.collect()
}

fn has_fragment(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::None || has_fragment(&group.stream()),
        _ => false,
    })
}

/// Whether what stands beside it could take a part of it.
fn is_compound(tokens: &TokenStream, among: Among) -> bool {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let [first, _, ..] = &tokens[..] else { return false };
    if matches!(first, TokenTree::Ident(word) if begins_no_value(word)) || is(first, '#') {
        return false;
    }
    match among {
        Among::Types => outside_angles(&tokens).any(|at| is(&tokens[at], '+') || is(&tokens[at], '|')),
        Among::Expressions => {
            let binds = |at: usize| match &tokens[at] {
                TokenTree::Ident(word) => {
                    ["as", "if", "match", "return", "break"].iter().any(|other| word == other)
                }
                TokenTree::Punct(punct) => match punct.as_char() {
                    '.' => tokens.get(at + 1).is_some_and(|next| is(next, '.')),
                    '<' | '>' => !is_type(&tokens),
                    // Not `name!(…)`.
                    '!' => at == 0 || tokens.get(at + 1).is_some_and(|next| is(next, '=')),
                    sign => "+-*/%^&|=".contains(sign),
                },
                _ => false,
            };
            outside_angles(&tokens).any(binds)
        }
    }
}

/// Items, statements, visibilities: they stand alone. Not `impl A + B`.
fn begins_no_value(word: &Ident) -> bool {
    const WORDS: [&str; 14] = [
        "let", "fn", "struct", "enum", "union", "use", "pub", "crate", "const", "static", "type", "trait",
        "mod", "extern",
    ];
    WORDS.iter().any(|other| word == other)
}

/// The places of tokens that stand in no `<…>` of a path.
fn outside_angles(tokens: &[TokenTree]) -> impl Iterator<Item = usize> {
    let mut depth = 0_i32;
    let is_type = is_type(tokens);
    (0..tokens.len()).filter(move |at| {
        let token = &tokens[*at];
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        let opens = is(token, '<') && (is_type || depth > 0 || before.is_none_or(|before| is(before, ':')));
        // Neither `->` nor `=>`.
        let closes = is(token, '>') && !before.is_some_and(|before| is(before, '-') || is(before, '='));
        if opens {
            depth += 1;
        } else if closes && depth > 0 {
            depth -= 1;
        } else {
            return depth == 0;
        }
        false
    })
}

/// `Vec<u8>`: an expression does not end so, or its `<` follows `::`.
fn is_type(tokens: &[TokenTree]) -> bool {
    tokens.last().is_some_and(|last| is(last, '>'))
}

fn is(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}
