//! One attribute for every function of an `impl`, a `trait` or a `mod`; a function's own options win, and `off` leaves one out.
//!
//! `cargo run --example blocks` prints:
//! ```text
//! Store::get: span.kind="client" key="a" reply=78
//! store a value: span.kind="client" key="a" reply=true
//! Greets::greet: times=2 reply="store store "
//! sum: of="[1, 2]" reply=5
//!   square: n=1 reply=1
//!   square: n=2 reply=4
//! ```

use jaeger_runtime::{Error, traced};

struct Store;

#[traced(kind = client, skip(value))]
impl Store {
    fn get(&self, key: &str) -> Option<u8> {
        self.hash(key).checked_sub(20)
    }

    #[traced(name = "store a value")]
    fn put(&mut self, key: &str, value: u8) -> bool {
        self.hash(key) > value
    }

    #[traced(off)]
    fn hash(&self, key: &str) -> u8 {
        key.bytes().fold(1, u8::wrapping_add)
    }
}

#[traced]
trait Greets {
    fn name(&self) -> String;

    fn greet(&self, times: usize) -> String {
        self.name().repeat(times)
    }
}

impl Greets for Store {
    fn name(&self) -> String {
        "store ".into()
    }
}

#[traced]
mod sums {
    pub(crate) fn sum(of: &[u32]) -> u32 {
        of.iter().copied().map(square).sum()
    }

    fn square(n: u32) -> u32 {
        n * n
    }
}

fn main() -> Result<(), Error> {
    examples::show(|| {
        Store.get("a");
        Store.put("a", 3);
        Store.greet(2);
        sums::sum(&[1, 2]);
    })
}
