//! Functions in functions that another macro passes on: their braces have one span, which the linters must not make anything of.

use async_trait::async_trait;

#[async_trait]
pub trait Passed {
    fn number(&self, from: u8) -> u8;
}

pub struct On;

#[async_trait]
impl Passed for On {
    fn number(&self, from: u8) -> u8 {
        async fn later(from: u8) -> u8 {
            if from == 1 {
                2
            } else {
                from
            }
        }
        fn now(from: u8) -> Result<u8, String> {
            let text = if from == 1 { "1" } else { "x" };
            let number: u8 = text.parse().map_err(|_| "no number".to_owned())?;
            if number == 1 {
                Ok(number)
            } else {
                Ok(match from {
                    3 => 4,
                    other => other,
                })
            }
        }
        drop(later(from));
        now(from).unwrap_or(from)
    }
}
