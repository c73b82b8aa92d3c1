//! The best way to show a value of any type, chosen without a trait bound.
//!
//! Generated code writes `(&&&&&W(&x)).__jaeger_value()`, by a name that no trait of the user's has for all types. Method lookup tries the receiver as it stands and then one reference less at a time, so the first of
//! the traits below whose bound the type meets wins: std's plain types, the user's own [`TagValue`], what an `Option` holds, `Debug`, `Display`, and at last the type's name. In a generic function
//! that promises nothing about `T` the last is what is known, and it compiles. Autoref specialisation is the name of the trick.
//!
//! Left out on purpose: replies (`reply.rs`, by the same trick and the same levels, which one table of tests holds together), and anything that needs `unsafe` or a compiler plugin. One list for both is not had: an argument may be of
//! no known size, so it is shown by way of a reference that stands in [`W`], and a reply by its own.

use crate::value::{Plain, TagValue, Value};
use core::fmt::{Debug, Display};

/// A borrowed value to be probed. The field is public for generated code only.
#[derive(Debug)]
pub struct W<'a, T: ?Sized>(pub &'a T);
impl<T: ?Sized> Clone for W<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: ?Sized> Copy for W<'_, T> {}

/// Level 1: std's plain types.
pub trait ByPlain {
    /// The value itself.
    fn __jaeger_value(&self) -> Value<'_>;

    /// The same of an argument that a future has captured.
    #[inline(always)]
    fn __jaeger_captured(&self) -> Value<'_> {
        self.__jaeger_value()
    }
}
impl<T: Plain + ?Sized> ByPlain for &&&&W<'_, T> {
    #[inline(always)]
    fn __jaeger_value(&self) -> Value<'_> {
        self.0.plain()
    }

    #[inline(always)]
    fn __jaeger_captured(&self) -> Value<'_> {
        self.0.captured()
    }
}

/// So that a reference to any type, also an unsized one, can be passed on as an object.
impl<T: TagValue + ?Sized> TagValue for W<'_, T> {
    fn tag_value(&self) -> Value<'_> {
        self.0.tag_value()
    }
}

/// Level 2: the user's own word.
pub trait ByTagValue {
    /// Asked later, where a panic is caught.
    fn __jaeger_value(&self) -> Value<'_>;

    /// The same of an argument that a future has captured.
    #[inline(always)]
    fn __jaeger_captured(&self) -> Value<'_> {
        self.__jaeger_value()
    }
}
impl<T: TagValue + ?Sized> ByTagValue for &&&W<'_, T> {
    #[inline(always)]
    fn __jaeger_value(&self) -> Value<'_> {
        Value::Tag(***self)
    }
}

/// An `Option`, or a reference to one.
pub trait Optional {
    /// What it may hold.
    type Held;
    /// What it holds.
    fn held(&self) -> Option<&Self::Held>;
}
impl<T> Optional for Option<T> {
    type Held = T;
    #[inline(always)]
    fn held(&self) -> Option<&T> {
        self.as_ref()
    }
}
impl<O: Optional> Optional for &O {
    type Held = O::Held;
    #[inline(always)]
    fn held(&self) -> Option<&O::Held> {
        (**self).held()
    }
}
impl<O: Optional> Optional for &mut O {
    type Held = O::Held;
    #[inline(always)]
    fn held(&self) -> Option<&O::Held> {
        (**self).held()
    }
}

/// Level 3: what an `Option` holds, by `Debug`. Such an `Option` has `Debug` too, so it must come first.
pub trait ByOptionDebug {
    /// None is no tag.
    fn __jaeger_value(&self) -> Value<'_>;

    /// The same of an argument that a future has captured.
    #[inline(always)]
    fn __jaeger_captured(&self) -> Value<'_> {
        self.__jaeger_value()
    }
}
impl<O: Optional<Held: Debug>> ByOptionDebug for &&W<'_, O> {
    #[inline(always)]
    fn __jaeger_value(&self) -> Value<'_> {
        self.0.held().map_or(Value::None, |value| Value::Debug(value))
    }
}
/// Level 4: what an `Option` holds, by `Display`. It has no `Display` itself.
pub trait ByOptionDisplay {
    /// None is no tag.
    fn __jaeger_value(&self) -> Value<'_>;

    /// The same of an argument that a future has captured.
    #[inline(always)]
    fn __jaeger_captured(&self) -> Value<'_> {
        self.__jaeger_value()
    }
}
impl<O: Optional<Held: Display>> ByOptionDisplay for &W<'_, O> {
    #[inline(always)]
    fn __jaeger_value(&self) -> Value<'_> {
        self.0.held().map_or(Value::None, |value| Value::Display(value))
    }
}
/// Level 4, too: `Debug`. No `Option` has both.
pub trait ByDebug {
    /// Formatted later, cut at the bound.
    fn __jaeger_value(&self) -> Value<'_>;

