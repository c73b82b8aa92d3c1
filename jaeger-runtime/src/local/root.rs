//! The first span of a trace: ids, the sampler's word, and the one event that says both.

use super::{AMBIENT, Local, Nested, written};
use crate::clock::{TICK_MASK, ticks};
use crate::context::SAMPLED;
use crate::event_log::format::{self, Kind, NotWritten, Overflow, ROOT_128, ROOT_WORDS, first_word};
use crate::event_log::primitive::Ordering::Relaxed;
use crate::global;
use crate::site::Site;
use crate::value::Value;

impl Local {
    /// A new trace. Its ids come from the generator that the collector runs too, so they need not be written; those of a trace that is refused are taken from it as well (or the
    /// sampler would be asked about the same id for ever), and the next Context tells where it stands.
    pub(super) fn start_root(
        &self,
        site: &Site,
        number: u32,
        values: &[Value<'_>],
        max_len: usize,
    ) -> Nested {
        self.seed();
        let Some(tracer) = global::shared() else { return Nested::OFF };
        let wide = tracer.trace_id_128();
        let mut ids = self.nested_ids.get();
        let high = if wide { format::next_id(&mut ids) } else { 0 };
        let low = format::next_id(&mut ids);
        let (sampled, origin) = tracer.sample(low, || site.name());
        if sampled && self.room() && self.say_ids() && self.room() {
            let bits = u64::from(SAMPLED) | u64::from(origin) << 8 | if wide { ROOT_128 } else { 0 };
            self.high.set(high);
            self.low.set(low);
            self.flags.set(SAMPLED | AMBIENT);
            self.dirty.set(false);
            self.open_trap();
            return self.write_nested(site, values, max_len, ROOT_WORDS, |values| {
                self.write_root(number, bits, ids, values, max_len)
            });
        }
        self.nested_ids.set(ids);
        self.ids_known.set(false);
        self.high.set(high);
        self.low.set(low);
        // A root's place is kept also where it finds no room: what it calls stays in the trace that was let in, is recorded where there is room again, and counted where there is none.
        self.unwritten_root(if sampled { SAMPLED } else { 0 })
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
    ) -> Result<Nested, NotWritten> {
        let window = self.log.window();
        let [first, stamp, rest, ..] = window else { return Err(NotWritten) };
        let (words, descriptor) = written(window, ROOT_WORDS, values, max_len, Overflow::Refuse)?;
        let id = format::next_id(&mut ids);
        self.nested_ids.set(ids);
        self.span.set(id);
        self.log.reserve_end();
        first.store(first_word(Kind::Root, words, descriptor, number), Relaxed);
        rest.store(bits, Relaxed);
        stamp.store(ticks() & TICK_MASK, Relaxed);
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
