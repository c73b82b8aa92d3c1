//! The annotated function. Cannot fail: everything was checked.
//!
//! Four shapes, chosen without parsing the body:
//! - *guard*: nothing to say of the reply (none, `()`, `!`, `impl Trait`, `no_reply` without errors): a guard, and the body as it stands.
//! - *block*: the body cannot leave early: its value is bound, told to the guard, returned.
//! - *closure*: it can: the body becomes a closure that is called once, into which the arguments move, so that borrowed replies still compile.
//! - *async*: the body becomes an inner future, polled with the span ambient.

use crate::args::Shown;
use crate::check::{Plan, unraw, without_mut};
use crate::model::{Function, has_impl_trait, may_leave_early};
use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::FnArg;

pub(crate) fn expand(function: &Function, plan: &Plan) -> TokenStream {
    let at = Span::mixed_site();
    let private = match &plan.krate {
        Some(path) => quote_spanned!(at=> #path::__private),
        None => quote_spanned!(at=> ::jaeger_runtime::__private),
    };
    let Function { attributes, visibility, default, signature, body } = function;
    let is_async = signature.asyncness.is_some();
    let reply = function.reply().filter(|ty| plan.record_reply && !has_impl_trait(&ty.to_token_stream()));
    let in_place = function.has_attribute("track_caller") || function.has_attribute("target_feature");
    let open = open(plan, &private, is_async);

    // Into a closure or an inner future every argument moves as a whole, by name, so that it is dropped there and in the same order.
    let rebind = plan.bindings.iter().map(|binding| {
        let name = &binding.name;
        let mutable = binding.mutable.then(|| quote_spanned!(at=> mut));
        quote_spanned!(at=> let #mutable #name = #name;)
    });
    let keep_self = function.takes_self().then(|| quote_spanned!(at=> let _ = &self;));
    let inner = quote_spanned!(at=> #keep_self #(#rebind)*);
    let block = as_tail(body);

    let finish = |reply: &TokenStream| finish(reply, &private);
    let mut signature = signature.clone();
    let code = if is_async {
        strip_mut(&mut signature);
        let ty = function.reply().filter(|ty| !has_impl_trait(&ty.to_token_stream()));
        // Tells the inner future its type, as the signature tells it a plain body.
        let typed = ty.map(|ty| quote_spanned!(at=> if false { return #private::never::<#ty>(); }));
        let future =
            quote_spanned!(at=> #private::run(&__jaeger_span, async move { #typed #inner #block }).await);
        if reply.is_some() {
            let finish = finish(&quote_spanned!(at=> __jaeger_reply));
            quote_spanned!(at=> let __jaeger_span = #open; let __jaeger_reply = #future; #finish __jaeger_reply)
        } else if function.reply().is_some() {
            quote_spanned!(at=> let __jaeger_span = #open; let __jaeger_reply = #future; __jaeger_span.end(); __jaeger_reply)
        } else {
            quote_spanned!(at=> let __jaeger_span = #open; #future; __jaeger_span.end();)
        }
    } else if let Some(ty) = reply {
        let value = if in_place || !may_leave_early(&body.stream()) {
            quote_spanned!(at=> if true #body else { #private::never() })
        } else {
            strip_mut(&mut signature);
            quote_spanned!(at=> #private::call_once(move || -> #ty { #inner #block }))
        };
        let finish = finish(&quote_spanned!(at=> __jaeger_reply));
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

/// The span, if one is to be recorded.
fn open(plan: &Plan, private: &TokenStream, is_async: bool) -> TokenStream {
    let at = Span::mixed_site();
    let name = &plan.name;
    let keys = plan.args.iter().map(unraw).chain(plan.tags.iter().map(|tag| tag.key.clone()));
    let args = plan.args.iter().map(|arg| quote_spanned!(at=> (&&&&&#private::W(&#arg)).value()));
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
    let probed = !plan.args.is_empty() || plan.tags.iter().any(|tag| tag.shown == Shown::ByType);
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
fn finish(reply: &TokenStream, private: &TokenStream) -> TokenStream {
    let at = Span::mixed_site();
    quote_spanned! {at=>
        if __jaeger_span.is_recording() {
            use #private::kinds::*;
            match (&&#private::W(&#reply)).outcome() {
                ::core::result::Result::Ok(__ok) => __jaeger_span.end_reply((&&&&&#private::W(__ok)).value()),
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

fn strip_mut(signature: &mut syn::Signature) {
    for input in signature.inputs.iter_mut() {
        if matches!(input, FnArg::Typed(_)) {
            *input = without_mut(input);
        }
    }
}
