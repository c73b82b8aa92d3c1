//! What of a call is recorded, under which name and how: the options `name`, `kind`, `skip`, `skip_all`, `only`, `rename`, `display`, `debug`, `redact`, `tags`, `reply`, `no_reply`, `max_len`.
//!
//! `cargo run --example values` prints:
//! ```text
//! 3 0.5 true tea
//! all: count=3 price=0.5 paid=true item="tea" first=7 reply=7
//! pay: amount=100 account=12 note.bytes=4 left=900
//! charge card: span.kind="client" amount=5 payment.currency="EUR" reply=12
//! shown: price="7 €" change="Money(2)" doubled=14 shown="2 €" written="Money(7)"
//! log_in: user="ada" password="[redacted]" plan="[redacted]" reply=false
//! asked: token="t-1" reply="t-1"
//! nothing: reply=3
//! cut: text="a text of mor…" reply=33
//! ```

use std::fmt::{self, Display, Formatter};

use jaeger_runtime::{Error, traced};

#[derive(Debug)]
struct Money(u64);

impl Display for Money {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} €", self.0)
    }
}

struct Account {
    number: u32,
}

impl Account {
    // `self` is recorded only where it is asked for.
    #[traced(skip(note), tags(account = self.number, "note.bytes" = note.len()), reply = "left")]
    fn pay(&self, amount: u64, note: &str) -> u64 {
        1000 - amount
    }
}

/// Everything, as its type says: numbers stay numbers.
#[traced]
fn all(count: u32, price: f64, paid: bool, item: &str, [first, ..]: [u8; 3], _not_this: u8) -> Option<u8> {
    println!("{count} {price} {paid} {item}");
    Some(first)
}

#[traced(name = "charge card", kind = client, only(amount, currency), rename(currency = "payment.currency"))]
fn charge(amount: u64, currency: &str, card: &str) -> usize {
    card.len() + currency.len() + usize::try_from(amount).unwrap_or(0)
}

#[traced(display(price), debug(change), tags(doubled = price.0 * 2, shown = %change, written = ?price), no_reply)]
fn shown(price: &Money, change: &Money) -> u64 {
    price.0 - change.0
}

/// Names that secrets have are hidden unless an option names them.
#[traced(redact(plan))]
fn log_in(user: &str, password: &str, plan: &str) -> bool {
    user.len() + plan.len() < password.len()
}

#[traced(display(token))]
fn asked(token: &str) -> &str {
    token
}

#[traced(skip_all)]
fn nothing(a: u8, b: u8) -> u8 {
    a + b
}

#[traced(max_len = 16)]
fn cut(text: &str) -> usize {
    text.len()
}

fn main() -> Result<(), Error> {
    examples::show(|| {
        all(3, 0.5, true, "tea", [7, 8, 9], 1);
        Account { number: 12 }.pay(100, "rent");
        charge(5, "EUR", "4111");
        shown(&Money(7), &Money(2));
        log_in("ada", "1234", "secret plan");
        asked("t-1");
        nothing(1, 2);
        cut("a text of more than sixteen bytes");
    })
}
