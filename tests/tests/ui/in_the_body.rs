//! Errors in a body are told as they are without the attribute.

use jaeger_runtime::traced;

#[traced]
fn closure(n: u8) -> Option<u8> {
    let m: u16 = n.checked_add(1)?;
    Some(m)
}

#[traced]
fn block(n: u8) -> u8 {
    n + "text"
}

#[traced]
async fn later(n: u8) -> Result<u8, String> {
    Ok(n.len())
}

#[traced]
fn moved(text: String) -> usize {
    drop(text);
    text.len()
}

fn main() {}