    /// The same of an argument that a future has captured.
    #[inline(always)]
    fn __jaeger_captured(&self) -> Value<'_> {
        self.__jaeger_value()
    }
}
impl<T: Debug + ?Sized> ByDebug for &W<'_, T> {
    #[inline(always)]
    fn __jaeger_value(&self) -> Value<'_> {
        Value::Debug(&self.0)
    }
}
/// Level 5: `Display`.
pub trait ByDisplay {
    /// Formatted later, cut at the bound.
    fn __jaeger_value(&self) -> Value<'_>;

    /// The same of an argument that a future has captured.
    #[inline(always)]
    fn __jaeger_captured(&self) -> Value<'_> {
        self.__jaeger_value()
    }
}
impl<T: Display + ?Sized> ByDisplay for W<'_, T> {
    #[inline(always)]
    fn __jaeger_value(&self) -> Value<'_> {
        Value::Display(&self.0)
    }
}
/// Level 6: nothing is known but the type.
pub trait ByName<'a> {
    /// The type's name. By value: it is the last step of the lookup.
    fn __jaeger_value(self) -> Value<'a>;

    /// The same of an argument that a future has captured.
    #[inline(always)]
    fn __jaeger_captured(self) -> Value<'a>
    where
        Self: Sized,
    {
        self.__jaeger_value()
    }
}
impl<'a, T: ?Sized> ByName<'a> for W<'a, T> {
    #[inline(always)]
    fn __jaeger_value(self) -> Value<'a> {
        Value::Str(core::any::type_name::<T>())
    }
}

#[cfg(test)]
#[expect(clippy::needless_borrow, reason = "the borrows are what is tested")]
pub(crate) mod tests {
    use super::*;

    macro_rules! show {
        ($e:expr) => {{ format!("{:?}", (&&&&&W(&$e)).__jaeger_value()) }};
    }

    #[derive(Debug)]
    pub(crate) struct OnlyDebug;
    pub(crate) struct OnlyDisplay;
    impl Display for OnlyDisplay {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("displayed")
        }
    }
    #[derive(Debug)]
    pub(crate) struct Own;
    impl TagValue for Own {
        fn tag_value(&self) -> Value<'_> {
            Value::Long(9)
        }
    }
    pub(crate) struct Nothing;

    /// What is shown of a value, whether it is an argument or a reply.
    macro_rules! shown_alike {
        ($check:ident) => {
            $check!(5u8, "5");
            $check!("a", "\"a\"");
            $check!(String::from("a"), "\"a\"");
            $check!((), "None");
            $check!(Own, "9");
            $check!(Box::new(Own), "9");
            $check!(std::sync::Arc::new(Own), "9");
            $check!(Some(Own), "9");
            $check!(None::<Own>, "None");
            $check!(OnlyDebug, "OnlyDebug");
            $check!(OnlyDisplay, "displayed");
            $check!(Some(OnlyDebug), "OnlyDebug");
            $check!(Some(OnlyDisplay), "displayed");
            $check!(None::<OnlyDebug>, "None");
            $check!(None::<OnlyDisplay>, "None");
            $check!(vec![OnlyDebug], "[OnlyDebug]");
            $check!(Nothing, format!("{:?}", std::any::type_name::<Nothing>()));
        };
    }
    pub(crate) use shown_alike;

    macro_rules! as_argument {
        ($value:expr, $shown:expr) => {
            assert_eq!(show!($value), $shown)
        };
    }

    #[test]
    fn an_argument_is_shown_as_a_reply_is() {
        shown_alike!(as_argument);
    }

    fn generic<T>(value: &T) -> String {
        show!(*value)
    }

    #[test]
    fn the_best_of_the_five_is_taken() {
        assert_eq!(show!(*"unsized"), "\"unsized\"");
        assert_eq!(show!([OnlyDebug][..]), "[OnlyDebug]");
        assert!(generic(&5u8).contains("u8"), "a generic function knows the type's name only");
        let object: &dyn Debug = &OnlyDebug;
        assert_eq!(show!(*object), "OnlyDebug");
        assert!(show!(|| ()).contains("closure"));
    }

    #[test]
    fn a_types_own_word_is_heard_through_wrappers() {
        assert_eq!(show!(&Own), "9");
        assert_eq!(show!(Some(&Own)), "9");
        assert!(matches!((&&&&&W(&None::<OnlyDebug>)).__jaeger_value(), Value::None));
        assert!(matches!((&&&&&W(&None::<OnlyDisplay>)).__jaeger_value(), Value::None));
        assert!(show!(Some(Nothing)).contains("Nothing"));
        let object: Box<dyn TagValue> = Box::new(Own);
        assert_eq!(show!(object), "9");
    }
}
