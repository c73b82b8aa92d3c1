//! Finds the functions of a source file, and puts text in front of some of them; every other byte stays.
//!
//! The file is parsed to know where functions begin, and the text goes in at that byte, on the same line, so that a compiler's line numbers hold for both copies. Not touched, and counted
//! by reason: `const fn`, functions without a body, and those that stand in a macro's definition or arguments (other than `cfg_…! { items }`, which hands its items on).

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::BTreeMap;
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{AttrStyle, Attribute, Signature};

/// Why a function is not annotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Skip {
    Const,
    NoBody,
    MacroDefinition,
    MacroArgument,
    /// syn reads the item as tokens only.
    Unread,
    /// Only where blocks are annotated: a function that stands in none.
    InNoBlock,
}

impl Skip {
    pub(crate) fn why(self) -> &'static str {
        match self {
            Skip::Const => "const fn",
            Skip::NoBody => "no body",
            Skip::MacroDefinition => "in macro_rules!",
            Skip::MacroArgument => "in a macro's arguments",
            Skip::Unread => "syntax that syn does not read",
            Skip::InNoBlock => "in no impl or trait block",
        }
    }
}

/// What is annotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Every function by itself.
    Functions,
    /// `impl` and `trait` blocks, each as a whole.
    Blocks,
}

/// A function that is to be traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Line of its first token after attributes, from 1.
    pub(crate) line: usize,
    /// Where an attribute of its own goes: after its other attributes.
    pub(crate) at: usize,
    /// From its first attribute to the end of its body.
    pub(crate) range: Range<usize>,
    /// Where the attribute of the block it stands in goes.
    pub(crate) block: Option<usize>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) functions: Vec<Function>,
    pub(crate) skipped: BTreeMap<Skip, usize>,
}

/// Reads a file. Only what `target` can annotate is in `functions`.
pub(crate) fn scan(source: &str, target: Target) -> syn::Result<Scan> {
    // Neither is Rust, and the offsets count from the file's beginning.
    let mut skip = source.len() - source.trim_start_matches('\u{feff}').len();
    let rest = &source[skip..];
    if rest.starts_with("#!") && !rest[2..].trim_start().starts_with('[') {
        skip += rest.find('\n').unwrap_or(rest.len());
    }
    let file: syn::File = syn::parse_str(&source[skip..])?;
    let mut finder = Finder { base: skip, target, block: None, found: Scan::default() };
    finder.visit_file(&file);
    Ok(finder.found)
}

/// The source with `texts` put in, each at its byte. Returns the places in the new text too.
pub(crate) fn insert(source: &str, mut texts: Vec<(usize, &str)>) -> (String, Insertions) {
    texts.sort_unstable();
    texts.dedup();
    let mut out = String::with_capacity(source.len() + texts.len() * 32);
    let mut done = 0;
    let mut insertions = vec![];
    for (at, text) in texts {
        out.push_str(&source[done..at]);
        done = at;
        insertions.push((out.len(), text.len()));
        out.push_str(text);
    }
    out.push_str(&source[done..]);
    (out, Insertions(insertions))
}

/// Where text was put in: byte in the new text, and length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Insertions(Vec<(usize, usize)>);

impl Insertions {
    /// The byte of the old text that stands at `offset` of the new one; inside put-in text, the byte before which it was put.
    pub(crate) fn back(&self, offset: usize) -> usize {
        let mut added = 0;
        for &(at, length) in &self.0 {
            if at + length <= offset {
                added += length;
            } else {
                return offset.min(at) - added;
            }
        }
        offset - added
    }
}

struct Finder {
    base: usize,
    target: Target,
    block: Option<usize>,
    found: Scan,
}

impl Finder {
    fn skip(&mut self, why: Skip, count: usize) {
        if count > 0 {
            *self.found.skipped.entry(why).or_default() += count;
        }
    }

