//! The first span of a trace: ids, the sampler's word, and the one event that says both.

use super::{AMBIENT, Local, Nested, written};
use crate::clock::{counter, ticks};
use crate::context::SAMPLED;
use crate::event_log::format::{self, Kind, NotWritten, Overflow, ROOT_128, ROOT_WORDS, Written, first_word};
use crate::event_log::primitive::Ordering::Relaxed;
use crate::global;
use crate::site::Site;
use crate::text;
use crate::value::Value;

impl Local {
    /// A new trace on a thread whose log is open: that of all roots but a thread's first, and one after a refused one.
    #[inline(never)]
    pub(super) fn start_root_quick(&self, site: &'static Site, number: u32, values: &[Value<'_>]) -> Nested {
        let is_root = self.flags.get() & AMBIENT == 0;
        if !(is_root && self.ids_known.get() && text::is_plain(values)) {
            return self.start_slow(site, values);
        }
        debug_assert!(
            !self.dirty.get(),
            "a log is trapped as long as the collector does not know the context"
        );
        self.start_root_if(site, number, values, super::value_bound(site), counter, || true)
    }

    /// A new trace on any thread. The values are plain.
    pub(super) fn start_root(
        &self,
        site: &Site,
        number: u32,
        values: &[Value<'_>],
        max_len: usize,
    ) -> Nested {
        self.seed();
        self.start_root_if(site, number, values, max_len, ticks, || {
            let ready = self.room() && self.say_ids() && self.room();
            if ready {
                self.dirty.set(false);
                self.open_trap();
            }
            ready
        })
    }

    /// Its ids come from the generator that the collector runs too, so they need not be written; those of a trace that is refused are taken from it as well (or the sampler would be asked about the same id for ever),
    /// and the next Context tells where it stands.
    #[inline(always)]
    fn start_root_if(
        &self,
        site: &Site,
        number: u32,
        values: &[Value<'_>],
        max_len: usize,
        now: impl FnOnce() -> u64,
        ready: impl FnOnce() -> bool,
    ) -> Nested {
        let Some(tracer) = global::shared() else { return Nested::OFF };
        let wide = tracer.trace_id_128();
        let mut ids = self.nested_ids.get();
        let high = if wide { format::next_id(&mut ids) } else { 0 };
        let low = format::next_id(&mut ids);
        let (sampled, origin) = tracer.sample(low, || site.name());
        let recorded = sampled && ready();
        self.high.set(high);
        self.low.set(low);
        if !recorded {
            return self.start_root_unwritten(ids, sampled);
        }
        self.flags.set(SAMPLED | AMBIENT);
        let bits = u64::from(SAMPLED) | u64::from(origin) << 8 | if wide { ROOT_128 } else { 0 };
        match self.write_root(number, bits, ids, values, max_len, now) {
            Ok(nested) => nested,
            Err(NotWritten) => self.write_long_root(site, number, bits, ids, values, max_len),
        }
    }

    /// `ids` is the generator behind the trace's own.
    #[cold]
    #[inline(never)]
    fn start_root_unwritten(&self, ids: u64, sampled: bool) -> Nested {
        self.nested_ids.set(ids);
        self.ids_known.set(false);
        // A root's place is kept also where it finds no room: what it calls stays in the trace that was let in, is recorded where there is room again, and counted where there is none.
        self.unwritten_root(if sampled { SAMPLED } else { 0 })
    }

    /// With values that one event may not hold.
    #[cold]
    #[inline(never)]
    fn write_long_root(
        &self,
        site: &Site,
        number: u32,
        bits: u64,
        ids: u64,
        values: &[Value<'_>],
        max_len: usize,
    ) -> Nested {
        self.write_nested(site, values, max_len, ROOT_WORDS, |values| {
            self.write_root(number, bits, ids, values, max_len, ticks)
        })
    }

    /// `ids` is the generator behind the trace's own.
    #[inline(always)]
    fn write_root(
        &self,
        number: u32,
        bits: u64,
        mut ids: u64,
        values: &[Value<'_>],
        max_len: usize,
        now: impl FnOnce() -> u64,
    ) -> Result<Nested, NotWritten> {
        let window = self.window::<ROOT_WORDS>(values);
        let [first, stamp, rest, ..] = window else { return Err(NotWritten) };
        let Written { words, head } = written(window, ROOT_WORDS, values, max_len, Overflow::Refuse)?;
        let id = format::next_id(&mut ids);
        self.nested_ids.set(ids);
        self.span.set(id);
        self.log.reserve_end();
        first.store(first_word(Kind::Root, words, head, number), Relaxed);
        rest.store(bits, Relaxed);
        stamp.store(now(), Relaxed);
        self.log.publish(words);
        Ok(Nested { id, parent: 0 })
    }

    /// A root that no event tells of, ambient all the same, so that what it calls goes by what the sampler said.
    pub(super) fn unwritten_root(&self, flags: u8) -> Nested {
        // Never zero when inverted.
        let id = self.free_id() >> 1 | 1;
        self.span.set(id);
        self.flags.set(flags | AMBIENT);
        self.dirty.set(true);
        self.log.trap();
        Nested::unwritten_root(id)
    }
}
