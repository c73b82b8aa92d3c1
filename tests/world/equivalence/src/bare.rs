//! Without the prelude, with names of the prelude and of generated code taken by other things.
#![no_implicit_prelude]
#![allow(non_camel_case_types, dead_code, unused_macros)]

use ::std::prelude::v1::{Err as Failure, Ok as Fine};
use ::std::string::{String, ToString};

enum Option {
    Some,
    None,
}
enum Result {
    Ok,
    Err,
}
struct Guard;
struct Value;
mod core {}
mod std {}
mod jaeger_runtime {}
trait Drop {}

macro_rules! line {
    () => {
        compile_error!("the wrong line!")
    };
}

fn plain(n: u8) -> u8 {
    n ^ 1
}

fn fails(n: u8) -> ::std::result::Result<u8, String> {
    if n > 3 {
        return Failure(n.to_string());
    }
    Fine(n)
}

async fn later(n: u8) -> ::std::result::Result<u8, String> {
    let n = fails(n)?;
    Fine(n)
}

fn unit(_: Guard, _: &Value, _: Option, _: Result) {}

pub(crate) fn observe() {
    unit(Guard, &Value, Option::Some, Result::Ok);
    unit(Guard, &Value, Option::None, Result::Err);
    ::std::println!("bare {} {:?} {:?}", plain(2), fails(4), crate::finish(later(2)));
}
