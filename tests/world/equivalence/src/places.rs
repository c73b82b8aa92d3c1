//! Where things say that they happen: panics, `#[track_caller]`, `line!()`, and what a backtrace of types shows.

use crate::finish;
use std::panic::{Location, catch_unwind, set_hook, take_hook};

#[track_caller]
fn caller(n: u8) -> &'static Location<'static> {
    let _ = n;
    Location::caller()
}

#[track_caller]
fn caller_early(n: Option<u8>) -> &'static Location<'static> {
    if n.is_none() {
        return Location::caller();
    }
    Location::caller()
}

#[track_caller]
fn unwraps(n: Option<u8>) -> u8 {
    n.unwrap()
}

#[track_caller]
fn unwraps_in_result(n: Option<u8>) -> Result<u8, String> {
    let n = n.ok_or("none").map_err(String::from);
    let n = Some(n?).filter(|n| *n > 1).expect("more than one");
    Ok(n)
}

fn through(n: Option<u8>) -> u8 {
    unwraps(n)
}

fn divides(a: i32, b: i32) -> i32 {
    a / b
}

fn indexes(list: &[u8], i: usize) -> Option<u8> {
    let _first = list.first()?;
    Some(list[i])
}

async fn later(list: &[u8], i: usize) -> u8 {
    list[i]
}

fn lines() -> (u32, u32, &'static str) {
    (line!(), column!(), module_path!())
}

struct Tracked;

impl Tracked {
    #[track_caller]
    fn method(&self, n: Option<u8>) -> u8 {
        n.expect("given")
    }
    #[track_caller]
    fn unit(&self, fine: bool) {
        assert!(fine, "not fine");
    }
}

struct List(Vec<u8>);

/// The trait says `#[track_caller]` of its functions.
impl std::ops::Index<usize> for List {
    type Output = u8;
    fn index(&self, i: usize) -> &u8 {
        if i == 0 {
            return &self.0[0];
        }
        self.0.get(i).expect("in the list")
    }
}

/// A function pointer of a tracked function: the location is then the function's own.
fn pointed(f: fn(u8) -> &'static Location<'static>) -> u32 {
    f(1).line()
}

pub(crate) fn observe() {
    println!("place {} {} {}", caller(1), caller_early(None), caller_early(Some(1)));
    println!("place {:?}", lines());
    let hook = take_hook();
    set_hook(Box::new(|info| println!("panic {info}")));
    let _ = catch_unwind(|| unwraps(None));
    let _ = catch_unwind(|| unwraps_in_result(Some(1)));
    let _ = catch_unwind(|| through(None));
    let _ = catch_unwind(|| divides(1, 0));
    let _ = catch_unwind(|| indexes(&[1], 3));
    let _ = catch_unwind(|| finish(later(&[1], 3)));
    let _ = catch_unwind(|| Tracked.method(None));
    let _ = catch_unwind(|| Tracked.unit(false));
    let _ = catch_unwind(|| List(vec![1])[3]);
    set_hook(hook);
    println!("place {:?} {:?}", unwraps_in_result(None), indexes(&[], 0));
    println!("place pointed {}", pointed(caller) > 0);
}
