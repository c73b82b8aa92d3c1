//! What is ambient by attachment, and what to do where attachments and nested spans do not end in the order in which they began.
//!
//! In turn, each puts back what it found. Out of turn, it is written down until what stands on it has gone, and then taken out of the middle; the log stays trapped as long, so that the hot path need not ask.
//!
//! Left out on purpose: what is written of a span (`slow.rs`).

use super::{AMBIENT, Local, Nested};
use crate::context::SpanContext;
use std::cell::RefCell;

/// A context that was made ambient, and what was ambient before it.
#[derive(Debug)]
pub(crate) struct Attached {
    token: u64,
    span: u64,
    before: SpanContext,
    before_token: u64,
}

/// What an attachment or span that went out of turn will have to be replaced by once it would become ambient again.
enum Displaced {
    /// The attachment `token` was dropped while another was ambient.
    Exited(Attached),
    /// The nested span ended while an attachment made inside it was still there.
    Ended(Nested),
}

thread_local! {
    static DISPLACED: RefCell<Vec<Displaced>> = const { RefCell::new(Vec::new()) };
}

/// More than this many at once are the trace of a leak (guards forgotten in a loop), and the oldest is given up.
const MAX_DISPLACED: usize = 256;

impl Local {
    /// Makes the parent of an ended nested span ambient again.
    pub(super) fn leave(&self, nested: Nested) {
        if self.span.get() != nested.id {
            // Something attached inside the span is still there. Once that goes, the span must not come back.
            self.displace(Displaced::Ended(nested));
        } else {
            self.leave_to(nested.parent);
            if self.displaced.get() {
                self.resolve();
            }
        }
    }

    fn leave_to(&self, parent: u64) {
        self.span.set(parent);
        if parent == 0 {
            self.flags.set(0);
        }
    }

    #[inline]
    pub(super) fn attach(&self, context: SpanContext) -> Attached {
        let before = self.ambient();
        let token = self.last_token.get() + 1;
        self.last_token.set(token);
        let before_token = self.token.replace(token);
        self.set_ambient(context);
        Attached { token, span: context.span_id, before, before_token }
    }

    #[inline]
    pub(super) fn detach(&self, attached: Attached) {
        if self.token.get() == attached.token && self.span.get() == attached.span {
            self.restore(attached);
        } else {
            self.displace(Displaced::Exited(attached));
        }
    }

    #[inline]
    pub(super) fn restore(&self, attached: Attached) {
        self.token.set(attached.before_token);
        self.set_ambient(attached.before);
        if self.displaced.get() {
            self.resolve();
        }
    }

    #[cold]
    fn displace(&self, displaced: Displaced) {
        let _thread_is_ending = DISPLACED.try_with(|list| {
            let mut list = list.borrow_mut();
            if list.len() == MAX_DISPLACED {
                list.remove(0);
            }
            list.push(displaced);
        });
        self.displaced.set(true);
        self.log.trap();
    }

    /// Replaces an ambient context that has already ended by what it stood on, as often as needed.
    #[cold]
    pub(super) fn resolve(&self) {
        loop {
            let (token, span) = (self.token.get(), self.span.get());
            let next = DISPLACED.try_with(|list| {
                let mut list = list.borrow_mut();
                let at = list.iter().position(|displaced| match displaced {
                    Displaced::Exited(attached) => attached.token == token && attached.span == span,
                    Displaced::Ended(nested) => nested.id == span,
                })?;
                Some(list.swap_remove(at))
            });
            match next {
                Ok(Some(Displaced::Exited(attached))) => {
                    self.token.set(attached.before_token);
                    self.set_ambient(attached.before);
                }
                Ok(Some(Displaced::Ended(nested))) => {
                    self.leave_to(nested.parent);
                    self.dirty.set(true);
                    self.log.trap();
                }
                _ => break,
            }
        }
        if self.token.get() == 0 && self.flags.get() & AMBIENT == 0 {
            // Nothing is attached any more: what is left was attached inside a future and forgotten there.
            let _thread_is_ending = DISPLACED.try_with(|list| list.borrow_mut().clear());
        }
        self.displaced.set(DISPLACED.try_with(|list| !list.borrow().is_empty()).unwrap_or(false));
    }
}
