//! The annotated function. Cannot fail: everything was checked.
//!
//! The shapes, chosen without parsing the body:
//! - *guard*: nothing to say of the reply (none, `()`, `!`, `impl Trait`): a guard, and the body as it stands.
//! - *block*: the body cannot leave early: its value is bound, told to the guard, returned.
//! - *closure*: it can: the body becomes a closure that is called once, into which the arguments move, so that borrowed replies still compile.
//! - *async*: the body becomes one async block inside the runtime's `Run`, which is returned as `impl Future`: the future holds the arguments once and grows by `Run`'s own fields alone. Where another
//!   attribute macro follows, which may look for the word, the function stays an `async fn` that awaits the same `Run`.
//! - *later*: the function returns a future or a stream: `Run` around what the body made.
//!
//! `open.rs` writes the span's start, `tell.rs` its end, `arguments.rs` moves arguments into where the body went.

mod arguments;
mod open;
mod tell;

use crate::check::Plan;
use crate::model::Function;
use crate::model::reply::{Later, Reply, is_never};
use crate::model::scan::{
    as_ours, boxed_tail, ends_in_identity, ends_in_return, ends_in_returns, ends_in_semicolon,
    has_impl_trait, is_canonical, is_question_in_ok, may_leave_early, says_async, without_lifetimes,
};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{ReturnType, Signature, Type, Visibility};

/// What all parts of an expansion write with: names of ours are ours alone (`mixed_site`), the runtime is where the options say.
struct Expansion<'a> {
    function: &'a Function,
    plan: &'a Plan,
    at: Span,
    private: TokenStream,
}

