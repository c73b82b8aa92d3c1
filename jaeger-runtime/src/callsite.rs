//! `Callsite`: everything about an annotated function that does not change from call to call.
//!
//! One `static` per function, built by `const` functions only, so that a callsite costs nothing at start-up. The first recorded call enters it into the process's
//! list and gives it its number; an event of the log holds that number and nothing else of it. (A number and not the address, so that the collector needs no `unsafe` to
//! get from an event to its callsite. The same word is read on every call anyway once annotations can be switched at run time.)

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// All callsites that were recorded at least once; number `n` stands at `n - 1`.
static ALL: Mutex<Vec<&'static Callsite>> = Mutex::new(Vec::new());

/// Name, place and keys of an annotated function. Made by `#[traced]`; public only for generated code and for reporters to read.
///
/// Small, because a program holds one for each annotated function, and each pointer in a static costs a relocation of 24 bytes on top: all its texts are one string, which is taken apart when somebody
/// first asks, and stay so (for the life of the process, as the callsite itself).
#[derive(Debug)]
pub struct Callsite {
    /// Name, reply's key, kind, the arguments' keys, module, file, with a NUL between each two.
    packed: &'static str,
    parts: OnceLock<&'static Parts>,
    line: u32,
    max_len: u32,
    polls: bool,
    /// 0 until the first recorded call.
    number: AtomicU32,
}

/// The texts of a callsite, taken apart.
#[derive(Debug)]
struct Parts {
    name: &'static str,
    reply: &'static str,
    kind: &'static str,
    args: Box<[&'static str]>,
    module: &'static str,
    file: &'static str,
}

impl Parts {
    #[cold]
    fn of(packed: &'static str) -> Self {
        let mut texts = packed.split('\0');
        let mut first = || texts.next().unwrap_or_default();
        let (name, reply, kind) = (first(), first(), first());
        let file = texts.next_back().unwrap_or_default();
        let module = texts.next_back().unwrap_or_default();
        Self { name, reply, kind, args: texts.collect(), module, file }
    }
}

impl Callsite {
    /// `packed` is name, key of the reply, kind (`""` for none), keys of the arguments in the order in which the values are passed when a span opens, `module_path!()` and `file!()`, with a NUL
    /// between each two.
    pub const fn new(packed: &'static str, line: u32) -> Self {
        Self { packed, parts: OnceLock::new(), line, max_len: 0, polls: false, number: AtomicU32::new(0) }
    }
    /// Bound on one recorded value in bytes; 0 for the tracer's.
    pub const fn with_max_len(mut self, bytes: u32) -> Self {
        self.max_len = bytes;
        self
    }
    /// The polls of its future are counted and timed.
    pub const fn with_polls(mut self) -> Self {
        self.polls = true;
        self
    }

    #[inline]
    fn parts(&self) -> &'static Parts {
        self.parts.get_or_init(|| Box::leak(Box::new(Parts::of(self.packed))))
    }

    /// The span's name.
    pub fn name(&self) -> &'static str {
        self.parts().name
    }
    /// `module_path!()` of the function.
    pub fn module(&self) -> &'static str {
        self.parts().module
    }
    /// `file!()` of the function.
    pub fn file(&self) -> &'static str {
        self.parts().file
    }
    /// The line of the attribute.
    pub const fn line(&self) -> u32 {
        self.line
    }
    /// The keys of the arguments' tags.
    pub fn args(&self) -> &'static [&'static str] {
        &self.parts().args
    }
    /// The key of the return value's tag.
    pub fn reply(&self) -> &'static str {
        self.parts().reply
    }
    /// The value of the tag `span.kind`, or `""`.
    pub fn kind(&self) -> &'static str {
        self.parts().kind
    }
    /// Bound on one recorded value in bytes; 0 for the tracer's.
    pub const fn max_len(&self) -> u32 {
        self.max_len
    }
    /// Whether the polls of its future are counted and timed, whatever the tracer says.
    pub const fn polls(&self) -> bool {
        self.polls
    }

    /// Its number, or 0 before [`Callsite::register`].
    #[inline(always)]
    pub(crate) fn number(&self) -> u32 {
        self.number.load(Ordering::Relaxed)
    }

    /// Its number; enters it into the list at the first call.
    #[cold]
    pub(crate) fn register(&'static self) -> u32 {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        if self.number() == 0 {
            all.push(self);
            self.number.store(all.len() as u32, Ordering::Relaxed);
        }
        self.number()
    }

    /// Copies to `known` the callsites that it does not have yet. The collector's own list, so that it locks only when there is a new one.
    pub(crate) fn catch_up(known: &mut Vec<&'static Callsite>) {
        let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend_from_slice(&all[known.len()..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callsite_gets_one_number_however_often_it_registers() {
        static A: Callsite = Callsite::new("a\0out\0server\0x\0\0z\0m\0f.rs", 1).with_max_len(9).with_polls();
        static B: Callsite = Callsite::new("b\0reply\0\0m\0f.rs", 2);
        let (a, b) = (A.register(), B.register());
        assert!(a != 0 && b != 0 && a != b && A.register() == a && A.number() == a);
        assert!(A.polls() && !B.polls());
        let mut known = vec![];
        Callsite::catch_up(&mut known);
        assert_eq!(known[a as usize - 1].name(), "a");
        assert_eq!(
            (A.reply(), A.kind(), A.max_len(), A.line(), A.file(), A.module()),
            ("out", "server", 9, 1, "f.rs", "m")
        );
        assert_eq!(A.args(), ["x", "", "z"]);
        assert_eq!((B.name(), B.reply(), B.kind(), B.args()), ("b", "reply", "", &[][..]));
        assert_eq!((B.file(), B.module(), B.line()), ("f.rs", "m", 2));
    }

    #[test]
    fn a_callsite_is_small() {
        assert!(size_of::<Callsite>() <= 48, "{}", size_of::<Callsite>());
    }
}
