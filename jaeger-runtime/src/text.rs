//! User code that shows a value: run before the event is written, stopped at the bound, its panics caught.
//!
//! A `Debug` may do anything: open spans, panic, print without end, unwrap the write error. So it runs while no event is in the making, into a buffer that the thread keeps,
//! behind a writer that says Ok and drops what is past the bound. A formatter that goes on printing for ever still ends: after the bound, writes fail. One that calls a function which
//! records the same value would be called by itself without end: values inside values inside a value are not shown.

use crate::value::{LONGEST, Value};
use std::cell::Cell;
use std::fmt::{self, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Kept between calls, so that formatting allocates once in a thread's life. A nested use finds it empty and makes its own.
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
    /// How many values are being shown on this thread, one inside the other.
    static DEPTH: Cell<u8> = const { Cell::new(0) };
}

/// The most values shown one inside the other.
const DEEPEST: u8 = 2;
/// What the tag says instead of a value deeper than that.
const TOO_DEEP: &str = "[inside a value inside a value]";

/// One value more is being shown, until this is dropped.
struct Deeper;

impl Deeper {
    fn step() -> Option<Self> {
        DEPTH.with(|depth| {
            let deeper = depth.get() + 1;
            (deeper <= DEEPEST).then(|| {
                depth.set(deeper);
                Self
            })
        })
    }
}

impl Drop for Deeper {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

/// What the tag says instead of a value whose formatting panicked.
const PANICKED: &str = "[panicked while being shown]";
/// After so many bytes past the bound, a formatter that will not end is told an error instead of Ok.
const PATIENCE: usize = 16 << 10;

/// Whether the log cannot take it as it is.
fn needs_text(value: &Value<'_>) -> bool {
    match value {
        Value::None
        | Value::Bool(_)
        | Value::Long(_)
        | Value::Double(_)
        | Value::Str(_)
        | Value::Bytes(_) => false,
        Value::Unsigned(number) => *number > LONGEST,
        Value::Display(_) | Value::Debug(_) | Value::Tag(_) => true,
    }
}

/// Whether the log can take all of them as they are.
#[inline]
pub(crate) fn is_plain(values: &[Value<'_>]) -> bool {
    !values.iter().any(needs_text)
}

/// Calls `f` with values that the log can take as they are.
pub(crate) fn with_plain<R>(values: &[Value<'_>], max_len: usize, f: impl FnOnce(&[Value<'_>]) -> R) -> R {
    if is_plain(values) {
        return f(values);
    }
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    buffer.clear();
    // Three sizes, so that the usual few arguments do not pay for many.
    let result = match values.len() {
        0..=8 => shown(values, &mut buffer, &mut [const { None }; 8], &mut [Value::None; 8], max_len, f),
        9..=64 => shown(values, &mut buffer, &mut [const { None }; 64], &mut [Value::None; 64], max_len, f),
        n => shown(values, &mut buffer, &mut vec![None; n], &mut vec![Value::None; n], max_len, f),
    };
    let _thread_is_ending = BUFFER.try_with(|kept| kept.set(buffer));
    result
}

/// `ranges` and `plain` are room for as many values as there are, or more.
#[inline(never)]
fn shown<'b, R>(
    values: &[Value<'b>],
    buffer: &'b mut String,
    ranges: &mut [Option<Range<usize>>],
    plain: &mut [Value<'b>],
    max_len: usize,
    f: impl FnOnce(&[Value<'_>]) -> R,
) -> R {
    for ((value, range), plain) in values.iter().zip(&mut *ranges).zip(&mut *plain) {
        match resolve(*value, buffer, max_len) {
            Shown::Text(text) => *range = Some(text),
            Shown::Plain(value) => *plain = value,
        }
    }
    // A value may point into the buffer from here on, which may no longer grow.
    let buffer: &'b str = buffer;
    for (range, plain) in ranges.iter_mut().zip(&mut *plain) {
        if let Some(text) = range.take().and_then(|range| buffer.get(range)) {
            *plain = Value::Str(text);
        }
    }
    f(&plain[..values.len()])
}

enum Shown<'a> {
    /// In the buffer.
    Text(Range<usize>),
    Plain(Value<'a>),
}

fn resolve<'a>(value: Value<'a>, buffer: &mut String, max_len: usize) -> Shown<'a> {
    let start = buffer.len();
    if !needs_text(&value) {
        return Shown::Plain(value);
    }
    let Some(deeper) = Deeper::step() else { return Shown::Plain(Value::Str(TOO_DEEP)) };
    let told = match value {
        Value::Display(shown) => format(buffer, max_len, |w| write!(w, "{shown}")),
        Value::Debug(shown) => format(buffer, max_len, |w| write!(w, "{shown:?}")),
        Value::Unsigned(digits) => format(buffer, max_len, |w| write!(w, "{digits}")),
        Value::Tag(own) => match catch_unwind(AssertUnwindSafe(|| own.tag_value())) {
            // A type whose own value is again somebody else's: one step is followed by the next, and a type that answers with itself is stopped.
            Ok(Value::Tag(_)) => format(buffer, max_len, |w| w.write_str(core::any::type_name_of_val(&own))),
            Ok(next) => {
                drop(deeper);
                return resolve(next, buffer, max_len);
            }
            Err(payload) => {
                std::mem::forget(payload);
                false
            }
        },
        plain => return Shown::Plain(plain),
    };
    if !told {
        buffer.truncate(start);
        buffer.push_str(PANICKED);
    }
    Shown::Text(start..buffer.len())
}

/// Keeps what `value` shows for longer than it lives: a text behind what `buffer` holds already, up to the bound, or else a value that needs no text.
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) fn keep(
    value: Value<'_>,
    buffer: &mut String,
    max_len: usize,
) -> Result<Range<usize>, Value<'static>> {
    let start = buffer.len();
    let plain = match resolve(value, buffer, max_len) {
        Shown::Text(range) => return Ok(range),
        Shown::Plain(plain) => plain,
    };
    Err(match plain {
        Value::Bool(v) => Value::Bool(v),
        Value::Long(v) => Value::Long(v),
        Value::Unsigned(v) => Value::Unsigned(v),
        Value::Double(v) => Value::Double(v),
        Value::Str(text) => {
            let _always_ok = Bounded { room: max_len + 4, patience: PATIENCE, buffer }.write_str(text);
            return Ok(start..buffer.len());
        }
        Value::Bytes(bytes) => {
            format(buffer, max_len, |w| write!(w, "{bytes:02x?}"));
            return Ok(start..buffer.len());
        }
        _ => Value::None,
    })
}

