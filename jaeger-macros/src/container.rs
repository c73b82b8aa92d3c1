//! `#[traced]` on an `impl` block, a `trait` or a `mod`: it passes itself on to every function inside that has a body.
//!
//! By a scan of the tokens, so that a half-typed function inside does not cost the others their names. A function's own `#[traced(…)]` stays and wins; the block's options come behind it. `const fn`s, naked
//! functions and those without a body are left as they are. Passing on, instead of expanding here, lets other attributes of a block (`#[async_trait]`) have their turn before the functions have ours.

mod scan;

use crate::args::{Options, path_tokens};
use crate::check::{Faults, names::nearest};
use crate::fragments::in_item;
use crate::model::says_naked;
use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use scan::{Scan, What, is_arrow};
use syn::ext::IdentExt;

/// An `impl`, `trait` or `mod` with its braces.
pub(crate) struct Block {
    before: Vec<TokenTree>,
    /// Where `impl`, `trait` or `mod` stands.
    keyword: usize,
    body: Group,
    prefix: String,
}

/// Options that mean the same for every function, and so may stand on a block.
const FOR_ALL: [&str; 8] = ["kind", "skip", "skip_all", "redact", "tags", "reply", "no_reply", "no_err"];
const ALSO: [&str; 2] = ["max_len", "polls"];

impl Block {
    /// The item as a block, if it is one.
    pub(crate) fn find(item: &TokenStream) -> Option<Self> {
        let tokens: Vec<TokenTree> = item.clone().into_iter().collect();
        let at = Scan::at(&tokens).item()?;
        let What::Block { body, keyword } = at.what else { return None };
        let TokenTree::Group(group) = &tokens[body] else { return None };
        let before = tokens[..body].to_vec();
        let prefix = prefix(&before[keyword..]);
        Some(Self { before, keyword, body: group.clone(), prefix })
    }

    /// The block, its functions annotated.
    pub(crate) fn pass_on(&self, options: &Options, faults: &mut Faults) -> TokenStream {
        for (name, at) in options.given() {
            if !FOR_ALL.contains(&name) && !ALSO.contains(&name) {
                let shared = [&FOR_ALL[..], &ALSO[..]].concat().join("`, `");
                let message = format!(
                    "`{name}` is for one function; what a block passes on to all of its functions is `{shared}`"
                );
                faults.add(at, message);
            }
        }
        if options.off.is_some() {
            return self.put(left_alone(&self.body.stream()));
        }
        let mut inner = Inner { options, arguments: vec![], seen: Seen::default() };
        let body = inner.annotate(&self.body.stream(), &self.prefix);
        let named = options.skip.iter().chain(options.shown.iter().map(|(name, _)| name));
        for unknown in named.filter(|name| !inner.arguments.contains(&name.to_string())) {
            let hint = nearest(&unknown.to_string(), inner.arguments.iter().map(String::as_str))
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            faults
                .add(unknown.span(), format!("no function in this block has an argument `{unknown}`{hint}"));
        }
        if let Some(why) = inner.seen.why_nothing() {
            let keyword = &self.before[self.keyword];
            faults.add(keyword.span(), format!("nothing in this `{keyword}` can be traced: {why}"));
        }
        self.put(body)
    }

