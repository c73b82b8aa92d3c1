//! Options on a block that are for one function, and what is wrong inside.
#![allow(unused)]

use jaeger_runtime::traced;

struct Store;

#[traced(name = "all the same", only(key), kind = clinet, skip(kye), parent = x)]
impl Store {
    fn get(&self, key: &str) -> usize {
        key.len()
    }
    #[traced(skip(kex))]
    fn put(&self, key: &str) {}
}

#[traced(off)]
mod quiet {
    pub fn f() {}
}

#[traced]
trait Bodiless {
    fn nobody(&self);
}

fn main() {
    Store.get("x");
    Store.put("x");
    quiet::f();
}
