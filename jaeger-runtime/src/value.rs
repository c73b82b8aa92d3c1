//! What a tag's value can be on its way into the event log.
//!
//! A [`Value`] borrows: nothing is copied or formatted until the log takes it, and then at most the bound's bytes. It is `Copy` and three
//! words, so that an annotated function hands its arguments over as a slice on the stack. Whether a type is shown by its own
//! [`TagValue`], `Debug`, `Display` or only its name is decided in `kinds.rs`, not here.

use core::fmt;
use std::borrow::Cow;
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroIsize, NonZeroU8, NonZeroU16, NonZeroU32,
    NonZeroU64, NonZeroUsize,
};
use std::rc::Rc;
use std::sync::Arc;

/// A value as a tag takes it.
///
/// Jaeger knows text, doubles, booleans, 64-bit integers and bytes. What the program has as `Debug` or `Display` becomes text, cut at the
/// tracer's bound (256 bytes by default) while it is formatted.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Value<'a> {
    /// No tag at all.
    None,
    /// A BOOL tag.
    Bool(bool),
    /// A LONG tag.
    Long(i64),
    /// A DOUBLE tag.
    Double(f64),
    /// A STRING tag.
    Str(&'a str),
    /// A BINARY tag.
    Bytes(&'a [u8]),
    // Behind those that the log takes as they are, before those that it does not: one comparison tells almost all.
    /// A LONG tag where it fits 64 signed bits, else its decimal digits as text: never a wrong number.
    Unsigned(u64),
    /// A STRING tag, formatted with `{}`.
    Display(&'a dyn fmt::Display),
    /// A STRING tag, formatted with `{:?}`.
    Debug(&'a dyn fmt::Debug),
    /// Whatever the type's own [`TagValue`] says when the span takes it; a panic there is caught and told in the tag.
    Tag(&'a dyn TagValue),
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => f.write_str("None"),
            Value::Bool(v) => fmt::Debug::fmt(v, f),
            Value::Long(v) => fmt::Debug::fmt(v, f),
            Value::Unsigned(v) => fmt::Debug::fmt(v, f),
            Value::Double(v) => fmt::Debug::fmt(v, f),
            Value::Str(v) => fmt::Debug::fmt(v, f),
            Value::Bytes(v) => fmt::Debug::fmt(v, f),
            Value::Display(v) => fmt::Display::fmt(v, f),
            Value::Debug(v) => fmt::Debug::fmt(v, f),
            Value::Tag(v) => fmt::Debug::fmt(&v.tag_value(), f),
        }
    }
}

/// The greatest number that a LONG tag takes.
pub(crate) const LONGEST: u64 = i64::MAX as u64;

/// How a type shows itself in a tag.
///
/// Numbers, text, bytes have it; a type of your own may; and so has what refers to, boxes, shares or may be one of these.
///
/// ```
/// use jaeger_runtime::{TagValue, Value};
///
/// struct OrderId(u32);
///
/// impl TagValue for OrderId {
///     fn tag_value(&self) -> Value<'_> {
///         Value::Long(self.0.into())
///     }
/// }
/// ```
pub trait TagValue {
    /// The value, borrowed from `self`. It runs on the application's thread when the span takes it.
    fn tag_value(&self) -> Value<'_>;
}

/// The std types that cannot run anybody's code while they are recorded. Sealed: an implementation elsewhere could call back into a span
/// that is being written.
pub trait Plain {
    #[doc(hidden)]
    fn plain(&self) -> Value<'_>;

    /// The same of an argument that a future has captured.
    #[doc(hidden)]
    #[inline(always)]
    fn captured(&self) -> Value<'_> {
        self.plain()
    }
}

/// [`TagValue`] of the types that are [`Plain`]. Not one implementation for all of them, so that the wrappers can have theirs for every `TagValue`.
macro_rules! tag_value {
    ($($t:ty)*) => {$(
        impl TagValue for $t {
            fn tag_value(&self) -> Value<'_> {
                self.plain()
            }
        }
    )*};
}
tag_value!(i8 i16 i32 i64 u8 u16 u32 u64 usize isize i128 u128 bool f32 f64 char str String Cow<'_, str>);
tag_value!([u8] Cow<'_, [u8]> Vec<u8> () NonZeroI8 NonZeroI16 NonZeroI32 NonZeroI64 NonZeroU8 NonZeroU16);
tag_value!(NonZeroU32 NonZeroU64 NonZeroUsize NonZeroIsize);

impl<const N: usize> TagValue for [u8; N] {
    fn tag_value(&self) -> Value<'_> {
        self.plain()
    }
}

macro_rules! long {
    ($($t:ty)*) => {$(
        impl Plain for $t {
            #[inline]
            fn plain(&self) -> Value<'_> {
                Value::Long(i64::from(*self))
            }
        }
    )*};
}
long!(i8 i16 i32 i64 u8 u16 u32);