    fn put(&self, stream: TokenStream) -> TokenStream {
        let mut body = Group::new(Delimiter::Brace, stream);
        body.set_span(self.body.span());
        let before = in_item(&self.before);
        quote!(#before #body)
    }
}

/// What the functions of a block are called by: the type of an `impl`, a trait's name, nothing in a module.
fn prefix(header: &[TokenTree]) -> String {
    fn words(tokens: &[TokenTree]) -> Option<String> {
        let mut depth = 0_i32;
        let mut last = None;
        for (i, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Punct(p) if p.as_char() == '<' => depth += 1,
                TokenTree::Punct(p) if p.as_char() == '>' && !is_arrow(tokens, i) => depth -= 1,
                TokenTree::Ident(ident) if depth == 0 && ident == "where" => break,
                TokenTree::Ident(ident) if depth == 0 && ident != "dyn" && ident != "mut" => {
                    last = Some(ident.unraw().to_string());
                }
                // What a macro has put in for `$type:ty`.
                TokenTree::Group(group) if depth == 0 && group.delimiter() == Delimiter::None => {
                    let within: Vec<TokenTree> = group.stream().into_iter().collect();
                    last = words(&within).or(last);
                }
                // `impl Trait for (A, B)`, `for [T]`: what it is, without spaces.
                TokenTree::Group(group) if depth == 0 => {
                    last = Some(group.to_string().replace(' ', ""));
                }
                _ => {}
            }
        }
        last
    }
    match header {
        [TokenTree::Ident(keyword), TokenTree::Ident(name), ..] if keyword == "trait" => {
            name.unraw().to_string()
        }
        [TokenTree::Ident(keyword), rest @ ..] if keyword == "impl" => {
            let rest = &rest[generics(rest)..];
            let mut depth = 0_i32;
            let split = rest.iter().enumerate().position(|(i, token)| {
                match token {
                    TokenTree::Punct(p) if p.as_char() == '<' => depth += 1,
                    TokenTree::Punct(p) if p.as_char() == '>' && !is_arrow(rest, i) => depth -= 1,
                    _ => {}
                }
                // `for<'a>` belongs to a type, not to the block.
                let binder = matches!(rest.get(i + 1), Some(TokenTree::Punct(p)) if p.as_char() == '<');
                depth == 0 && !binder && matches!(token, TokenTree::Ident(ident) if ident == "for")
            });
            words(&rest[split.map_or(0, |at| at + 1)..]).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// How many tokens the `<…>` at the front takes.
fn generics(tokens: &[TokenTree]) -> usize {
    if !matches!(tokens.first(), Some(TokenTree::Punct(p)) if p.as_char() == '<') {
        return 0;
    }
    let mut depth = 0_i32;
    for (i, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Punct(p) if p.as_char() == '<' => depth += 1,
            TokenTree::Punct(p) if p.as_char() == '>' && !is_arrow(tokens, i) => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// What a block has been found to hold.
#[derive(Default)]
struct Seen {
    /// Something that is traced, or may be: by an attribute of its own, or by what a macro makes.
    traced: bool,
    without_body: bool,
    constant: bool,
}

impl Seen {
    /// Why the attribute does nothing, if it does not. On an empty block it waits.
    fn why_nothing(&self) -> Option<&'static str> {
        match self {
            Self { traced: true, .. } | Self { without_body: false, constant: false, .. } => None,
            Self { constant: false, .. } => Some(
                "its functions have no body. Put `#[traced]` on the implementations, or give a function a default body",
            ),
            Self { without_body: false, .. } => Some(
                "a `const fn` may run at compile time, where there is no clock. Trace the functions that call it",
            ),
            _ => Some("its functions are `const` or have no body. Put `#[traced]` on the implementations"),
        }
    }
}

/// Goes through the items of a block.
struct Inner<'a> {
    options: &'a Options,
    /// Words in the parentheses of the functions: among them their arguments.
    arguments: Vec<String>,
    seen: Seen,
}

impl Inner<'_> {
    fn annotate(&mut self, body: &TokenStream, prefix: &str) -> TokenStream {
        each_item(body, |item, what| match what {
            What::Function { after_attributes } if !is_naked(&item[..after_attributes]) => {
                self.seen.traced = true;
                let (attributes, function) = item.split_at(after_attributes);
                self.note_arguments(function);
                let mut annotated = self.annotated(attributes, prefix);
                annotated.extend(in_item(function));
                annotated
            }
            // A block inside a module, unless it is annotated itself.
            What::Block { body, keyword } if our_attribute(&item[..keyword]).is_none() => {
                let prefix = crate::container::prefix(&item[keyword..body]);
                in_block(item, body, |inside| self.annotate(inside, &prefix))
            }
            What::Fragment => self.annotate(&opened(item), prefix),
            other => {
                match other {
                    What::Bare { is_const: true } => self.seen.constant = true,
                    What::Bare { is_const: false } => self.seen.without_body = true,
                    What::Other if !is_macro(item) => {}
                    _ => self.seen.traced = true,
                }
                in_item(item)
            }
        })
    }

    /// The function's attributes, with ours among them.
    fn annotated(&self, attributes: &[TokenTree], prefix: &str) -> TokenStream {
        let passed = self.passed(prefix);
        let mut out: TokenStream = attributes.iter().cloned().collect();
        let Some(at) = our_attribute(attributes) else {
            let path = match &self.options.krate {
                Some(path) => path_tokens(path),
                None => quote!(::jaeger_runtime),
            };
            out.extend(quote_spanned!(Span::mixed_site()=> #[#path::traced(#passed)]));
            return out;
        };
        // `#[traced]` or `#[traced(…)]`: what is written there stays in front.
        let TokenTree::Group(brackets) = &attributes[at] else { return out };
        let mut inside: Vec<TokenTree> = brackets.stream().into_iter().collect();
        let own = match inside.last() {
            Some(TokenTree::Group(own)) => Some(own.clone()),
            _ => None,
        };
        let list = match own {
            Some(own) => {
                inside.pop();
                // A block around this one may not have seen that this one is annotated itself.
                let options = without_passed(own.stream());
                if is_off(&options) {
                    return out;
                }
                let comma = !matches!(options.clone().into_iter().last(), None | Some(TokenTree::Punct(_)));
                let comma = comma.then(|| Punct::new(',', Spacing::Alone));
                let mut list = Group::new(Delimiter::Parenthesis, quote!(#options #comma #passed));
                list.set_span(own.span());
                list
            }
            None => Group::new(Delimiter::Parenthesis, passed),
        };
        inside.push(TokenTree::Group(list));
        let mut brackets_with = Group::new(Delimiter::Bracket, inside.into_iter().collect());
        brackets_with.set_span(brackets.span());
        let mut all: Vec<TokenTree> = attributes.to_vec();
        all[at] = TokenTree::Group(brackets_with);
        all.into_iter().collect()
    }

    /// `__in("Type", options…)`.
    fn passed(&self, prefix: &str) -> TokenStream {
        let options = self.options;
        let mut list = vec![];
        if let Some(kind) = &options.kind {
            list.push(quote!(kind = #kind));
        }
        if let Some(reply) = &options.reply {
            list.push(quote!(reply = #reply));
        }
        if let Some((_, bytes)) = options.max_len {
            let bytes = proc_macro2::Literal::u32_unsuffixed(bytes);
            list.push(quote!(max_len = #bytes));
        }
        let flags = [
            ("skip_all", options.skip_all),
            ("no_reply", options.no_reply),
            ("no_err", options.no_err),
            ("polls", options.polls),
        ];
        list.extend(
            flags.into_iter().filter_map(|(name, at)| at.map(|at| Ident::new(name, at).into_token_stream())),
        );
        if !options.skip.is_empty() {
            let names = &options.skip;
            list.push(quote!(skip(#(#names),*)));
        }
        if !options.shown.is_empty() {
            let names = options.shown.iter().map(|(name, _)| name);
            list.push(quote!(redact(#(#names),*)));
        }
        if !options.tags.is_empty() {
            let tags = options.tags.iter().map(crate::args::Tag::tokens);
            list.push(quote!(tags(#(#tags),*)));
        }
        if let Some(path) = &options.krate {
            list.push(quote!(crate = #path));
        }
        quote!(__in(#prefix #(, #list)*))
    }

    fn note_arguments(&mut self, function: &[TokenTree]) {
        let inputs = function.iter().find_map(|token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => Some(group.stream()),
            _ => None,
        });
        let Some(inputs) = inputs else { return };
        note(&inputs, &mut self.arguments);
    }
}

fn note(tokens: &TokenStream, words: &mut Vec<String>) {
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => words.push(ident.to_string()),
            TokenTree::Group(group) => note(&group.stream(), words),
            _ => {}
        }
    }
}

/// Whether an item may be a macro's call.
fn is_macro(item: &[TokenTree]) -> bool {
    item.iter().any(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '!'))
}

fn is_naked(attributes: &[TokenTree]) -> bool {
    attributes.iter().any(|token| matches!(token, TokenTree::Group(group) if says_naked(group.stream())))
}

/// Where the brackets of a `#[traced…]` stand among attributes; known by the last word of its path.
fn our_attribute(attributes: &[TokenTree]) -> Option<usize> {
    attributes.iter().position(|token| {
        let TokenTree::Group(group) = token else { return false };
        if group.delimiter() != Delimiter::Bracket {
            return false;
        }
        let path = group.stream().into_iter().take_while(|token| !matches!(token, TokenTree::Group(_)));
        matches!(path.last(), Some(TokenTree::Ident(ident)) if ident == "traced")
    })
}

/// Options without what a block has passed on.
fn without_passed(options: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = options.into_iter().collect();
    let at = tokens.iter().position(|token| matches!(token, TokenTree::Ident(word) if word == "__in"));
    tokens[..at.unwrap_or(tokens.len())].iter().cloned().collect()
}

/// The items of a block that is off, without what a block around it has passed on to them.
fn left_alone(body: &TokenStream) -> TokenStream {
    each_item(body, |item, what| match what {
        What::Function { .. } => passed_on(in_item(item), &mut Faults::default()).0,
        What::Block { body, .. } => in_block(item, body, left_alone),
        What::Fragment => left_alone(&opened(item)),
        What::Bare { .. } | What::Other => in_item(item),
    })
}

/// A block's items, each as `then` makes it anew, and what no item is.
fn each_item(body: &TokenStream, mut then: impl FnMut(&[TokenTree], What) -> TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    let mut out = TokenStream::new();
    let mut rest = &tokens[..];
    while let Some(item) = Scan::at(rest).item() {
        let (this, next) = rest.split_at(item.end);
        rest = next;
        out.extend(then(this, item.what));
    }
    out.extend(rest.iter().cloned());
    out
}

/// An item that is a block, with what stands in the braces at `body`, its last token, made anew.
fn in_block(item: &[TokenTree], body: usize, then: impl FnOnce(&TokenStream) -> TokenStream) -> TokenStream {
    let mut out = in_item(&item[..body]);
    if let Some(TokenTree::Group(group)) = item.get(body) {
        let mut made = Group::new(group.delimiter(), then(&group.stream()));
        made.set_span(group.span());
        out.extend([TokenTree::Group(made)]);
    }
    out
}

/// An item with its tokens in place of the group that they stood in.
fn opened(fragment: &[TokenTree]) -> TokenStream {
    let [attributes @ .., TokenTree::Group(group)] = fragment else {
        return fragment.iter().cloned().collect();
    };
    attributes.iter().cloned().chain(group.stream()).collect()
}

/// A function without the attribute that its block has passed on, and that attribute's options, if it stands below the one that is read. Any other of ours there is one too many.
pub(crate) fn passed_on(item: TokenStream, faults: &mut Faults) -> (TokenStream, Option<TokenStream>) {
    let mut tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    let mut attributes = 0;
    while let [TokenTree::Punct(hash), TokenTree::Group(brackets), ..] = &tokens[attributes..] {
        if hash.as_char() != '#' || brackets.delimiter() != Delimiter::Bracket {
            break;
        }
        attributes += 2;
    }
    let Some(at) = our_attribute(&tokens[..attributes]) else { return (item, None) };
    let TokenTree::Group(brackets) = &tokens[at] else { return (item, None) };
    let inside: Vec<TokenTree> = brackets.stream().into_iter().collect();
    if let [.., TokenTree::Group(list)] = &inside[..] {
        if matches!(list.stream().into_iter().next(), Some(TokenTree::Ident(word)) if word == "__in") {
            let passed = list.stream();
            tokens.drain(at - 1..=at);
            return (tokens.into_iter().collect(), Some(passed));
        }
    }
    // Another crate may have an attribute of that name.
    let path = inside.iter().take_while(|token| !matches!(token, TokenTree::Group(_)));
    let path: String = path.map(ToString::to_string).collect();
    if matches!(path.trim_start_matches("::"), "traced" | "jaeger_runtime::traced") {
        let message =
            "`traced` stands here twice, which would make each call two spans: put all options into one";
        faults.add(inside[0].span(), message);
    }
    (item, None)
}

fn is_off(options: &TokenStream) -> bool {
    matches!(options.clone().into_iter().next(), Some(TokenTree::Ident(ident)) if ident == "off")
}
