//! `Site`: what a program holds for each annotated function.
//!
//! One `static` a function, built by `const` functions only, so that it costs nothing at start-up. It is small, because there is one for each annotated function: all its texts stand behind one another in the static
//! itself, since a pointer in a static costs the program a relocation of 24 bytes, and a slice 16 more. It is read by every call (its number, its options); its texts are taken apart once, when
//! the first recorded call registers it as a [`Callsite`].
//!
//! Left out on purpose: everything that a reporter asks (`callsite.rs`).

use crate::callsite::Callsite;
#[cfg(feature = "tracing")]
use crate::event_log::format::floor_char_boundary;
use std::sync::atomic::{AtomicU32, Ordering};

/// No byte of UTF-8: room behind the texts that was not needed.
const UNUSED: u8 = 0xff;
/// The most bytes of texts that are made at run time.
#[cfg(feature = "tracing")]
const LONGEST: usize = 8192;
/// For one with thousands of texts.
#[cfg(feature = "tracing")]
static NAMELESS: Site<[u8; 4]> = Site::new("\0\0\0\0", 0);

/// The static of an annotated function, for generated code. Made with its texts in an array, and used by a reference to a slice of them.
#[derive(Debug)]
pub struct Site<T: ?Sized = [u8]> {
    /// 0 until the first recorded call.
    number: AtomicU32,
    line: u32,
    max_len: u16,
    polls: bool,
    /// Name, reply's key, kind, the arguments' keys, module, file, with a NUL between each two.
    texts: T,
}

impl<const N: usize> Site<[u8; N]> {
    /// `texts` is name, key of the reply, kind (`""` for none), keys of the arguments in the order in which the values are passed when a span opens, `module_path!()` and `file!()`, with a NUL
    /// between each two: `N` bytes of UTF-8.
    pub const fn new(texts: &str, line: u32) -> Self {
        let texts = match texts.as_bytes().first_chunk() {
            Some(whole) if texts.len() == N => *whole,
            _ => panic!("the texts are not N bytes"),
        };
        Self::holding(texts, line)
    }

    const fn holding(texts: [u8; N], line: u32) -> Self {
        Self { number: AtomicU32::new(0), line, max_len: 0, polls: false, texts }
    }

    /// Bound on one recorded value in bytes; 0 for the tracer's.
    pub const fn with_max_len(mut self, bytes: u32) -> Self {
        self.max_len = if bytes > u16::MAX as u32 { u16::MAX } else { bytes as u16 };
        self
    }

    /// The polls of its future are counted and timed.
    pub const fn with_polls(mut self) -> Self {
        self.polls = true;
        self
    }

    /// One that is made at run time and lives as long as the process, if the texts are no longer than `N`.
    #[cfg(feature = "tracing")]
    fn leaked(texts: &str, line: u32) -> Option<&'static Site> {
        let mut room = [UNUSED; N];
        room.get_mut(..texts.len())?.copy_from_slice(texts.as_bytes());
        Some(Box::leak(Box::new(Self::holding(room, line))))
    }
}

