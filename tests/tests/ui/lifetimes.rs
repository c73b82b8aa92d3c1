//! What does not live long enough is told in the function, not at the attribute; an unknown type once.

use jaeger_runtime::traced;

#[traced]
fn early<'a>(text: &str) -> Option<&'a str> {
    let found = text.split(' ').next()?;
    Some(found)
}

#[traced]
fn at_the_end<'a>(text: &str) -> &'a str {
    text.trim()
}

#[traced]
async fn later<'a>(text: &str) -> &'a str {
    text.trim()
}

#[traced]
fn two<'a, 'b>(one: &'a str, other: &'b str) -> Result<&'a str, String> {
    if one.is_empty() {
        return Ok(other);
    }
    Ok(one)
}

fn main() {}
