//! `Callsite`: everything about an annotated function that does not change from call to call.
//!
//! One `static` per function, built by `const` functions only, so that a callsite costs nothing at start-up. The first recorded call enters it into the process's
//! list and gives it its number; an event of the log holds that number and nothing else of it. (A number and not the address, so that the collector needs no `unsafe` to
//! get from an event to its callsite. The same word is read on every call anyway once annotations can be switched at run time.)

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// All callsites that were recorded at least once; number `n` stands at `n - 1`.
static ALL: Mutex<Vec<&'static Callsite>> = Mutex::new(Vec::new());

/// Name, place and keys of an annotated function. Made by `#[traced]`; public only for generated code and for reporters to read.
#[derive(Debug)]
pub struct Callsite {
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    args: &'static [&'static str],
    reply: &'static str,
    kind: &'static str,
    max_len: u32,
    polls: bool,
    /// 0 until the first recorded call.
    number: AtomicU32,
}

impl Callsite {
    /// `args` are the tags' keys, in the order in which the values are passed when a span opens.
    pub const fn new(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        args: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            module,
            file,
            line,
            args,
            reply: "reply",
            kind: "",
            max_len: 0,
            polls: false,
            number: AtomicU32::new(0),
        }
    }
    /// The key of the return value's tag.
    pub const fn with_reply(mut self, key: &'static str) -> Self {
        self.reply = key;
        self
    }
    /// The value of the tag `span.kind`; `""` for none.
    pub const fn with_kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
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

    /// The span's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
    /// `module_path!()` of the function.
    pub const fn module(&self) -> &'static str {
        self.module
    }
    /// `file!()` of the function.
    pub const fn file(&self) -> &'static str {
        self.file
    }
    /// The line of the attribute.
    pub const fn line(&self) -> u32 {
        self.line
    }
    /// The keys of the arguments' tags.
    pub const fn args(&self) -> &'static [&'static str] {
        self.args
    }
    /// The key of the return value's tag.
    pub const fn reply(&self) -> &'static str {
        self.reply
    }
    /// The value of the tag `span.kind`, or `""`.
    pub const fn kind(&self) -> &'static str {
        self.kind
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
        static A: Callsite = Callsite::new("a", "m", "f.rs", 1, &["x"])
            .with_reply("out")
            .with_kind("server")
            .with_max_len(9)
            .with_polls();
        static B: Callsite = Callsite::new("b", "m", "f.rs", 2, &[]);
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
    }
}
