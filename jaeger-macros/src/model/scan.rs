//! What a scan of the tokens says of a body: whether it may leave early, whether its last expression is a `Box::pin(…)`.
//!
//! Never wrong on the dangerous side: a body of which nothing is sure is said to leave early.

use crate::fragments::in_statements;
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

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

/// Whether the body may leave the function before its end: a `return`, a `?`, or a macro that may hide one. What stands in an `async` block leaves only that.
pub(crate) fn may_leave_early(body: &TokenStream) -> bool {
    let mut tokens = body.clone().into_iter().peekable();
    // The tokens `async` and `async move` were the last ones.
    let mut after_async = false;
    while let Some(token) = tokens.next() {
        let inside_async = std::mem::replace(&mut after_async, false);
        match token {
            TokenTree::Group(group) if inside_async && group.delimiter() == Delimiter::Brace => {}
            TokenTree::Group(group) if may_leave_early(&group.stream()) => return true,
            TokenTree::Punct(punct) if punct.as_char() == '?' => return true,
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                after_async = name == "async" || inside_async && name == "move";
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

/// The `#![…]` at a body's front as outer attributes, and the body without them.
pub(crate) fn inner_attributes(body: &Group) -> (TokenStream, Group) {
    let is = |token: &TokenTree, c: char| matches!(token, TokenTree::Punct(punct) if punct.as_char() == c);
    let tokens: Vec<TokenTree> = body.stream().into_iter().collect();
    let (mut outer, mut rest) = (TokenStream::new(), &tokens[..]);
    while let [hash, bang, attribute @ TokenTree::Group(_), behind @ ..] = rest {
        if !(is(hash, '#') && is(bang, '!')) {
            break;
        }
        outer.extend([hash.clone(), attribute.clone()]);
        rest = behind;
    }
    if outer.is_empty() {
        return (outer, body.clone());
    }
    let mut without = Group::new(Delimiter::Brace, in_statements(rest));
    without.set_span(body.span());
    (outer, without)
}

/// Bodies of which clippy knows that there is nothing to find, as long as they stand alone: empty ones of generic functions, and what `Clone` and `PartialOrd` are for a type that is `Copy` and `Ord`.
pub(crate) fn is_canonical(name: &Ident, body: &TokenStream, generic: bool) -> bool {
    // The compiler prints tokens with other blanks than the library does outside of it.
    let text: String = body.to_string().split_whitespace().collect();
    match text.as_str() {
        "" => generic,
        "*self" => name == "clone",
        "Some(self.cmp(other))" => name == "partial_cmp",
        _ => false,
    }
}

/// `… Some(x?)`, of which clippy tells only where it is a block's last expression.
pub(crate) fn is_question_in_ok(body: &TokenStream) -> bool {
    let is_question = |token: TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '?');
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    matches!(&tokens[..], [.., TokenTree::Ident(name), TokenTree::Group(group)]
        if (name == "Some" || name == "Ok") && group.stream().into_iter().last().is_some_and(is_question))
}

/// `… match x { … => return y, }` or `… if x { return y; } else { … }`, of which clippy tells only where it is a block's last expression.
pub(crate) fn ends_in_returns(body: &TokenStream) -> bool {
    fn returns(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(word) => word == "return",
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && returns(group.stream()),
            _ => false,
        })
    }
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    let mut rest = &tokens[..];
    // The last block, and what comes before each `else`.
    while let [before @ .., TokenTree::Group(last)] = rest {
        if last.delimiter() != Delimiter::Brace {
            return false;
        }
        if returns(last.stream()) {
            return true;
        }
        let is_end = |token: &TokenTree| match token {
            TokenTree::Ident(word) => word == "else",
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            token => is_semicolon(token),
        };
        match before.iter().rposition(is_end) {
            Some(at) if matches!(before[at], TokenTree::Ident(_)) => rest = &before[..at],
            _ => return false,
        }
    }
    false
}

/// `… return x`, without a semicolon.
pub(crate) fn ends_in_return(body: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    let is_return = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if word == "return");
    let Some(at) = tokens.iter().rposition(|token| is_return(token) || is_semicolon(token)) else {
        return false;
    };
    // Not within another expression.
    let begins = |before: &TokenTree| match before {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_semicolon(token),
    };
    is_return(&tokens[at]) && at.checked_sub(1).is_none_or(|before| begins(&tokens[before]))
}

