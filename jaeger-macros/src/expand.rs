//! The annotated function. Cannot fail: everything was checked.
//!
//! Four shapes, chosen without parsing the body:
//! - *guard*: nothing to say of the reply (none, `()`, `!`, `impl Trait`): a guard, and the body as it stands.
//! - *block*: the body cannot leave early: its value is bound, told to the guard, returned.
//! - *closure*: it can: the body becomes a closure that is called once, into which the arguments move, so that borrowed replies still compile.
//! - *async*: the body becomes an inner future, polled with the span ambient.

use crate::args::Shown;
use crate::check::{Plan, unraw};
use crate::model::{Function, Parameter, has_impl_trait, may_leave_early};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{FnArg, Pat, Signature};

pub(crate) fn expand(function: &Function, plan: &Plan) -> TokenStream {
    let at = Span::mixed_site();
    let private = match &plan.krate {
        Some(path) => quote_spanned!(at=> #path::__private),
        None => quote_spanned!(at=> ::jaeger_runtime::__private),
    };
    let Function { attributes, visibility, default, signature, body } = function;
    let is_async = signature.asyncness.is_some();
    let reply = function.reply().filter(|ty| !has_impl_trait(&ty.to_token_stream()));
    // A closure or an inner future would move the place that `#[track_caller]` tells, and lose the features.
    let in_place = function.has_attribute("track_caller") || function.has_attribute("target_feature");
    let moves = is_async || (reply.is_some() && !in_place && may_leave_early(&body.stream()));
    let (signature, moved) =
        if moves { move_in(function, plan, &private) } else { (signature.clone(), Moved::default()) };
    let open = open(plan, &moved, &private, is_async);
    let Moved { statements, .. } = &moved;

    let code = if is_async {
        // Tells the inner future its type, as the signature tells it a plain body.
        let typed = reply.map(|ty| quote_spanned!(at=> if false { return #private::never::<#ty>(); }));
        let block = as_tail(body);
        let future = quote_spanned!(at=> #private::run(&__jaeger_span, async move { #typed #statements #block }).await);
        if reply.is_some() {
            let finish = finish(plan, &private);
            quote_spanned!(at=> let __jaeger_span = #open; let __jaeger_reply = #future; #finish __jaeger_reply)
        } else if function.reply().is_some() {
            quote_spanned!(at=> let __jaeger_span = #open; let __jaeger_reply = #future; __jaeger_span.end(); __jaeger_reply)
        } else {
            quote_spanned!(at=> let __jaeger_span = #open; #future; __jaeger_span.end();)
        }
    } else if let Some(ty) = reply {
        let value = if moves {
            let block = as_tail(body);
            quote_spanned!(at=> #private::call_once(move || -> #ty { #statements #block }))
        } else {
            quote_spanned!(at=> if true #body else { #private::never() })
        };
        let finish = finish(plan, &private);
        quote_spanned!(at=> let __jaeger_span = #open; let __jaeger_reply: #ty = #value; #finish __jaeger_reply)
    } else {
        quote_spanned!(at=> let __jaeger_span = #open; #body)
    };
    quote_spanned! {at=>
        #(#attributes)*
        #visibility #default #signature {
            #code
        }
    }
}

/// How the arguments get into a closure or an inner future.
#[derive(Default)]
struct Moved {
    /// First in it: the arguments under their own names, whole and in their order, so that they are dropped there as the plain function drops them.
    statements: TokenStream,
    /// Names that exist only inside: parts of a pattern. They are recorded there.
    inside: Vec<Ident>,
}

/// The signature with a plain name for each argument, and the statements that bind them inside as the signature did.
fn move_in(function: &Function, plan: &Plan, private: &TokenStream) -> (Signature, Moved) {
    let at = Span::mixed_site();
    let mut signature = function.signature.clone();
    let mut moved = Moved::default();
    if let Some(this) = function.receiver() {
        moved.statements.extend(quote_spanned!(at=> let _ = &#this;));
    }
    let patterns = signature.inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(&mut typed.pat),
        FnArg::Receiver(_) => None,
    });
    for (i, (parameter, pattern)) in function.parameters().into_iter().zip(patterns).enumerate() {
        let plain = format_ident!("__jaeger_arg{i}", span = at);
        let (name, bind) = match parameter {
            Parameter::Name { name, mutable } => {
                let mutable = mutable.then(|| quote_spanned!(at=> mut));
                if name.to_string().starts_with('_') {
                    // To read `_x`, or to bind it to a mere name, would be a lint.
                    (plain.clone(), quote_spanned!(at=> let (#mutable #name,) = (#plain,);))
                } else {
                    (name.clone(), quote_spanned!(at=> let #mutable #name = #name;))
                }
            }
            Parameter::Pattern { pattern, names } => {
                moved.inside.extend(names);
                (plain.clone(), quote_spanned!(at=> let #plain = #plain; let #pattern = #plain;))
            }
        };
        moved.statements.extend(bind);
        **pattern = Pat::Ident(syn::PatIdent {
            attrs: vec![],
            by_ref: None,
            mutability: None,
            ident: name,
            subpat: None,
        });
    }
    moved.inside.retain(|name| plan.args.contains(name));
    if !moved.inside.is_empty() {
        let tags = moved.inside.iter().map(|name| {
            let key = unraw(name);
            quote_spanned!(at=> (#key, (&&&&&#private::W(&#name)).value()))
        });
        moved.statements.extend(quote_spanned! {at=>
            if #private::is_on() { use #private::kinds::*; #private::bound(&[#(#tags),*]); }
        });
    }
    (signature, moved)
}

/// The span, if one is to be recorded.
fn open(plan: &Plan, moved: &Moved, private: &TokenStream, is_async: bool) -> TokenStream {
    let at = Span::mixed_site();
    let args: Vec<&Ident> = plan.args.iter().filter(|arg| !moved.inside.contains(arg)).collect();
    let name = &plan.name;
    let keys = args.iter().map(|arg| unraw(arg)).chain(plan.tags.iter().map(|tag| tag.key.clone()));
    let probed = !args.is_empty() || plan.tags.iter().any(|tag| tag.shown == Shown::ByType);
    let args = args.iter().map(|arg| quote_spanned!(at=> (&&&&&#private::W(&#arg)).value()));
    let tags = plan.tags.iter().map(|tag| {
        let value = &tag.value;
        match tag.shown {
            Shown::ByType => quote_spanned!(at=> (&&&&&#private::W(&(#value))).value()),
            Shown::Display => quote_spanned!(at=> #private::Value::Display(&(#value))),
            Shown::Debug => quote_spanned!(at=> #private::Value::Debug(&(#value))),
        }
    });
    let values: Vec<TokenStream> = args.chain(tags).collect();
    let kind = plan.kind.iter().map(|kind| quote_spanned!(at=> .with_kind(#kind)));
    let reply = plan.reply.iter().map(|reply| quote_spanned!(at=> .with_reply(#reply)));
    let (function, off) = match is_async {
        true => (quote_spanned!(at=> open), quote_spanned!(at=> OpenSpan)),
        false => (quote_spanned!(at=> enter), quote_spanned!(at=> Guard)),
    };
    let enter = if values.is_empty() && !is_async {
        quote_spanned!(at=> #private::enter_bare(&SITE))
    } else {
        quote_spanned!(at=> #private::#function(&SITE, &[#(#values),*]))
    };
    // An import that nobody uses would be a lint.
    let probes = probed.then(|| quote_spanned!(at=> use #private::kinds::*;));
    quote_spanned! {at=>
        if #private::is_on() {
            #probes
            static SITE: #private::Callsite = #private::Callsite::new(
                #name, ::core::module_path!(), ::core::file!(), ::core::line!(), &[#(#keys),*]
            ) #(#kind)* #(#reply)*;
            #enter
        } else {
            #private::#off::off()
        }
    }
}

/// Tells the span its reply, or its error if it was one.
fn finish(plan: &Plan, private: &TokenStream) -> TokenStream {
    let at = Span::mixed_site();
    let (ok, said) = match plan.record_reply {
        true => (
            quote_spanned!(at=> __ok),
            quote_spanned!(at=> __jaeger_span.end_reply((&&&&&#private::W(__ok)).value())),
        ),
        false => (quote_spanned!(at=> _), quote_spanned!(at=> __jaeger_span.end())),
    };
    quote_spanned! {at=>
        if __jaeger_span.is_recording() {
            use #private::kinds::*;
            match (&&#private::W(&__jaeger_reply)).outcome() {
                ::core::result::Result::Ok(#ok) => #said,
                ::core::result::Result::Err(__err) => {
                    __jaeger_span.end_error((&&&&&#private::W(__err)).value(), #private::type_name_of(__err))
                }
            }
        }
    }
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
