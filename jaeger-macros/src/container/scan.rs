//! Where the items of a block begin and end, told by its tokens alone: attributes, words in front, up to the braces or the semicolon. Whatever cannot be read is some other item.

use proc_macro2::{Delimiter, Group, Spacing, TokenTree};

/// One item of a block.
pub(super) struct Item {
    /// Behind its last token.
    pub(super) end: usize,
    pub(super) what: What,
}

pub(super) enum What {
    /// A function with a body, and not `const`.
    Function {
        after_attributes: usize,
    },
    /// An `impl`, `trait` or `mod`: where its braces and its keyword stand.
    Block {
        body: usize,
        keyword: usize,
    },
    /// A function that cannot be traced: it is `const`, or its body is a semicolon.
    Bare {
        is_const: bool,
    },
    /// What a macro has put in for `$item:item`: one item or more in a group without delimiters, the last token of this one.
    Fragment,
    Other,
}

/// Reads one item from the front of some tokens.
pub(super) struct Scan<'a> {
    tokens: &'a [TokenTree],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn at(tokens: &'a [TokenTree]) -> Self {
        Self { tokens, at: 0 }
    }

    fn punct(&self, c: char) -> bool {
        matches!(self.tokens.get(self.at), Some(TokenTree::Punct(p)) if p.as_char() == c)
    }

    fn ends_in_semicolon(&self) -> bool {
        matches!(self.at.checked_sub(1).map(|last| &self.tokens[last]), Some(TokenTree::Punct(p)) if p.as_char() == ';')
    }

    fn word(&self) -> Option<String> {
        match self.tokens.get(self.at) {
            Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
            _ => None,
        }
    }

    fn group(&self, delimiter: Delimiter) -> bool {
        matches!(self.tokens.get(self.at), Some(TokenTree::Group(group)) if group.delimiter() == delimiter)
    }

    /// Whether what a macro has put in for `$vis:vis` stands here.
    fn visibility(&self) -> bool {
        let Some(TokenTree::Group(group)) = self.tokens.get(self.at) else { return false };
        let within: Vec<TokenTree> = group.stream().into_iter().collect();
        group.delimiter() == Delimiter::None
            && match &within[..] {
                [] => true,
                [TokenTree::Ident(word)] => word == "pub" || word == "crate",
                [TokenTree::Ident(word), TokenTree::Group(path)] => {
                    word == "pub" && path.delimiter() == Delimiter::Parenthesis
                }
                _ => false,
            }
    }

    pub(super) fn item(mut self) -> Option<Item> {
        self.tokens.get(self.at)?;
        while self.punct('#') {
            self.at += 1;
            if self.punct('!') {
                self.at += 1;
            }
            if self.group(Delimiter::Bracket) {
                self.at += 1;
            }
        }
        let after_attributes = self.at;
        if self.visibility() {
            self.at += 1;
        } else if self.group(Delimiter::None) {
            self.at += 1;
            // Or `$path!`.
            return Some(if self.punct('!') {
                self.other(false)
            } else {
                Item { end: self.at, what: What::Fragment }
            });
        }
        if self.word().as_deref() == Some("pub") {
            self.at += 1;
            if self.group(Delimiter::Parenthesis) {
                self.at += 1;
            }
        }
        let mut is_const = false;
        loop {
            let word = self.word();
            match word.as_deref() {
                Some("fn") => {
                    let body = self.go_to_body(false);
                    // Without either it is being typed.
                    let what = match body {
                        Some(_) if !is_const => What::Function { after_attributes },
                        None if !self.ends_in_semicolon() => What::Other,
                        _ => What::Bare { is_const },
                    };
                    return Some(Item { end: self.at, what });
                }
                Some("impl" | "trait" | "mod") => {
                    let keyword = self.at;
                    let what = match self.go_to_body(false) {
                        Some(body) => What::Block { body, keyword },
                        None => What::Other,
                    };
                    return Some(Item { end: self.at, what });
                }
                Some("const") => {
                    is_const = true;
                    self.at += 1;
                }
                Some("async" | "unsafe" | "safe" | "default" | "auto" | "extern") => self.at += 1,
                None if matches!(self.tokens.get(self.at), Some(TokenTree::Literal(_))) => self.at += 1,
                // Of a macro's making: `extern $abi`.
                None if self.group(Delimiter::None) => self.at += 1,
                // A constant, a `use`: its end is its semicolon, whatever braces stand in it.
                Some("static" | "type" | "use") => return Some(self.other(true)),
                _ => return Some(self.other(is_const)),
            }
        }
    }

    fn other(mut self, only_semicolon: bool) -> Item {
        self.go_to_body(only_semicolon);
        Item { end: self.at, what: What::Other }
    }

    /// Goes behind the item's end: its semicolon, or its braces, whose place is the answer. Braces inside `<…>` belong to a type.
    fn go_to_body(&mut self, only_semicolon: bool) -> Option<usize> {
        let mut depth = 0_i32;
        while let Some(token) = self.tokens.get(self.at) {
            let here = self.at;
            self.at += 1;
            match token {
                TokenTree::Punct(p) if p.as_char() == ';' => return None,
                TokenTree::Punct(p) if p.as_char() == '<' => depth += 1,
                TokenTree::Punct(p) if p.as_char() == '>' && !is_arrow(self.tokens, here) => depth -= 1,
                TokenTree::Group(group) if is_braces(group) && depth <= 0 && !only_semicolon => {
                    return Some(here);
                }
                _ => {}
            }
        }
        None
    }
}

/// Braces, also those that a macro has put in for `$body:block`.
fn is_braces(group: &Group) -> bool {
    match group.delimiter() {
        Delimiter::Brace => true,
        Delimiter::None => {
            let mut within = group.stream().into_iter();
            matches!((within.next(), within.next()), (Some(TokenTree::Group(only)), None) if is_braces(&only))
        }
        _ => false,
    }
}

/// The `>` of `->` or `=>` closes nothing.
pub(super) fn is_arrow(tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    matches!(before, Some(TokenTree::Punct(p)) if matches!(p.as_char(), '-' | '=') && p.spacing() == Spacing::Joint)
}
