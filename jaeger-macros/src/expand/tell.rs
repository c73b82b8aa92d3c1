//! How a span is told what the function returned.

use super::Expansion;
use proc_macro2::TokenStream;
use quote::quote_spanned;

impl Expansion<'_> {
    /// A statement that tells the guard `__jaeger_span` of `__jaeger_reply`.
    pub(super) fn tell(&self, opaque: bool) -> TokenStream {
        let told = self.told(&quote_spanned!(self.at=> &__jaeger_reply), opaque);
        quote_spanned!(self.at=> if __jaeger_span.is_recording() { #told })
    }

    /// A closure that tells a future's span of its output.
    pub(super) fn say(&self, opaque: bool) -> TokenStream {
        let told = self.told(&quote_spanned!(self.at=> __jaeger_reply), opaque);
        quote_spanned!(self.at=> |__jaeger_span, __jaeger_reply| { #told })
    }

    /// `opaque`: the reply names an `impl Trait`, and only an Err is told.
    fn told(&self, reply: &TokenStream, opaque: bool) -> TokenStream {
        let (at, private, plan) = (self.at, &self.private, self.plan);
        if !plan.mark_err && (!plan.record_reply || opaque) {
            return quote_spanned!(at=> let _ = #reply; __jaeger_span.end());
        }
        let probe = |value: TokenStream| quote_spanned!(at=> (&&&&&#private::W(#value)).__jaeger_value());
        let replied = |value: TokenStream| match plan.max_len {
            Some(bytes) => quote_spanned!(at=> __jaeger_span.end_reply_within(#value, #bytes)),
            None => quote_spanned!(at=> __jaeger_span.end_reply(#value)),
        };
        let nothing = || (quote_spanned!(at=> _), quote_spanned!(at=> __jaeger_span.end()));
        let (ok_name, ok) = match plan.record_reply && !opaque {
            true => (quote_spanned!(at=> __ok), replied(probe(quote_spanned!(at=> __ok)))),
            false => nothing(),
        };
        let (err_name, err) = if plan.mark_err {
            let value = quote_spanned!(at=> (&&&&&#private::E(__err)).__jaeger_value());
            let kind = quote_spanned!(at=> #private::type_name_of(__err));
            let told = match plan.max_len {
                Some(bytes) => quote_spanned!(at=> __jaeger_span.end_error_within(#value, #kind, #bytes)),
                None => quote_spanned!(at=> __jaeger_span.end_error(#value, #kind)),
            };
            (quote_spanned!(at=> __err), told)
        } else {
            // An Err that is an answer like any other is shown as one.
            (quote_spanned!(at=> _), replied(probe(reply.clone())))
        };
        quote_spanned! {at=>
            use #private::kinds::*;
            match (&&#private::W(#reply)).__jaeger_outcome() {
                ::core::result::Result::Ok(#ok_name) => #ok,
                ::core::result::Result::Err(#err_name) => #err,
            }
        }
    }
}
