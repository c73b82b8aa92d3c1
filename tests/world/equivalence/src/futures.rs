//! What an async function's future is: its auto traits, and its size.

use crate::Once;
use std::cell::Cell;
use std::marker::PhantomPinned;
use std::mem::size_of_val;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

struct Wrap<'a, T: ?Sized>(&'a T);

macro_rules! probes {
    ($($name:ident $no:ident: $bound:path;)*) => {$(
        #[allow(dead_code)]
        trait $name {
            fn $no(&self) -> bool {
                true
            }
        }
        impl<T: $bound + ?Sized> $name for Wrap<'_, T> {}
    )*};
}
probes! {
    IsSend is_send: Send;
    IsSync is_sync: Sync;
    IsUnpin is_unpin: Unpin;
    IsUnwindSafe is_unwind_safe: UnwindSafe;
    IsRefUnwindSafe is_ref_unwind_safe: RefUnwindSafe;
}

/// Whoever has none of them.
#[allow(dead_code)]
trait IsNot {
    fn is_send(&self) -> bool {
        false
    }
    fn is_sync(&self) -> bool {
        false
    }
    fn is_unpin(&self) -> bool {
        false
    }
    fn is_unwind_safe(&self) -> bool {
        false
    }
    fn is_ref_unwind_safe(&self) -> bool {
        false
    }
}
impl<T: ?Sized> IsNot for &Wrap<'_, T> {}

async fn nothing() {}

async fn small(n: u8) -> u8 {
    n
}

async fn awaits(n: u64) -> u64 {
    Once(false).await;
    n
}

async fn fails(n: u64) -> Result<u64, String> {
    Once(false).await;
    Err(n.to_string())?;
    Ok(n)
}

async fn large_argument(bytes: [u8; 512]) -> u8 {
    Once(false).await;
    bytes[0]
}

async fn large_local(n: u8) -> u8 {
    let bytes = [n; 512];
    Once(false).await;
    bytes[0]
}

async fn large_output(n: u8) -> [u8; 512] {
    Once(false).await;
    [n; 512]
}

async fn large_result(n: u8) -> Result<[u8; 256], [u64; 20]> {
    Once(false).await;
    if n > 1 { Ok([n; 256]) } else { Err([3; 20]) }
}

async fn owned(text: String, list: Vec<u8>) -> Option<String> {
    Once(false).await;
    list.first()?;
    Some(text)
}

async fn borrowed<'a>(text: &'a str, list: &mut Vec<u8>) -> &'a str {
    Once(false).await;
    list.push(1);
    text
}

async fn cell(cell: Cell<u8>) -> u8 {
    Once(false).await;
    cell.get()
}

async fn counted(rc: Rc<u8>) -> u8 {
    Once(false).await;
    *rc
}

async fn pinned(_pinned: PhantomPinned, n: u8) -> u8 {
    Once(false).await;
    n
}

async fn generic<T: Clone>(value: T) -> (T, T) {
    Once(false).await;
    (value.clone(), value)
}

async fn shared(cell: &Cell<u8>) -> u8 {
    Once(false).await;
    cell.get()
}

async fn never(n: u64) -> ! {
    loop {
        Once(false).await;
        assert!(n > 0);
    }
}

async fn ends_in_never(n: u64) -> u64 {
    if n > 100 { n } else { never(n).await }
}

async fn pattern((a, b): (u64, u64), [c, ..]: [u8; 3]) -> u64 {
    Once(false).await;
    a + b + u64::from(c)
}

struct Service {
    calls: u64,
}

impl Service {
    async fn by_ref(&self, n: u64) -> u64 {
        Once(false).await;
        self.calls + n
    }
    async fn by_mut(&mut self, n: u64) -> Result<&mut u64, String> {
        Once(false).await;
        self.calls += n;
        Ok(&mut self.calls)
    }
    async fn by_value(self) -> u64 {
        Once(false).await;
        self.calls
    }
}

pub(crate) fn observe() {
    let (mut list, lent) = (vec![], Cell::new(1));
    let (service, mut changed) = (Service { calls: 1 }, Service { calls: 2 });
    macro_rules! futures {
        ($($call:expr;)*) => {$({
            let future = $call;
            let wrap = Wrap(&future);
            println!(
                "future {}: Send {} Sync {} Unpin {} UnwindSafe {} RefUnwindSafe {}",
                stringify!($call),
                (&wrap).is_send(),
                (&wrap).is_sync(),
                (&wrap).is_unpin(),
                (&wrap).is_unwind_safe(),
                (&wrap).is_ref_unwind_safe(),
            );
            println!("size {} {}", stringify!($call), size_of_val(&future));
            drop(future);
        })*};
    }
    futures! {
        nothing();
        small(1);
        awaits(1);
        fails(1);
        large_argument([0; 512]);
        large_local(1);
        large_output(1);
        large_result(1);
        owned(String::new(), vec![]);
        borrowed("a", &mut list);
        cell(Cell::new(1));
        counted(Rc::new(1));
        pinned(PhantomPinned, 1);
        generic(1u8);
        generic(Rc::new(1));
        shared(&lent);
        never(1);
        pattern((1, 2), [1, 2, 3]);
        service.by_ref(1);
        changed.by_mut(1);
        Service { calls: 3 }.by_value();
    }
    println!("done {:?}", crate::finish(fails(3)));
    println!("done {:?}", crate::finish(owned("a".into(), vec![1])));
    println!("done {:?}", crate::finish(Service { calls: 3 }.by_mut(4)));
    println!("done {:?}", crate::finish(generic("a")));
    println!("done {:?} {:?}", crate::finish(large_result(1)), crate::finish(small(2)));
    println!("done {} {:?}", crate::finish(large_argument([7; 512])), crate::finish(large_output(1)).len());
    println!("done {} {}", crate::finish(large_local(2)), crate::finish(borrowed("b", &mut list)));
    println!("done {} {}", crate::finish(cell(Cell::new(3))), crate::finish(counted(Rc::new(4))));
    println!("done {} {}", crate::finish(pinned(PhantomPinned, 5)), crate::finish(shared(&lent)));
    println!("done {} {:?}", crate::finish(pattern((1, 2), [3, 4, 5])), crate::finish(nothing()));
    println!("done {} {}", crate::finish(service.by_ref(2)), crate::finish(service.by_value()));
    println!("done {} {:?} {}", crate::finish(awaits(2)), list, crate::finish(ends_in_never(101)));
}