pub(crate) fn expand(function: &Function, plan: &Plan) -> TokenStream {
    let at = Span::mixed_site();
    let private = match &plan.krate {
        Some(path) => quote_spanned!(at=> #path::__private),
        None => quote_spanned!(at=> ::jaeger_runtime::__private),
    };
    let this = Expansion { function, plan, at, private };
    let reply = function.reply();
    if function.is_async() {
        return this.asynchronous(&reply);
    }
    let (signature, code) = match &reply {
        Reply::Nothing | Reply::Opaque => this.guard(&reply),
        // Nobody sees what it returns, and linters see what is needless at its end.
        Reply::Value(_) | Reply::Partly(_)
            if function.stays_in_place() && leaves(&function.body.stream()) =>
        {
            this.guard(&reply)
        }
        Reply::Value(ty) => this.value(&ty.to_token_stream(), false),
        Reply::Partly(ty) => this.value(ty, true),
        // What it returns early is no future with a span around it, nor one that was given up.
        Reply::Future(_) | Reply::Stream(_)
            if function.stays_in_place() && may_leave_early(&function.body.stream()) =>
        {
            this.guard(&reply)
        }
        Reply::Future(later) => this.later(later, false),
        Reply::Stream(later) if plan.streams => this.later(later, true),
        Reply::Stream(Later { boxed: Some(ty), .. }) => this.value(&ty.to_token_stream(), false),
        Reply::Stream(_) => this.guard(&reply),
    };
    this.function(&signature, &code)
}

impl Expansion<'_> {
    fn function(&self, signature: &Signature, code: &TokenStream) -> TokenStream {
        let Function { attributes, visibility, default, body, .. } = self.function;
        // The item ends where the user's braces do: lints look at no function that ends in a macro.
        let mut block = Group::new(Delimiter::Brace, code.clone());
        let canonical = is_canonical(&signature.ident, &body.stream(), !signature.generics.params.is_empty());
        block.set_span(if canonical { self.at } else { body.span() });
        quote_spanned!(self.at=> #(#attributes)* #visibility #default #signature #block)
    }

    fn guard(&self, reply: &Reply<'_>) -> (Signature, TokenStream) {
        let (at, body) = (self.at, &self.function.body);
        let moved = self.moved(false);
        let (open, statements) = (self.enter(&moved), &moved.statements);
        let ends = matches!(reply, Reply::Nothing) && !returns_never(&self.function.signature);
        let code = if ends && !may_leave_early(&body.stream()) {
            // It ends here, and so it did not panic, also where another panic is under way.
            let (body, private) = (self.body_as_users(), &self.private);
            quote_spanned!(at=> let __jaeger_span = #open; #statements #body #private::Ends::end(__jaeger_span);)
        } else {
            let block = as_tail(body);
            // In a block of this crate's edition, 2024, so that the body's last temporaries are dropped before the arguments.
            let private = &self.private;
            quote_spanned!(at=> { let __jaeger_span = #private::until_dropped(#open); #statements #block })
        };
        (moved.signature, code)
    }

    fn value(&self, ty: &TokenStream, opaque: bool) -> (Signature, TokenStream) {
        let body = &self.function.body;
        let ty = &as_ours(without_lifetimes(ty.clone()));
        let early = !self.function.stays_in_place() && may_leave_early(&body.stream());
        let moved = self.moved(early);
        let (open, statements, touched) = (self.enter(&moved), &moved.statements, &moved.touched);
        let tell = self.tell(opaque);
        // A reply that does not live long enough is told where it leaves, which is the body.
        let reply = Ident::new("__jaeger_reply", self.at.located_at(body.span()));
        let code = if early {
            let inner = self.as_last(Some(ty)).around(quote_spanned!(self.at=> #touched #statements));
            let (user, private) = (self.body_in_function(), self.users_private());
            // Said of the function, unless a trait decided its type.
            let allowed = may_be_result(&self.function.signature)
                .then(|| quote_spanned!(self.at=> #[allow(clippy::result_large_err)]));
            let call = quote_spanned!(user=> #private::call_once(#allowed move || -> #ty #inner));
            quote_spanned! {self.at=>
                let __jaeger_span = #open;
                let __jaeger_reply: #ty = #call;
                #tell #reply
            }
        } else {
            let bound = self.bound_body(&quote_spanned!(self.at=> __jaeger_reply), ty);
            let (mut open, mut told) = (open, None);
            if may_leave_early(&body.stream()) {
                let private = &self.private;
                open = quote_spanned!(self.at=> #private::until_dropped(#open));
                told = Some(quote_spanned!(self.at=> let __jaeger_span = __jaeger_span.told();));
            }
            quote_spanned! {self.at=>
                let __jaeger_span = #open;
                #statements
                #bound
                #told #tell #reply
            }
        };
        (moved.signature, code)
    }

    fn asynchronous(&self, reply: &Reply<'_>) -> TokenStream {
        let (at, private) = (self.at, &self.private);
        let moved = self.moved(true);
        let (open, statements, touched) = (self.open(&moved), &moved.statements, &moved.touched);
        let (ty, say) = match reply {
            Reply::Value(ty) => {
                (Some(as_ours(without_lifetimes(ty.to_token_stream()))), Some(self.say(false)))
            }
            Reply::Partly(ty) => (Some(as_ours(without_lifetimes(ty.clone()))), Some(self.say(true))),
            _ => (None, None),
        };
        // Tells the block its type, as the signature tells it a plain body. Not as an argument of `never`: of an unknown name the compiler has another hint there than in the signature, and would tell it twice.
        let typed = ty.as_ref().map(|ty| {
            quote_spanned!(at=> if false { let __jaeger_never: #ty = #private::never(); return __jaeger_never; })
        });
        let block = match (&ty, reply) {
            (Some(ty), _) => self.as_last(Some(ty)),
            (None, Reply::Nothing) if !returns_never(&self.function.signature) => {
                self.as_last(Some(&quote_spanned!(at=> ())))
            }
            _ => self.as_last(None),
        };
        // A block whose last expression is a future would be a lint (`async_yields_async`), which a function is spared.
        let tokens = self.function.body.stream();
        let mut allowed = None;
        let block = match self.function.returned() {
            Some(returned) if may_be_future(returned) => {
                if ends_in_semicolon(&tokens) {
                    // It leaves by itself: whatever stood behind would not be reached.
                    block.into_statement()
                } else if ends_in_return(&tokens) {
                    block
                } else if !ends_in_returns(&tokens) {
                    block.returned()
                } else if let (Some(ty), true) = (&ty, says_async(&tokens)) {
                    self.bound_last(ty).returned()
                } else {
                    // Linters would not see what is needless behind a `return` of ours. There is no block of the user's that could be meant.
                    allowed = Some(quote_spanned!(at=> #[allow(clippy::async_yields_async)]));
                    block
                }
            }
            _ => block,
        };
        let user = self.function.body.span();
        let block = block.around(quote_spanned!(at=> #typed #touched #open #statements));
        let private = self.users_private();
        let run = match say {
            Some(say) => quote_spanned!(user=> #private::run(#allowed async move #block, #say)),
            None => quote_spanned!(user=> #private::run_bare(#allowed async move #block)),
        };
        // Of an `async fn`, `#[must_use]` means what it awaits to.
        if self.function.has_other_macros() || self.function.has_attribute("must_use") {
            return self.function(&moved.signature, &quote_spanned!(at=> #run.await));
        }
        let output = match &self.function.signature.output {
            ReturnType::Default => quote_spanned!(at=> ()),
            // A bare `!` may stand after an arrow only.
            ReturnType::Type(..) if returns_never(&self.function.signature) => {
                let private = &self.private;
                quote_spanned!(at=> <fn() -> ! as #private::Returns>::Returned)
            }
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        };
        let mut signature = moved.signature;
        signature.asyncness = None;
        // The tokens are of this crate's edition, 2024, in which an `impl Trait` captures all lifetimes, as an `async fn` does in every edition.
        signature.output = syn::parse_quote_spanned!(at=> -> impl ::core::future::Future<Output = #output>);
        self.with_documented_twin(&signature, &run)
    }

    /// The body's place, and whoever wrote `fn`: a macro may have put a body of the user's into a function of its own, in which linters look for nothing.
    fn body_in_function(&self) -> Span {
        self.function.body.span().resolved_at(self.function.signature.fn_token.span)
    }

    /// The runtime's path as if the user had written it: an expression is taken for a macro's if it begins or ends with a token of one.
    fn users_private(&self) -> TokenStream {
        let user = self.function.body.span();
        let as_users = |mut token: TokenTree| {
            token.set_span(user);
            token
        };
        match &self.plan.krate {
            Some(_) => self.private.clone(),
            None => self.private.clone().into_iter().map(as_users).collect(),
        }
    }

    /// `if true { body } else { never() }` as if the user had written it: linters do not look into expressions of a macro's. Not the bare body, of which they would say that its braces are unnecessary, or that
    /// nothing behind it is reached.
    fn body_as_users(&self) -> TokenStream {
        let (user, private, body) = (self.function.body.span(), &self.private, &self.function.body);
        let mut never = Group::new(Delimiter::Brace, quote_spanned!(self.at=> #private::never()));
        // Where it ends, so that nothing seems to stand between it and the body.
        never.set_span(end_of(body));
        quote_spanned!(user=> if true #body else #never)
    }

    /// The body's value in a variable.
    fn bound_body(&self, name: &TokenStream, ty: &TokenStream) -> TokenStream {
        let (user, body) = (self.function.body.span(), self.body_as_users());
        // Of what a method or a future ends in it is not told, but of what is assigned.
        let is_free = !self.function.is_async() && self.function.receiver().is_none();
        let allowed = (!is_free && ends_in_identity(&self.function.body.stream()))
            .then(|| quote_spanned!(self.at=> #[allow(clippy::needless_match)]));
        quote_spanned!(user=> #allowed let #name: #ty = #body;)
    }

    /// The body as the last thing in a block. In braces of the user's if it can be, for what the linters look at; then the edition is the user's too, and the body's last temporaries have to go
    /// before the arguments by other means than the edition: at a semicolon.
    fn as_last(&self, ty: Option<&TokenStream>) -> Last {
        let body = &self.function.body;
        let tail = as_tail(body).to_token_stream();
        if is_question_in_ok(&body.stream()) {
            return Last { braces: self.at, within: None, code: tail };
        }
        let braces = body.span();
        if ends_in_returns(&body.stream()) {
            return Last { braces: self.at, within: Some(braces), code: tail };
        }
        if body.stream().is_empty() || ends_in_semicolon(&body.stream()) {
            return Last { braces, within: None, code: tail };
        }
        if ends_in_return(&body.stream()) {
            return Last { braces, within: None, code: tail }.into_statement();
        }
        match ty {
            Some(ty) => self.bound_last(ty),
            None => Last { braces: self.at, within: None, code: tail },
        }
    }

    /// The body's value in a variable, and that as the last thing: also where nothing behind the body is reached, no linter says so.
    fn bound_last(&self, ty: &TokenStream) -> Last {
        let name = quote_spanned!(self.at=> __jaeger_body);
        let bound = self.bound_body(&name, ty);
        let braces = self.function.body.span();
        Last { braces, within: None, code: quote_spanned!(self.at=> #bound #name) }
    }

    /// The function, and where its documentation is made, its signature as it was written, which says `async`.
    fn with_documented_twin(&self, signature: &Signature, code: &TokenStream) -> TokenStream {
        let function = self.function(signature, code);
        let Function { attributes, visibility, default, signature: written, .. } = self.function;
        let is_seen = !matches!(visibility, Visibility::Inherited) || self.function.receiver().is_some();
        let nameable = self.function.returned().is_none_or(|ty| !has_impl_trait(&ty.to_token_stream()));
        if !(is_seen && nameable) {
            return function;
        }
        let private = &self.private;
        quote_spanned! {self.at=>
            #[cfg(doc)] #(#attributes)* #visibility #default #written { #private::never() }
            #[cfg(not(doc))] #function
        }
    }

    /// The function returns a future or a stream, around which the span goes on.
    fn later(&self, later: &Later<'_>, stream: bool) -> (Signature, TokenStream) {
        let (at, private) = (self.at, &self.private);
        let body = &self.function.body;
        let early = may_leave_early(&body.stream());
        let closure = early && !self.function.stays_in_place();
        let moved = self.moved(closure);
        let (make, statements, touched) = (self.make(&moved), &moved.statements, &moved.touched);
        let say = match (stream, later.output) {
            (false, Some(ty)) if !is_unit(ty) => Some(self.say(false)),
            _ => None,
        };
        // What the runtime puts around the future, up to where the future is written.
        let around = |boxed: bool| {
            let name = match (stream, &say, boxed) {
                (true, _, false) => quote_spanned!(at=> in_span_stream),
                (true, _, true) => quote_spanned!(at=> boxed_stream),
                (false, Some(_), false) => quote_spanned!(at=> in_span),
                (false, Some(_), true) => quote_spanned!(at=> boxed),
                (false, None, false) => quote_spanned!(at=> in_span_bare),
                (false, None, true) => quote_spanned!(at=> boxed_bare),
            };
            match &say {
                Some(say) => {
                    let ty = later.output.map(|ty| as_ours(without_lifetimes(ty.to_token_stream())));
                    let typed = quote_spanned!(at=> ::<#ty, _, _>);
                    (quote_spanned!(at=> #private::#name #typed), quote_spanned!(at=> __jaeger_span, #say,))
                }
                None => (quote_spanned!(at=> #private::#name), quote_spanned!(at=> __jaeger_span,)),
            }
        };
        let boxed = later.boxed.map(|ty| as_ours(without_lifetimes(ty.to_token_stream())));
        if let (Some(ty), false) = (&boxed, early) {
            // Into the box that the body makes itself, if that is seen.
            if let Some((before, inner)) = boxed_tail(&body.stream()) {
                let ((call, first), argument) = (around(false), inner.stream());
                let tail: TokenStream = quote_spanned!(at=> #call(#first #argument));
                let mut arguments = Group::new(Delimiter::Parenthesis, tail);
                arguments.set_span(inner.span());
                // With an empty statement, as in `as_tail`; in a block of this crate's edition, as in `guard`.
                let mut block = Group::new(Delimiter::Brace, quote_spanned!(at=> ; #before #arguments));
                block.set_span(body.span());
                return (
                    moved.signature,
                    quote_spanned!(at=> { let __jaeger_span = #make; #statements #block }),
                );
            }
            let (call, first) = around(true);
            let code = quote_spanned! {at=>
                let __jaeger_span = #make;
                #statements
                let __jaeger_reply: #ty = if true #body else { #private::never() };
                #call(#first __jaeger_reply)
            };
            return (moved.signature, code);
        }
        let (call, first) = around(later.boxed.is_some());
        let made = match closure {
            true => {
                let inner = self.as_last(boxed.as_ref()).around(quote_spanned!(at=> #touched #statements));
                let (user, private) = (self.body_in_function(), self.users_private());
                let ty = boxed.as_ref().map(|ty| quote_spanned!(at=> -> #ty));
                quote_spanned!(user=> #private::call_once(move || #ty #inner))
            }
            false => quote_spanned!(at=> if true #body else { #private::never() }),
        };
        let outside = (!closure).then_some(statements);
        let code = quote_spanned!(at=> let __jaeger_span = #make; #outside let __jaeger_reply = #made; #call(#first __jaeger_reply));
        (moved.signature, code)
    }
}

/// The body's closing brace. A function that another macro has passed on may have but one span for both of its braces, which the closing one would begin before all that is between; then it is the body's last token.
fn end_of(body: &Group) -> Span {
    let close = body.span_close();
    // Where the text is not known, there is nobody who looks at it either.
    if close.source_text().is_none_or(|text| text.len() == 1) {
        return close;
    }
    match body.stream().into_iter().last() {
        Some(TokenTree::Group(last)) => end_of(&last),
        Some(last) => last.span(),
        None => close,
    }
}

/// The body as the last thing in a block that is still to be made.
struct Last {
    braces: Span,
    /// Braces around those.
    within: Option<Span>,
    code: TokenStream,
}

impl Last {
    fn around(self, before: TokenStream) -> Group {
        let Self { braces, within, code } = self;
        let mut group = Group::new(Delimiter::Brace, quote::quote!(#before #code));
        group.set_span(braces);
        if let Some(outer) = within {
            group = Group::new(Delimiter::Brace, TokenTree::Group(group).into());
            group.set_span(outer);
        }
        group
    }

    fn returned(self) -> Self {
        let code = self.code;
        let code = quote_spanned!(Span::mixed_site()=> return { #code };);
        Self { code, within: None, ..self }
    }

    fn into_statement(self) -> Self {
        let code = self.code;
        Self { code: quote_spanned!(Span::mixed_site()=> #code;), ..self }
    }
}

fn returns_never(signature: &Signature) -> bool {
    matches!(&signature.output, ReturnType::Type(_, ty) if is_never(ty))
}

/// Whether a body ends in a `return`.
fn leaves(body: &TokenStream) -> bool {
    may_leave_early(body) && (ends_in_semicolon(body) || ends_in_return(body))
}

/// Types of the standard library, by the last of their names, of which none is a future.
const NO_FUTURES: [&str; 26] = [
    "Result", "Option", "Vec", "String", "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize",
    "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "Arc", "Rc", "Duration", "HashMap", "BTreeMap",
];

/// Whether the function may return a `Result`, under whatever name.
fn may_be_result(signature: &Signature) -> bool {
    match &signature.output {
        ReturnType::Type(_, ty) => match &**ty {
            Type::Path(path) => path.path.segments.last().is_none_or(|last| last.ident != "Option"),
            _ => false,
        },
        ReturnType::Default => false,
    }
}

/// Whether a value of the type can be a future, as far as its name says: any type of the user's can.
fn may_be_future(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().is_none_or(|last| !NO_FUTURES.iter().any(|known| last.ident == known))
        }
        Type::Reference(reference) => may_be_future(&reference.elem),
        Type::Paren(paren) => may_be_future(&paren.elem),
        Type::Group(group) => may_be_future(&group.elem),
        Type::Tuple(_) | Type::Array(_) | Type::Ptr(_) => false,
        _ => true,
    }
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// The body as the last expression of another block, where a lone expression in braces of its own would be a lint (`unused_braces`): an empty statement in front makes it a block.
fn as_tail(body: &Group) -> Group {
    let stream = body.stream();
    if stream.is_empty() {
        return body.clone();
    }
    let at = Span::mixed_site();
    let mut block = Group::new(Delimiter::Brace, quote_spanned!(at=> ; #stream));
    block.set_span(body.span());
    block
}
