//! A type that there is not is told once.

use jaeger_runtime::traced;

#[traced]
fn of_a_reply() -> Unknown {
    unreachable!()
}

#[traced]
async fn of_a_reply_later() -> UnknownLater {
    unreachable!()
}

#[traced]
async fn inside_of_one() -> Option<UnknownInside> {
    unreachable!()
}

#[traced]
async fn of_an_argument(n: UnknownArgument) -> Result<u8, UnknownError> {
    Ok(n?)
}

fn main() {}
