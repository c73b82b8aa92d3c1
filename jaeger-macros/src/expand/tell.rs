//! How a span is told what the function returned: by one call, of a function of the runtime's that is chosen here by the reply's types.

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
        let recorded = plan.record_reply && !opaque;
        if !plan.mark_err && !recorded {
            return quote_spanned!(at=> let _ = #reply; #private::Ends::end(__jaeger_span););
        }
        let (ok_name, ok) = match recorded {
            true => (quote_spanned!(at=> __ok), quote_spanned!(at=> (&&&&&__ok).__jaeger_how())),
            false => (quote_spanned!(at=> _), quote_spanned!(at=> #private::Unsaid)),
        };
        let (err_name, err) = match plan.mark_err {
            true => {
                let how = quote_spanned!(at=> (&&&&&__err).__jaeger_error_how());
                (quote_spanned!(at=> __err), quote_spanned!(at=> #private::Marked(#how)))
            }
            // An Err that is an answer like any other is shown as one.
            false => {
                let how = quote_spanned!(at=> (&&&&&#private::Side::of(#reply)).__jaeger_how());
                (quote_spanned!(at=> _), quote_spanned!(at=> #private::Answered(#how)))
            }
        };
        let max_len = plan.max_len.unwrap_or(0);
        quote_spanned! {at=>
            use #private::replies::*;
            let (#ok_name, #err_name) = (&&#private::W(#reply)).__jaeger_sides();
            (&&#private::W(#reply)).__jaeger_tell(__jaeger_span, #ok, #err, #max_len);
        }
    }
}