/// `… match x { A(a) => A(a), B => B }` or `… if let A(a) = x { A(a) } else { … }`, of which clippy tells in what a variable begins with and in functions, but not in methods. (A variable that is put in afterwards needs no
/// such scan, but by a name of ours hides `useless_conversion` in all of the body, and by one of the user's is a `needless_late_init`, which each function would have to allow.)
pub(crate) fn ends_in_identity(body: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    let [before @ .., TokenTree::Group(last)] = &tokens[..] else { return false };
    let starts = |at: usize| {
        at == 0
            || is_semicolon(&before[at - 1])
            || matches!(&before[at - 1], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    let word =
        |at: usize, wanted: &str| matches!(before.get(at), Some(TokenTree::Ident(word)) if word == wanted);
    if last.delimiter() != Delimiter::Brace {
        return false;
    }
    (0..before.len()).filter(|at| starts(*at)).any(|at| {
        if word(at, "match") {
            return arms_are_identity(&last.stream());
        }
        let [pattern @ .., TokenTree::Group(then), TokenTree::Ident(otherwise)] = &before[at..] else {
            return false;
        };
        let Some(equals) = pattern.iter().position(is_equals) else { return false };
        word(at, "if")
            && word(at + 1, "let")
            && otherwise == "else"
            && text(&pattern[2..equals]) == text_of(then.stream())
    })
}

fn arms_are_identity(arms: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = arms.clone().into_iter().collect();
    let mut rest = &tokens[..];
    while !rest.is_empty() {
        let Some(arrow) = rest.windows(2).position(|two| is_equals(&two[0]) && is_punct(&two[1], '>')) else {
            return false;
        };
        let (pattern, value) = (&rest[..arrow], &rest[arrow + 2..]);
        let guard = pattern.iter().position(|token| matches!(token, TokenTree::Ident(word) if word == "if"));
        // Behind braces the comma may be left out.
        let (said, end) = match value {
            [TokenTree::Group(braces), ..] if braces.delimiter() == Delimiter::Brace => {
                (text_of(braces.stream()), 1)
            }
            _ => {
                let end = value.iter().position(|token| is_punct(token, ',')).unwrap_or(value.len());
                (text(&value[..end]), end)
            }
        };
        if text(&pattern[..guard.unwrap_or(pattern.len())]) != said {
            return false;
        }
        rest = value.get(end..).unwrap_or_default();
        if rest.first().is_some_and(|token| is_punct(token, ',')) {
            rest = &rest[1..];
        }
    }
    !tokens.is_empty()
}

/// Without blanks, and without how a pattern binds.
fn text(tokens: &[TokenTree]) -> String {
    text_of(tokens.iter().cloned().collect())
}

fn text_of(tokens: TokenStream) -> String {
    let of = |token| match token {
        TokenTree::Ident(word) if word == "ref" || word == "mut" => String::new(),
        TokenTree::Group(group) => format!("{:?}{}", group.delimiter(), text_of(group.stream())),
        token => format!("{token} "),
    };
    tokens.into_iter().map(of).collect()
}

fn is_equals(token: &TokenTree) -> bool {
    is_punct(token, '=')
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

/// Whether a block or closure inside is `async`.
pub(crate) fn says_async(body: &TokenStream) -> bool {
    body.clone().into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "async",
        TokenTree::Group(group) => says_async(&group.stream()),
        _ => false,
    })
}

/// `… return x;`, `… loop { … };`
pub(crate) fn ends_in_semicolon(body: &TokenStream) -> bool {
    body.clone().into_iter().last().is_some_and(|last| is_semicolon(&last))
}

fn is_semicolon(token: &TokenTree) -> bool {
    is_punct(token, ';')
}

/// A type for a place inside the function, where a named lifetime would be one more use of it (which hides `needless_lifetimes`): the compiler infers it. Types that bind lifetimes, or
/// project from a trait by one, stay as they are; so do those of functions that take or return one, where `'_` would be a lifetime of the function's own.
pub(crate) fn without_lifetimes(ty: TokenStream) -> TokenStream {
    let binds = |token: TokenTree| matches!(token, TokenTree::Ident(word) if word == "for" || word == "as");
    if ty.clone().into_iter().any(binds) || is_function_with_lifetimes(&ty) {
        return ty;
    }
    let mut after_quote = false;
    let erased = ty.into_iter().map(|token| match token {
        TokenTree::Punct(punct) => {
            after_quote = punct.as_char() == '\'';
            TokenTree::Punct(punct)
        }
        TokenTree::Ident(name) if std::mem::replace(&mut after_quote, false) && name != "static" => {
            TokenTree::Ident(Ident::new("_", name.span()))
        }
        TokenTree::Group(group) => {
            let mut erased = Group::new(group.delimiter(), without_lifetimes(group.stream()));
            erased.set_span(group.span());
            TokenTree::Group(erased)
        }
        other => other,
    });
    erased.collect()
}

/// `fn(&'a T)`, `Fn(T) -> &'a T`: a lifetime among what a function takes or returns.
fn is_function_with_lifetimes(ty: &TokenStream) -> bool {
    fn has_lifetime(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Punct(punct) => punct.as_char() == '\'',
            TokenTree::Group(group) => has_lifetime(group.stream()),
            _ => false,
        })
    }
    let tokens: Vec<TokenTree> = ty.clone().into_iter().collect();
    let is = |at: usize, c: char| matches!(&tokens[at], TokenTree::Punct(punct) if punct.as_char() == c);
    let mut in_output = false;
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) if at > 0 && group.delimiter() == Delimiter::Parenthesis => {
            // Neither `&'a (…)` nor `*mut (…)`.
            let named = |word: &Ident| !["mut", "const", "dyn", "impl"].iter().any(|other| word == other);
            let follows_name = matches!(&tokens[at - 1], TokenTree::Ident(word) if named(word));
            let follows_lifetime = at > 1 && is(at - 2, '\'');
            (in_output || follows_name && !follows_lifetime) && has_lifetime(group.stream())
        }
        TokenTree::Group(group) => in_output && has_lifetime(group.stream()),
        TokenTree::Punct(punct) => {
            match punct.as_char() {
                '>' if at > 0 && is(at - 1, '-') => in_output = true,
                // Bounds begin, or the next type does.
                '+' | ',' => in_output = false,
                _ => {}
            }
            in_output && punct.as_char() == '\''
        }
        _ => false,
    })
}