    fn function(
        &mut self,
        item: &impl ToTokens,
        attributes: &[Attribute],
        signature: &Signature,
        has_body: bool,
    ) {
        if !has_body {
            return self.skip(Skip::NoBody, 1);
        }
        if signature.constness.is_some() {
            return self.skip(Skip::Const, 1);
        }
        if self.target == Target::Blocks && self.block.is_none() {
            return self.skip(Skip::InNoBlock, 1);
        }
        let first = first_after(item, attributes);
        let range = item.span().byte_range();
        self.found.functions.push(Function {
            name: signature.ident.to_string(),
            line: first.start().line,
            at: self.base + first.byte_range().start,
            range: self.base + range.start..self.base + range.end,
            block: self.block,
        });
    }

    /// Functions inside this one stand in no block of its.
    fn within(&mut self, block: Option<usize>, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.block, block);
        visit(self);
        self.block = outer;
    }

    fn a_macro(&mut self, mac: &syn::Macro) {
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        if name == "macro_rules" {
            return self.skip(Skip::MacroDefinition, functions_in(&mac.tokens));
        }
        if name.starts_with("cfg_")
            && let Ok(items) = syn::parse2::<syn::File>(mac.tokens.clone())
        {
            return self.visit_file(&items);
        }
        self.skip(Skip::MacroArgument, functions_in(&mac.tokens));
    }
}

/// `fn name` in tokens; a type such as `fn(u8)` is none.
fn functions_in(tokens: &TokenStream) -> usize {
    let mut count = 0;
    let mut after_fn = false;
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => {
                count += functions_in(&group.stream());
                after_fn = false;
            }
            TokenTree::Ident(ident) => {
                count += usize::from(after_fn);
                after_fn = ident == "fn";
            }
            // `fn $name` of a definition.
            TokenTree::Punct(punct) => {
                count += usize::from(after_fn && punct.as_char() == '$');
                after_fn = false;
            }
            TokenTree::Literal(_) => after_fn = false,
        }
    }
    count
}

/// The first token after the outer attributes.
fn first_after(item: &impl ToTokens, attributes: &[Attribute]) -> Span {
    let outer = attributes.iter().filter(|attribute| matches!(attribute.style, AttrStyle::Outer));
    let end = outer.map(|attribute| attribute.span().byte_range().end).max().unwrap_or(0);
    let mut after = item.to_token_stream().into_iter().map(|token| token.span());
    after.find(|span| span.byte_range().start >= end).unwrap_or_else(|| item.span())
}

