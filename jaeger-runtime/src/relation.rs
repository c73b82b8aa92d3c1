//! How a span hangs in its trace other than below the ambient one: `parent`, `root` and `follows_from` of the attribute, and what may stand behind them.

use crate::context::SpanContext;
use crate::event_log::format::ExtraKind;
use crate::local::{self, Parent};
use crate::span::{CurrentSpan, Span};
use crate::value::Value;
use std::rc::Rc;
use std::sync::Arc;

/// What turns into a context: the value of `parent = …` and `follows_from = …` in `#[traced]`.
///
/// Contexts, spans, their references and options have it. A type of yours that knows a context (a message with the sender's, a request) may have it too.
///
/// ```
/// use jaeger_runtime::{AsContext, SpanContext, traced};
///
/// struct Job { queued_by: SpanContext, id: u64 }
///
/// impl AsContext for Job {
///     fn as_context(&self) -> SpanContext {
///         self.queued_by
///     }
/// }
///
/// #[traced(root, follows_from = job, tags(id = job.id), skip(job))]
/// fn work(job: &Job) {}
/// # work(&Job { queued_by: SpanContext::current(), id: 1 });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no span context",
    label = "not a context",
    note = "`parent` and `follows_from` take a `SpanContext`, a `Span`, a reference to one, an `Option` of one, or a type of yours that implements `AsContext`"
)]
pub trait AsContext {
    /// The context; [`SpanContext::NONE`] if there is none.
    fn as_context(&self) -> SpanContext;
}

impl AsContext for SpanContext {
    fn as_context(&self) -> SpanContext {
        *self
    }
}

impl AsContext for Span {
    fn as_context(&self) -> SpanContext {
        self.context()
    }
}

impl AsContext for CurrentSpan {
    fn as_context(&self) -> SpanContext {
        self.context()
    }
}

/// `None` is no context: under `parent`, a root.
impl<T: AsContext> AsContext for Option<T> {
    fn as_context(&self) -> SpanContext {
        self.as_ref().map_or(SpanContext::NONE, T::as_context)
    }
}

macro_rules! see_through {
    ($($t:ty)*) => {$(
        impl<T: AsContext + ?Sized> AsContext for $t {
            fn as_context(&self) -> SpanContext {
                (**self).as_context()
            }
        }
    )*};
}
see_through!(&T &mut T Box<T> Rc<T> Arc<T>);

/// Whose child a span becomes. For generated code.
#[derive(Debug)]
pub struct Under(pub(crate) Parent);

/// A child of `parent`; a root if that is none.
pub fn under<T: AsContext + ?Sized>(parent: &T) -> Under {
    let context = parent.as_context();
    Under(if context.is_valid() { Parent::Of(context) } else { Parent::None })
}

/// A root.
pub fn under_none() -> Under {
    Under(Parent::None)
}

/// Says of the ambient span, which has just been opened, what it follows from.
pub fn follows_from<T: AsContext + ?Sized>(origin: &T) {
    say_follows(local::current(), origin.as_context());
}

/// Says of an open span what it follows from, if that is anything.
pub(crate) fn say_follows(span: SpanContext, origin: SpanContext) {
    if origin.is_valid() {
        let ids = [origin.trace_id.high, origin.trace_id.low, origin.span_id];
        local::extra(span, ExtraKind::FollowsFrom, &ids.map(|id| Value::Long(id as i64)));
    }
}