/// A type for a place inside the function, which is not the user's to be told of: that it is complex is said where they wrote it, or nowhere (in the implementation of a trait, which decided
/// it). Clippy goes by the type's two ends. A simple one stays the user's, so that an unknown name in it is told once.
pub(crate) fn as_ours(ty: TokenStream) -> TokenStream {
    if words(&ty) < 7 && !names_function(&ty) {
        return ty;
    }
    let ours = |token: &mut TokenTree| {
        // What begins with it is of a macro's already, and the word means what its place says.
        if !matches!(token, TokenTree::Ident(word) if word == "$crate") {
            token.set_span(token.span().resolved_at(Span::mixed_site()));
        }
    };
    let mut tokens: Vec<TokenTree> = ty.into_iter().collect();
    tokens.first_mut().map(ours);
    tokens.last_mut().map(ours);
    tokens.into_iter().collect()
}

/// Names and groups: fewer than seven of them are never complex, unless functions or bound lifetimes are among them.
fn words(ty: &TokenStream) -> usize {
    let of = |token| match token {
        TokenTree::Group(group) => 1 + words(&group.stream()),
        TokenTree::Ident(_) => 1,
        _ => 0,
    };
    ty.clone().into_iter().map(of).sum()
}

fn names_function(ty: &TokenStream) -> bool {
    ty.clone().into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "fn" || word == "for",
        TokenTree::Group(group) => names_function(&group.stream()),
        _ => false,
    })
}

/// A body that ends in `Box::pin(inner)`: what stands before the parentheses, and the parentheses.
pub(crate) fn boxed_tail(body: &TokenStream) -> Option<(TokenStream, Group)> {
    let mut tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    let Some(TokenTree::Group(inner)) = tokens.pop() else { return None };
    if inner.delimiter() != Delimiter::Parenthesis || inner.stream().is_empty() {
        return None;
    }
    // Back over the path, which must be a whole statement of its own: `let x = Box::pin(…)` has no such body, `.pin(…)` is a method.
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    let start = tokens
        .iter()
        .rposition(|token| !(is_colon(token) || matches!(token, TokenTree::Ident(_))))
        .map_or(0, |at| at + 1);
    let path: String = tokens[start..].iter().map(ToString::to_string).collect();
    let starts_a_statement = match start.checked_sub(1).map(|before| &tokens[before]) {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ';',
        Some(_) => false,
    };
    if starts_a_statement && (path == "Box::pin" || path.ends_with("::Box::pin")) {
        Some((in_statements(&tokens), inner))
    } else {
        None
    }
}

/// Whether a type says `impl Trait` anywhere, which can be named nowhere else, or calls a macro that may say it.
pub(crate) fn has_impl_trait(ty: &TokenStream) -> bool {
    let mut after_bang = false;
    ty.clone().into_iter().any(|token| {
        let called = std::mem::replace(
            &mut after_bang,
            matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '!'),
        );
        match token {
            TokenTree::Ident(ident) => ident == "impl",
            TokenTree::Group(group) => called || has_impl_trait(&group.stream()),
            _ => false,
        }
    })
}
