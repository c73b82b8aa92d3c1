//! `Callsite`: an annotated function as reporters see it.
//!
//! Made of a [`Site`] when its first recorded call enters it into the process's list, and kept for the life of the process. Its place in the list is its number; an event of the log holds that number and nothing else of it. (A number and not the address, so that the collector needs no `unsafe` to
//! get from an event to its callsite. The same word is read on every call anyway once annotations can be switched at run time.)

use crate::site::Site;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// All callsites that were recorded at least once; number `n` stands at `n - 1`.
static ALL: Mutex<Vec<&'static Callsite>> = Mutex::new(Vec::new());

/// Name, place and keys of an annotated function.
#[derive(Debug)]
pub struct Callsite {
    name: &'static str,
    reply: &'static str,
    kind: &'static str,
    args: &'static [&'static str],
    module: &'static str,
    file: &'static str,
    line: u32,
    max_len: u16,
    polls: bool,
}

impl Callsite {
    fn of(site: &Site) -> Self {
        // Once for each annotated function that is ever recorded, so the texts may live for ever, as the list does.
        let texts: Vec<&'static str> = site.texts().map(|text| &*Box::leak(Box::from(text))).collect();
        let (name, reply, kind, args, module, file) = match texts.as_slice() {
            [name, reply, kind, args @ .., module, file] => (*name, *reply, *kind, args, *module, *file),
            _ => ("", "", "", &[][..], "", ""),
        };
        Self {
            name,
            reply,
            kind,
            args: Vec::leak(args.to_vec()),
            module,
            file,
            line: site.line(),
            max_len: site.max_len(),
            polls: site.polls(),
        }
    }

    /// The span's name.
    pub fn name(&self) -> &'static str {
        self.name
    }
    /// `module_path!()` of the function.
    pub fn module(&self) -> &'static str {
        self.module
    }
    /// `file!()` of the function.
    pub fn file(&self) -> &'static str {
        self.file
    }
    /// The line of the attribute.
    pub const fn line(&self) -> u32 {
        self.line
    }
    /// The keys of the arguments' tags.
    pub fn args(&self) -> &'static [&'static str] {
        self.args
    }
    /// The key of the return value's tag.
    pub fn reply(&self) -> &'static str {
        self.reply
    }
    /// The value of the tag `span.kind`, or `""`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }
    /// Bound on one recorded value in bytes; 0 for the tracer's.
    pub const fn max_len(&self) -> u32 {
        self.max_len as u32
    }
    /// Whether the polls of its future are counted and timed, whatever the tracer says.
    pub const fn polls(&self) -> bool {
        self.polls
    }

    /// The number of the callsite of `site`, which stands in `number` from then on; entered into the list at the first call.
    pub(crate) fn register(site: &Site, number: &AtomicU32) -> u32 {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        if number.load(Ordering::Relaxed) == 0 {
            all.push(Box::leak(Box::new(Self::of(site))));
            number.store(all.len() as u32, Ordering::Relaxed);
        }
        number.load(Ordering::Relaxed)
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
    fn a_callsite_gets_one_number_however_often_its_site_registers() {
        static A: Site<[u8; 24]> =
            Site::new("a\0out\0server\0x\0\0z\0m\0f.rs", 1).with_max_len(9).with_polls();
        static B: Site<[u8; 15]> = Site::new("b\0reply\0\0m\0f.rs", 2);
        let (a, b): (&Site, &Site) = (&A, &B);
        let first = (a.register(), b.register());
        assert!(first.0 != 0 && first.1 != 0 && first.0 != first.1);
        assert_eq!((a.register(), a.number()), (first.0, first.0));
        let mut known = vec![];
        Callsite::catch_up(&mut known);
        let (a, b) = (known[first.0 as usize - 1], known[first.1 as usize - 1]);
        assert!(a.polls() && !b.polls());
        assert_eq!((a.name(), a.reply(), a.kind(), a.max_len()), ("a", "out", "server", 9));
        assert_eq!((a.line(), a.file(), a.module()), (1, "f.rs", "m"));
        assert_eq!(a.args(), ["x", "", "z"]);
        assert_eq!((b.name(), b.reply(), b.kind(), b.args()), ("b", "reply", "", &[][..]));
        assert_eq!((b.file(), b.module(), b.line()), ("f.rs", "m", 2));
    }
}