impl Site {
    /// One that is made at run time and lives as long as the process. The texts are cut if they are longer than any source's.
    #[cfg(feature = "tracing")]
    pub(crate) fn leak(texts: &[&str], line: u32) -> &'static Self {
        // What stands between two may not stand in one.
        let joined = |max_len| {
            let cut = |text: &&str| text[..floor_char_boundary(text, max_len)].replace('\0', " ");
            texts.iter().map(cut).collect::<Vec<_>>().join("\0")
        };
        let whole = joined(usize::MAX);
        Site::<[u8; 96]>::leaked(&whole, line)
            .or_else(|| Site::<[u8; 256]>::leaked(&whole, line))
            .or_else(|| Site::<[u8; 1024]>::leaked(&whole, line))
            .or_else(|| Site::<[u8; LONGEST]>::leaked(&whole, line))
            .or_else(|| {
                Site::<[u8; LONGEST]>::leaked(&joined((LONGEST / texts.len()).saturating_sub(1)), line)
            })
            .unwrap_or(&NAMELESS)
    }

    /// The span's name.
    #[cold]
    pub(crate) fn name(&self) -> &str {
        let name = self.texts.split(|byte| *byte == 0).next();
        name.and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// All its texts, one after the other.
    pub(crate) fn texts(&self) -> impl DoubleEndedIterator<Item = &str> {
        let used = self.texts.split(|byte| *byte == UNUSED).next();
        // Made from a `str`, and so never other than UTF-8.
        used.and_then(|texts| std::str::from_utf8(texts).ok()).unwrap_or_default().split('\0')
    }

    /// The keys of the arguments' tags.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let mut texts = self.texts();
        let _file_and_module = (texts.next_back(), texts.next_back());
        texts.skip(3)
    }

    /// The line of the attribute.
    pub(crate) fn line(&self) -> u32 {
        self.line
    }

    /// Bound on one recorded value in bytes; 0 for the tracer's.
    #[inline(always)]
    pub(crate) fn max_len(&self) -> u16 {
        self.max_len
    }

    /// Whether the polls of its future are counted and timed, whatever the tracer says.
    #[inline(always)]
    pub(crate) fn polls(&self) -> bool {
        self.polls
    }

    /// Its number, or 0 before [`Site::register`].
    #[inline(always)]
    pub(crate) fn number(&self) -> u32 {
        self.number.load(Ordering::Relaxed)
    }

    /// Its number; enters it among the callsites at the first call.
    #[cold]
    pub(crate) fn register(&self) -> u32 {
        Callsite::register(self, &self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(site: &Site) -> Vec<&str> {
        site.texts().collect()
    }

    #[test]
    fn it_is_as_long_as_its_texts_and_a_dozen_bytes() {
        static SITE: Site<[u8; 15]> = Site::new("b\0reply\0\0m\0f.rs", 2);
        assert!(size_of_val(&SITE) <= 15 + 13, "{}", size_of_val(&SITE));
        assert_eq!(texts(&SITE), ["b", "reply", "", "m", "f.rs"]);
    }

    #[test]
    fn its_texts_may_be_empty() {
        static SITE: Site<[u8; 10]> = Site::new("\0reply\0\0\0\0", 0);
        let site: &Site = &SITE;
        assert_eq!((site.name(), site.line(), site.max_len(), site.polls()), ("", 0, 0, false));
        assert_eq!(site.keys().collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn a_bound_past_what_it_can_hold_is_the_greatest() {
        static SITE: Site<[u8; 4]> = Site::new("\0\0\0\0", 0).with_max_len(u32::MAX);
        assert_eq!(SITE.max_len, u16::MAX);
    }

    #[cfg(feature = "tracing")]
    #[test]
    fn one_made_at_run_time_holds_texts_of_any_length() {
        for length in [0, 1, 80, 81, 240, 1_000, 1_010, 8_000] {
            let name = "é".repeat(length / 2);
            let site = Site::leak(&[&name, "reply", "", "ke\0y", "m", ""], 7);
            assert_eq!(texts(site), [&name, "reply", "", "ke y", "m", ""], "{length}");
            assert_eq!((site.name(), site.line()), (&*name, 7));
        }
    }

    #[cfg(feature = "tracing")]
    #[test]
    fn texts_longer_than_any_sources_are_cut_and_not_mixed_up() {
        let name = "é".repeat(LONGEST);
        let site = Site::leak(&[&name, "reply", "", "key", "m", "f.rs"], 7);
        assert!(name.starts_with(site.name()) && site.name().len() > LONGEST / 8);
        assert_eq!(texts(site)[1..], ["reply", "", "key", "m", "f.rs"]);
        let many = vec!["key"; LONGEST * 2];
        assert_eq!(Site::leak(&many, 7).name(), "");
    }
}
