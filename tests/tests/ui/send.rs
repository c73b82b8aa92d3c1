//! A future that is not `Send`: the error names the user's type.

use jaeger_runtime::traced;
use std::rc::Rc;

#[traced]
async fn shares(count: Rc<u8>) -> u8 {
    std::future::ready(()).await;
    *count
}

fn needs_send(_: impl Send) {}

fn main() {
    needs_send(shares(Rc::new(1)));
}