macro_rules! unsigned {
    ($($t:ty)*) => {$(
        impl Plain for $t {
            #[inline]
            fn plain(&self) -> Value<'_> {
                Value::Unsigned(*self as u64)
            }
        }
    )*};
}
unsigned!(u64 usize);

/// Integers that may not fit 64 bits.
macro_rules! maybe_long {
    ($($t:ty)*) => {$(
        impl Plain for $t {
            #[inline]
            fn plain(&self) -> Value<'_> {
                match i64::try_from(*self) {
                    Ok(long) => Value::Long(long),
                    Err(_) => Value::Display(self),
                }
            }
        }
    )*};
}
maybe_long!(isize i128 u128);

macro_rules! non_zero {
    ($($t:ident)*) => {$(
        impl Plain for $t {
            #[inline]
            fn plain(&self) -> Value<'_> {
                match i64::try_from(self.get()) {
                    Ok(long) => Value::Long(long),
                    Err(_) => Value::Display(self),
                }
            }
        }
    )*};
}
non_zero!(NonZeroI8 NonZeroI16 NonZeroI32 NonZeroI64 NonZeroU8 NonZeroU16 NonZeroU32 NonZeroU64 NonZeroUsize NonZeroIsize);

/// Nothing to say.
impl Plain for () {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::None
    }
}
impl Plain for bool {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::Bool(*self)
    }
}
impl Plain for f32 {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::Double(f64::from(*self))
    }
}
impl Plain for f64 {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::Double(*self)
    }
}
impl Plain for char {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::Display(self)
    }
}
impl Plain for str {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::Str(self)
    }

    /// Address and length as two loads. Left alone the compiler makes one of sixteen bytes of them, and where the two were stored one by one just before, as those of a captured `&str` are, that load waits until
    /// both have left the store buffer: 5 ns, a sixth of such a span. What depends on the length cannot be loaded together with it.
    #[inline(always)]
    fn captured(&self) -> Value<'_> {
        Value::Str(if self.is_empty() { "" } else { self })
    }
}
impl Plain for String {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::Str(self)
    }
}
impl Plain for Cow<'_, str> {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::Str(self)
    }
}
impl Plain for [u8] {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}
impl<const N: usize> Plain for [u8; N] {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}
impl Plain for Cow<'_, [u8]> {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}
impl Plain for Vec<u8> {
    #[inline]
    fn plain(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

/// The wrapper is not worth a word in a trace; what it holds is.
macro_rules! see_through {
    ($($t:ty)*) => {$(
        impl<T: Plain + ?Sized> Plain for $t {
            #[inline]
            fn plain(&self) -> Value<'_> {
                (**self).plain()
            }
            #[inline(always)]
            fn captured(&self) -> Value<'_> {
                (**self).captured()
            }
        }
        impl<T: TagValue + ?Sized> TagValue for $t {
            fn tag_value(&self) -> Value<'_> {
                (**self).tag_value()
            }
        }
    )*};
}
see_through!(&T &mut T Box<T> Rc<T> Arc<T>);

/// `Some(5)` is the LONG 5; `None` is no tag.
impl<T: Plain> Plain for Option<T> {
    #[inline]
    fn plain(&self) -> Value<'_> {
        match self {
            Some(value) => value.plain(),
            None => Value::None,
        }
    }

    #[inline(always)]
    fn captured(&self) -> Value<'_> {
        match self {
            Some(value) => value.captured(),
            None => Value::None,
        }
    }
}

impl<T: TagValue> TagValue for Option<T> {
    fn tag_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::None, T::tag_value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(value: impl TagValue) -> String {
        let value = value.tag_value();
        let kind = match value {
            Value::Bool(_) => "bool",
            Value::Long(_) | Value::Unsigned(..=LONGEST) => "long",
            Value::Double(_) => "double",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            _ => "formatted",
        };
        format!("{kind} {value:?}")
    }

    #[test]
    fn std_types_keep_their_kind_through_wrappers() {
        assert_eq!(size_of::<Value<'_>>(), 24);
        assert_eq!(show(-1i8), "long -1");
        assert_eq!(show(u64::MAX), "formatted 18446744073709551615");
        assert_eq!(show(7u128), "long 7");
        assert_eq!(show(0.5f32), "double 0.5");
        assert_eq!(show(Arc::new(Some(Box::new(&3u8)))), "long 3");
        assert_eq!(show(None::<u8>), "formatted None");
        assert_eq!(show(Some("x")), "str \"x\"");
        assert_eq!(show(Cow::Borrowed(&[1u8][..])), "bytes [1]");
        assert_eq!(show(std::num::NonZeroU64::MIN), "long 1");
        assert_eq!(show(String::from("x")), "str \"x\"");
        assert_eq!(show([1u8, 2]), "bytes [1, 2]");
        assert_eq!(show('é'), "formatted é");
    }
}
