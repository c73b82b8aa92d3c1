//! One function of each shape; a line with the attribute is blank in the plain build.

use jaeger_runtime::traced;
use std::future::Future;
use std::pin::Pin;

#[traced]
#[unsafe(no_mangle)]
pub extern "C" fn divide(a: u32, b: u32) -> u32 {
    a / b
}

#[traced(name = "first word", skip_all, tags(length = text.len()), reply = "word", max_len = 16)]
#[inline(never)]
pub fn first<'a>(text: &'a str, or: &'a str) -> Option<&'a str> {
    let word = text.split(' ').next()?;
    Some(if word.is_empty() { or } else { word })
}

#[traced]
#[track_caller]
#[inline(never)]
pub fn located(n: Option<u8>) -> u8 {
    n.unwrap()
}

#[traced(polls)]
#[inline(never)]
pub async fn later(text: String) -> Result<usize, std::num::ParseIntError> {
    std::future::ready(()).await;
    let n: usize = text.parse()?;
    Ok(n + 1)
}

#[traced]
#[inline(never)]
pub fn boxed(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { n + 1 })
}

pub struct Store(pub Vec<u64>);

#[traced(kind = client)]
impl Store {
    #[inline(never)]
    pub fn sum(&self, from: usize) -> u64 {
        self.0[from..].iter().sum()
    }
    #[traced(off)]
    #[inline(never)]
    pub fn off(&self) -> usize {
        self.0.len()
    }
    #[traced(debug(self), rename(self = "store"))]
    #[inline(never)]
    pub async fn push(&mut self, n: u64) {
        self.0.push(n);
    }
}

#[traced]
pub trait Shows {
    fn shown(&self) -> String;
    #[inline(never)]
    fn twice(&self) -> String {
        self.shown().repeat(2)
    }
}

#[traced]
impl Shows for Store {
    #[inline(never)]
    fn shown(&self) -> String {
        format!("{} numbers", self.0.len())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.twice())
    }
}

#[inline(never)]
pub fn all(store: &mut Store) -> (impl Future<Output = Result<usize, std::num::ParseIntError>>, impl Future<Output = ()>) {
    (later(store.twice()), store.push(divide(7, 2).into()))
}