/// Whether it went without a panic.
fn format(buffer: &mut String, max_len: usize, f: impl FnOnce(&mut Bounded<'_>) -> fmt::Result) -> bool {
    // Four bytes past the bound, so that the log sees that there was more, and marks it.
    let mut writer = Bounded { room: max_len + 4, patience: PATIENCE, buffer };
    let result = catch_unwind(AssertUnwindSafe(|| f(&mut writer)));
    // One that unwraps what its writer says past the bound has said enough before.
    told(result) || writer.room == 0
}

/// Whether it went without a panic. The payload is not dropped: that is somebody's code too, and may panic.
fn told<T>(result: std::thread::Result<T>) -> bool {
    result.map_err(std::mem::forget).is_ok()
}

struct Bounded<'a> {
    buffer: &'a mut String,
    room: usize,
    patience: usize,
}

impl Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.room {
            self.room -= text.len();
            self.buffer.push_str(text);
            return Ok(());
        }
        let mut fits = self.room;
        while !text.is_char_boundary(fits) {
            fits -= 1;
        }
        self.buffer.push_str(&text[..fits]);
        self.room = 0;
        // Ok at first: many a Debug unwraps what its writer says.
        match self.patience.checked_sub(text.len().max(1)) {
            Some(left) => {
                self.patience = left;
                Ok(())
            }
            None => Err(fmt::Error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::TagValue;
    use std::fmt::{Debug, Formatter};

    fn show(values: &[Value<'_>], max_len: usize) -> Vec<String> {
        with_plain(values, max_len, |plain| plain.iter().map(|v| format!("{v:?}")).collect())
    }

    struct Panics;
    impl Debug for Panics {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            panic!("from a Debug, on purpose")
        }
    }
    struct Endless;
    impl Debug for Endless {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("more ")?;
            }
        }
    }
    struct Unwraps;
    impl Debug for Unwraps {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            for _ in 0..100 {
                f.write_str("0123456789").unwrap();
            }
            Ok(())
        }
    }
    struct Nests;
    impl Debug for Nests {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            // What a traced function called from a Debug does.
            f.write_str(&show(&[Value::Debug(&1)], 8).join(","))
        }
    }
    /// Records itself, as a `Debug` does that calls an annotated method's helper with `self`.
    struct Endlessly;
    impl Debug for Endlessly {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write!(f, "<{}>", show(&[Value::Debug(self)], 100)[0])
        }
    }
    struct Itself;
    impl TagValue for Itself {
        fn tag_value(&self) -> Value<'_> {
            Value::Tag(self)
        }
    }

    #[test]
    fn values_keep_their_places_and_plain_ones_pass_through() {
        assert_eq!(
            show(&[Value::Long(1), Value::Debug(&"a"), Value::Bool(true), Value::Display(&2)], 16),
            ["1", r#""\"a\"""#, "true", r#""2""#]
        );
        assert_eq!(show(&vec![Value::Debug(&1); 70], 16), vec![r#""1""#; 70]);
    }

    #[test]
    fn user_code_that_misbehaves_is_bounded_and_told() {
        assert_eq!(show(&[Value::Debug(&Panics), Value::Long(2)], 64), [format!("{PANICKED:?}"), "2".into()]);
        assert!(show(&[Value::Debug(&Endless)], 10)[0].len() <= 16);
        assert_eq!(show(&[Value::Debug(&Unwraps)], 12)[0], r#""0123456789012345""#);
        assert_eq!(show(&[Value::Debug(&Nests), Value::Debug(&2)], 64), [r#""\"1\"""#, r#""2""#]);
        assert_eq!(show(&[Value::Debug(&Endlessly)], 100)[0].matches('<').count(), 2);
        assert!(show(&[Value::Debug(&Endlessly)], 100)[0].contains(TOO_DEEP), "and the second time as well");
        assert!(show(&[Value::Tag(&Itself)], 64)[0].contains("TagValue"));
        assert_eq!(show(&[Value::Tag(&5u8)], 64), ["5"]);
    }

    #[cfg(any(feature = "log", feature = "tracing"))]
    #[test]
    fn what_is_kept_stands_behind_what_was_and_is_copied_up_to_the_bound() {
        let mut buffer = String::from("before");
        let mut kept = |value: Value<'_>| {
            let range = keep(value, &mut buffer, 8).map_err(|plain| format!("{plain:?}"));
            range.map(|range| buffer[range].to_owned())
        };
        assert_eq!(kept(Value::Str("text")), Ok("text".into()));
        // Four bytes more than the bound, so that the log marks the cut.
        assert_eq!(kept(Value::Str(&"é".repeat(1_000))), Ok("é".repeat(6)));
        assert_eq!(kept(Value::Debug(&Endless)), Ok("more more mo".into()));
        assert_eq!(kept(Value::Bytes(&[0xde, 0xad])), Ok("[de, ad]".into()));
        assert_eq!(kept(Value::Debug(&Panics)), Ok(PANICKED.into()));
        assert_eq!(kept(Value::Tag(&7u8)), Err("7".into()));
        assert_eq!(kept(Value::None), Err("None".into()));
        assert!(buffer.starts_with("beforetext"));
    }

    #[test]
    fn a_cut_lands_between_characters() {
        assert_eq!(show(&[Value::Display(&"ééééé")], 3)[0], "\"ééé\"");
    }
}