impl<'a> Visit<'a> for Finder {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.within(None, |this| {
            this.function(item, &item.attrs, &item.sig, true);
            visit::visit_item_fn(this, item);
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.function(item, &item.attrs, &item.sig, true);
        self.within(None, |this| visit::visit_impl_item_fn(this, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        self.function(item, &item.attrs, &item.sig, item.default.is_some());
        self.within(None, |this| visit::visit_trait_item_fn(this, item));
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        let at = self.base + first_after(item, &item.attrs).byte_range().start;
        self.within(Some(at), |this| visit::visit_item_impl(this, item));
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        let at = self.base + first_after(item, &item.attrs).byte_range().start;
        self.within(Some(at), |this| visit::visit_item_trait(this, item));
    }

    fn visit_foreign_item_fn(&mut self, _: &'a syn::ForeignItemFn) {
        self.skip(Skip::NoBody, 1);
    }

    fn visit_macro(&mut self, mac: &'a syn::Macro) {
        self.within(None, |this| this.a_macro(mac));
    }

    fn visit_item(&mut self, item: &'a syn::Item) {
        if let syn::Item::Verbatim(tokens) = item {
            return self.skip(Skip::Unread, functions_in(tokens));
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'a syn::ImplItem) {
        if let syn::ImplItem::Verbatim(tokens) = item {
            return self.skip(Skip::Unread, functions_in(tokens));
        }
        visit::visit_impl_item(self, item);
    }

    fn visit_trait_item(&mut self, item: &'a syn::TraitItem) {
        if let syn::TraitItem::Verbatim(tokens) = item {
            return self.skip(Skip::Unread, functions_in(tokens));
        }
        visit::visit_trait_item(self, item);
    }

    fn visit_expr(&mut self, expression: &'a syn::Expr) {
        if let syn::Expr::Verbatim(tokens) = expression {
            return self.skip(Skip::Unread, functions_in(tokens));
        }
        visit::visit_expr(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"//! Ünïcode before.
#[inline] pub(crate) async fn a<T>(x: T) -> u8 { fn inner() {} 1 }
const fn c() {}
extern "C" { fn foreign(); }
macro_rules! m { ($name:ident) => { fn $name() {} fn fixed() { let f: fn(u8); } } }
cfg_rt! { pub fn gated() {} }
pin_project! { impl Drop for X { fn drop(&mut self) {} } }
/// Says
#[cfg(unix)]
unsafe impl<'a> T for X<'a> {
    const N: u8 = { fn in_const() -> u8 { 1 } in_const() };
    #[must_use]
    /// more
    unsafe extern "C" fn m(&self) { select! { x => { fn hidden() {} } } }
    default fn d() {}
    const fn k() {}
}
pub trait Tr { fn needed(&self); fn given(&self) -> u8 { let c = || { fn deep() {} }; 2 } }
"#;

    fn names(scan: &Scan) -> Vec<&str> {
        scan.functions.iter().map(|function| function.name.as_str()).collect()
    }

    #[test]
    fn every_function_with_a_body_is_found_and_every_other_is_counted() {
        let scan = scan(SOURCE, Target::Functions).unwrap();
        assert_eq!(names(&scan), ["a", "inner", "gated", "in_const", "m", "d", "given", "deep"]);
        let skipped: Vec<_> = scan.skipped.into_iter().collect();
        let expected =
            [(Skip::Const, 2), (Skip::NoBody, 2), (Skip::MacroDefinition, 2), (Skip::MacroArgument, 2)];
        assert_eq!(skipped, expected);
    }

    #[test]
    fn text_goes_after_the_attributes_and_nothing_else_changes() {
        let scan = scan(SOURCE, Target::Functions).unwrap();
        let (text, insertions) = insert(SOURCE, scan.functions.iter().map(|f| (f.at, "#[t] ")).collect());
        assert_eq!(text.replace("#[t] ", ""), SOURCE);
        for begins in [
            "#[inline] #[t] pub(crate) async fn a",
            "{ #[t] fn inner",
            "cfg_rt! { #[t] pub fn gated",
            "    /// more\n    #[t] unsafe extern \"C\" fn m",
            "    #[t] default fn d",
            "; #[t] fn given",
        ] {
            assert!(text.contains(begins), "{begins}: {text}");
        }
        for function in &scan.functions {
            let signature = &SOURCE[function.at..SOURCE[function.at..].find('{').unwrap() + function.at];
            let at = text.find(signature).unwrap();
            assert!(signature.contains(&function.name) && text[..at].ends_with("#[t] "), "{signature}");
            assert_eq!(insertions.back(at), function.at);
            assert_eq!(
                insertions.back(at - 1),
                function.at,
                "what was put in belongs to what it stands before"
            );
            assert!(function.range.contains(&function.at) && SOURCE[function.range.clone()].ends_with('}'));
        }
    }

    #[test]
    fn blocks_are_annotated_once_each() {
        let scan = scan(SOURCE, Target::Blocks).unwrap();
        assert_eq!(names(&scan), ["m", "d", "given"]);
        assert_eq!(scan.skipped[&Skip::InNoBlock], 5);
        let (text, _) = insert(SOURCE, scan.functions.iter().map(|f| (f.block.unwrap(), "#[t] ")).collect());
        assert_eq!(text.matches("#[t]").count(), 2);
        assert!(
            text.contains("#[cfg(unix)]\n#[t] unsafe impl") && text.contains("#[t] pub trait Tr"),
            "{text}"
        );
    }
}
