//! What is dropped when: arguments, parts of them, locals, temporaries, in functions that end in every way.

use crate::{Once, finish, poll};
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;

type Log = Rc<RefCell<Vec<&'static str>>>;

/// Says its name when it goes.
struct Noisy(&'static str, Log);

impl Drop for Noisy {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

impl Noisy {
    fn some(&self) -> Option<&Self> {
        Some(self)
    }
    fn local(&self, name: &'static str) -> Self {
        Noisy(name, self.1.clone())
    }
    fn by_value(self, other: Noisy) -> usize {
        let _local = other.local("local");
        self.0.len()
    }
    fn by_value_early(self, other: Noisy) -> Option<usize> {
        let _local = self.local("local");
        let length = other.some()?.0.len();
        None?;
        Some(length)
    }
    fn part_moved(self, other: Noisy) -> Option<&'static str> {
        let name = other.some()?.0;
        let moved = self;
        let _after = other.local("after");
        drop(moved);
        Some(name)
    }
    async fn later(self, other: Noisy) -> usize {
        let _local = other.local("local");
        Once(false).await;
        self.0.len()
    }
}

struct Pair {
    left: Noisy,
    right: Noisy,
}

fn none() {}

fn value(a: Noisy, b: Noisy) -> u8 {
    let _local = a.local("local");
    let _moved = b;
    3
}

fn tail_temporary(a: Noisy, b: Noisy) -> usize {
    let _local = a.local("local");
    b.local("temporary").some().map_or(0, |noisy| noisy.0.len())
}

fn tail_match(a: Noisy, b: Noisy) -> usize {
    match a.local("scrutinee").some() {
        Some(noisy) => b.local("arm").0.len() + noisy.0.len(),
        None => 0,
    }
}

fn tail_match_returns(a: Noisy, b: Noisy) -> usize {
    match a.local("scrutinee").some() {
        Some(noisy) => return b.local("arm").0.len() + noisy.0.len(),
        None => 0,
    }
}

fn if_let_temporary(a: Noisy, b: Noisy) -> usize {
    if let Some(noisy) = a.local("condition").some() {
        noisy.0.len()
    } else {
        b.local("else").0.len()
    }
}

fn early(a: Noisy, b: Noisy, stop: bool) -> Option<usize> {
    let _first = a.local("first");
    if stop {
        let _inner = a.local("inner");
        return None;
    }
    let _second = b.local("second");
    b.some().map(|noisy| noisy.0.len())
}

fn question(a: Noisy, b: Result<Noisy, Noisy>) -> Result<usize, Noisy> {
    let _first = a.local("first");
    let inner = b?;
    Ok(inner.0.len())
}

fn underscore(_: Noisy, _b: Noisy, c: Noisy) -> Option<()> {
    c.some()?;
    Some(())
}

fn pattern((a, _): (Noisy, Noisy), Pair { left, .. }: Pair, [_, last]: [Noisy; 2]) -> Option<usize> {
    let _local = a.local("local");
    drop(left);
    last.some().map(|noisy| noisy.0.len())
}

fn pattern_early((a, _): (Noisy, Noisy), Pair { left, .. }: Pair) -> Option<usize> {
    let _local = a.local("local");
    left.some()?;
    None
}

fn part_captured(pair: Pair, n: Option<u8>) -> Option<usize> {
    let left = pair.left;
    n?;
    Some(left.0.len())
}

fn closure_captures(pair: Pair) -> Option<usize> {
    let take = move || pair.right.0.len();
    let length = take();
    Some(length).filter(|length| *length > 0)?;
    None
}

fn reply(a: Noisy, b: Noisy) -> Noisy {
    let _local = a.local("local");
    b
}

fn iterated(a: Noisy, b: Noisy) -> impl Iterator<Item = usize> {
    let _local = b.local("local");
    (0..2).map(move |n| n + a.0.len())
}

fn reassigned(mut a: Noisy, b: Noisy) -> usize {
    let _ = a.some();
    a = b;
    a.0.len()
}

fn shadowed(a: Noisy, b: Noisy) -> Option<usize> {
    let a = a.local("shadow");
    b.some()?;
    Some(a.0.len())
}

fn panics(a: Noisy, b: Noisy) -> u8 {
    let _local = a.local("local");
    let _moved = b;
    std::panic::panic_any("on purpose")
}

fn panics_early(a: Noisy, b: Option<Noisy>) -> Option<u8> {
    let _inner = b?;
    let _local = a.local("local");
    std::panic::panic_any("on purpose")
}

fn unit_temporary(a: Noisy, b: Noisy) {
    let _local = a.local("local");
    b.local("temporary").some().map_or((), |noisy| assert!(!noisy.0.is_empty()))
}

fn early_temporary(a: Noisy, b: Option<Noisy>) -> Option<usize> {
    let _local = a.local("local");
    b?.local("temporary").some().map(|noisy| noisy.0.len())
}

fn underscored_parts((a, _b, c): (Noisy, Noisy, Noisy), Pair { left: _, right }: Pair, last: Noisy) -> usize {
    let _local = last.local("local");
    a.0.len() + c.0.len() + right.0.len()
}

fn parts_in_unit((a, mut b): (Noisy, Noisy), Pair { ref left, right: _ }: Pair) {
    drop(b.local("unread"));
    b = a.local(left.0);
    drop(b.local("read"));
}

#[track_caller]
fn located(a: Noisy, (b, _): (Noisy, Noisy), stop: bool) -> Option<usize> {
    let _local = a.local("local");
    if stop {
        return None;
    }
    b.local("temporary").some().map(|noisy| noisy.0.len())
}

fn returned(a: Noisy, (b, _): (Noisy, Noisy)) -> impl std::future::Future<Output = usize> {
    let _made = b.local("made");
    async move {
        let _local = a.local("local");
        Once(false).await;
        a.local("temporary").some().map_or(0, |noisy| noisy.0.len())
    }
}

fn boxed(a: Noisy, b: Noisy) -> std::pin::Pin<Box<dyn std::future::Future<Output = usize>>> {
    let _made = b.local("made");
    Box::pin(async move {
        Once(false).await;
        a.local("temporary").some().map_or(0, |noisy| noisy.0.len())
    })
}

async fn later_parts((a, _b): (Noisy, Noisy), Pair { left, right: _ }: Pair, c: Noisy) -> Option<usize> {
    let _local = c.local("local");
    Once(false).await;
    drop(left.some()?.local("inner"));
    a.local("temporary").some().map(|noisy| noisy.0.len())
}

async fn later(a: Noisy, (b, _): (Noisy, Noisy), stop: bool) -> Option<u8> {
    let _local = a.local("local");
    if stop {
        Once(false).await;
        None?;
    }
    drop(b);
    Some(1)
}

async fn later_temporary(a: Noisy, b: Noisy) -> usize {
    Once(false).await;
    b.local("temporary").some().map_or(a.0.len(), |noisy| noisy.0.len())
}

async fn later_unused(_: Noisy, _b: Noisy, c: Noisy) {
    Once(false).await;
    let _inner = c.local("local");
}

async fn later_panics(a: Noisy, b: Noisy) -> u8 {
    let _moved = b;
    Once(false).await;
    let _local = a.local("local");
    std::panic::panic_any("on purpose")
}

fn boxed_of_a_temporary(a: Noisy) -> Pin<Box<dyn Future<Output = usize>>> {
    let _local = a.local("local");
    Box::pin(std::future::ready(a.local("temporary").0.len()))
}

fn borrows_mutably(ref mut a: Noisy, (ref mut b, c): (Noisy, Noisy)) -> Option<usize> {
    std::mem::swap(a, b);
    let _local = c.some()?.local("local");
    Some(a.0.len() + c.0.len())
}

async fn borrows_mutably_later(ref mut a: Noisy, &mut (ref mut n, m): &mut (u8, u8)) -> u8 {
    Once(false).await;
    a.0 = "changed";
    *n += m;
    *n
}

pub(crate) fn observe() {
    let log: Log = Rc::default();
    let noisy = |name| Noisy(name, log.clone());
    let pair = |left, right| Pair { left: noisy(left), right: noisy(right) };
    let note = |what: &str| println!("drops {what}: {}", log.take().join(" "));
    macro_rules! drops {
        ($($call:expr;)*) => {$(
            let result = catch_unwind(AssertUnwindSafe(|| { let _reply = $call; log.borrow_mut().push("|"); }));
            log.borrow_mut().push(if result.is_ok() { "." } else { "panicked" });
            note(stringify!($call));
        )*};
    }
    drops! {
        none();
        finish(boxed_of_a_temporary(noisy("a")));
        borrows_mutably(noisy("a"), (noisy("b"), noisy("c")));
        finish(borrows_mutably_later(noisy("a"), &mut (1, 2)));
        noisy("self").by_value(noisy("a"));
        noisy("self").by_value_early(noisy("a"));
        noisy("self").part_moved(noisy("a"));
        value(noisy("a"), noisy("b"));
        tail_temporary(noisy("a"), noisy("b"));
        tail_match(noisy("a"), noisy("b"));
        tail_match_returns(noisy("a"), noisy("b"));
        if_let_temporary(noisy("a"), noisy("b"));
        early(noisy("a"), noisy("b"), true);
        early(noisy("a"), noisy("b"), false);
        question(noisy("a"), Ok(noisy("ok")));
        question(noisy("a"), Err(noisy("err")));
        underscore(noisy("_"), noisy("_b"), noisy("c"));
        pattern((noisy("a"), noisy("_")), pair("left", "right"), [noisy("first"), noisy("last")]);
        pattern_early((noisy("a"), noisy("_")), pair("left", "right"));
        part_captured(pair("left", "right"), None);
        part_captured(pair("left", "right"), Some(1));
        closure_captures(pair("left", "right"));
        reply(noisy("a"), noisy("b"));
        iterated(noisy("a"), noisy("b")).count();
        reassigned(noisy("a"), noisy("b"));
        shadowed(noisy("a"), noisy("b"));
        panics(noisy("a"), noisy("b"));
        panics_early(noisy("a"), Some(noisy("b")));
        panics_early(noisy("a"), None);
        unit_temporary(noisy("a"), noisy("b"));
        early_temporary(noisy("a"), Some(noisy("b")));
        early_temporary(noisy("a"), None);
        underscored_parts((noisy("a"), noisy("_b"), noisy("c")), pair("left", "right"), noisy("last"));
        parts_in_unit((noisy("a"), noisy("b")), pair("left", "right"));
        located(noisy("a"), (noisy("b"), noisy("_")), true);
        located(noisy("a"), (noisy("b"), noisy("_")), false);
        finish(returned(noisy("a"), (noisy("b"), noisy("_"))));
        finish(boxed(noisy("a"), noisy("b")));
        finish(later_parts((noisy("a"), noisy("_b")), pair("left", "right"), noisy("c")));
        finish(noisy("self").later(noisy("a")));
        finish(later(noisy("a"), (noisy("b"), noisy("_")), false));
        finish(later(noisy("a"), (noisy("b"), noisy("_")), true));
        finish(later_temporary(noisy("a"), noisy("b")));
        finish(later_unused(noisy("_"), noisy("_b"), noisy("c")));
        finish(later_panics(noisy("a"), noisy("b")));
    }
    // Never polled, and dropped while suspended.
    macro_rules! dropped {
        ($($call:expr;)*) => {$(
            drop($call);
            note(concat!("unpolled ", stringify!($call)));
            let mut future = Box::pin($call);
            let pending = poll(future.as_mut()).is_pending();
            log.borrow_mut().push(if pending { "suspended" } else { "done" });
            drop(future);
            note(concat!("suspended ", stringify!($call)));
        )*};
    }
    dropped! {
        returned(noisy("a"), (noisy("b"), noisy("_")));
        boxed(noisy("a"), noisy("b"));
        later_parts((noisy("a"), noisy("_b")), pair("left", "right"), noisy("c"));
        noisy("self").later(noisy("a"));
        later(noisy("a"), (noisy("b"), noisy("_")), true);
        later_temporary(noisy("a"), noisy("b"));
        later_unused(noisy("_"), noisy("_b"), noisy("c"));
        later_panics(noisy("a"), noisy("b"));
    }
}
