//! How a span opens: its callsite, its values, its relations.

use super::Expansion;
use super::arguments::Moved;
use crate::args::Shown;
use crate::check::{Recorded, Relation};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;

/// What kind of span opens.
#[derive(Clone, Copy)]
enum Opens {
    /// A guard on the stack.
    Guard,
    /// The span of the async block that this stands in.
    Future,
    /// The span of a future that is being made.
    Making,
}

impl Expansion<'_> {
    /// A guard, or one that does nothing.
    pub(super) fn enter(&self, moved: &Moved) -> TokenStream {
        self.opened(moved, Opens::Guard)
    }

    /// A statement in the async block.
    pub(super) fn open(&self, moved: &Moved) -> TokenStream {
        self.opened(moved, Opens::Future)
    }

    /// What `in_span` takes.
    pub(super) fn make(&self, moved: &Moved) -> TokenStream {
        self.opened(moved, Opens::Making)
    }

    /// Tags of the parts of destructured arguments, which exist only inside the body.
    pub(super) fn bound(&self, parts: &[&Recorded]) -> TokenStream {
        let (at, private) = (self.at, &self.private);
        let tags = parts.iter().map(|part| {
            let (key, value) = (&part.key, self.shown(part.shown, &part.name));
            quote_spanned!(at=> (#key, #value))
        });
        let max_len = self.plan.max_len.unwrap_or(0);
        let probes = parts.iter().any(|part| part.shown == Shown::ByType);
        let probes = probes.then(|| quote_spanned!(at=> use #private::kinds::*;));
        quote_spanned!(at=> if #private::is_on() { #probes #private::bound(&[#(#tags),*], #max_len); })
    }

    fn opened(&self, moved: &Moved, opens: Opens) -> TokenStream {
        let (at, private, plan) = (self.at, &self.private, self.plan);
        let outside = moved.outside(&plan.arguments);
        let shown = outside.iter().map(|argument| argument.shown);
        // An import that nobody uses would be a lint.
        let probes = shown.chain(plan.tags.iter().map(|tag| tag.shown)).any(|shown| shown == Shown::ByType);
        let probes = probes.then(|| quote_spanned!(at=> use #private::kinds::*;));
        let site = self.site(&outside);
        let values = outside.iter().map(|argument| self.argument(argument, opens));
        let values: Vec<TokenStream> =
            values.chain(plan.tags.iter().map(|tag| self.shown(tag.shown, &tag.value))).collect();
        let under = match &plan.relation {
            Relation::Ambient => None,
            Relation::Root => Some(quote_spanned!(at=> #private::under_none())),
            Relation::Parent(expr) => {
                let here = within(at, expr.span());
                Some(quote_spanned!(here=> #private::under(&(#expr))))
            }
        };
        let (plain, related, off) = match opens {
            Opens::Guard => ("enter", "enter_under", Some("Guard")),
            Opens::Future => ("open", "open_under", None),
            Opens::Making => ("make", "make_under", Some("Making")),
        };
        let off = match (opens, &under) {
            (Opens::Guard, Some(_)) => Some("GuardUnder"),
            _ => off,
        };
        let name = |name| Ident::new(name, at);
        let off = off.map(|off| {
            let off = name(off);
            quote_spanned!(at=> else { #private::#off::off() })
        });
        let enter = match (&under, opens) {
            (Some(under), _) => {
                let function = name(related);
                quote_spanned!(at=> #private::#function(&__SITE, #under, &[#(#values),*]))
            }
            (None, Opens::Guard) if values.is_empty() => quote_spanned!(at=> #private::enter_bare(&__SITE)),
            (None, Opens::Future) if values.is_empty() => quote_spanned!(at=> #private::open_bare(&__SITE)),
            (None, _) => {
                let function = name(plain);
                quote_spanned!(at=> #private::#function(&__SITE, &[#(#values),*]))
            }
        };
        let enter = match (&plan.follows_from, opens) {
            (None, Opens::Future) => quote_spanned!(at=> #enter;),
            (None, _) => enter,
            (Some(expr), _) => {
                let here = within(at, expr.span());
                let follows = quote_spanned!(here=> #private::follows_from(&(#expr)));
                match opens {
                    Opens::Future => quote_spanned!(at=> if #enter { #follows; }),
                    _ => quote_spanned!(at=> let __jaeger_opened = #enter; #follows; __jaeger_opened),
                }
            }
        };
        // What the ambient trace says of recording does not bind a span that has a trace of its own.
        let on = name(match (&under, opens) {
            (Some(_), _) => "is_installed",
            (None, Opens::Future) => "is_on_in_poll",
            (None, _) => "is_on",
        });
        quote_spanned! {at=>
            if #private::#on() { #probes #site #enter } #off
        }
    }

    fn site(&self, outside: &[&Recorded]) -> TokenStream {
        let (at, private, plan) = (self.at, &self.private, self.plan);
        let keys = outside.iter().map(|argument| &argument.key).chain(plan.tags.iter().map(|tag| &tag.key));
        // One string for all, copied into the static: a pointer in one costs the program a relocation.
        let own = [
            plan.name.as_str(),
            plan.reply.as_deref().unwrap_or("reply"),
            plan.kind.as_deref().unwrap_or(""),
        ];
        let mut texts = String::new();
        for text in own.into_iter().chain(keys.map(String::as_str)) {
            // A NUL stands between two texts, and so not in one.
            texts.extend([&text.replace('\0', "\u{fffd}"), "\0"]);
        }
        let max_len = plan.max_len.iter().map(|bytes| quote_spanned!(at=> .with_max_len(#bytes)));
        let polls = plan.polls.then(|| quote_spanned!(at=> .with_polls()));
        // Names of items are not hygienic: an option's expression may mean any other.
        quote_spanned! {at=>
            const __TEXTS: &::core::primitive::str =
                ::core::concat!(#texts, ::core::module_path!(), "\0", ::core::file!());
            static __SITE: #private::Site<[::core::primitive::u8; __TEXTS.len()]> =
                #private::Site::new(__TEXTS, ::core::line!()) #(#max_len)* #polls;
        }
    }

    fn argument(&self, argument: &Recorded, opens: Opens) -> TokenStream {
        let (at, private, name) = (self.at, &self.private, &argument.name);
        match (argument.shown, opens) {
            // It lies in the future, where it has been put just now.
            (Shown::ByType, Opens::Future) => {
                quote_spanned!(at=> (&&&&&#private::W(&#name)).__jaeger_captured())
            }
            (shown, _) => self.shown(shown, name),
        }
    }

    /// A value, borrowed: a name, or an expression (which may be of any kind, hence the parentheses).
    fn shown(&self, shown: Shown, value: impl ToTokens) -> TokenStream {
        let (at, private) = (self.at, &self.private);
        let value = value.to_token_stream();
        let value =
            if value.clone().into_iter().nth(1).is_none() { value } else { quote_spanned!(at=> (#value)) };
        match shown {
            Shown::ByType => quote_spanned!(at=> (&&&&&#private::W(&#value)).__jaeger_value()),
            Shown::Display => {
                let here = within(at, value.span());
                quote_spanned!(here=> #private::Value::Display(&#value))
            }
            Shown::Debug => {
                let here = within(at, value.span());
                quote_spanned!(here=> #private::Value::Debug(&#value))
            }
            Shown::Json => {
                let here = within(at, value.span());
                quote_spanned!(here=> #private::json(&#private::Json(&#value)))
            }
            Shown::Redacted => quote_spanned!(at=> #private::Value::Str(#private::REDACTED)),
        }
    }
}

/// Our names at a place of the user's, so that an error about a bound points there.
fn within(names: Span, place: Span) -> Span {
    names.located_at(place)
}
