//! What a name means: of a tag, of an argument, of the attribute itself, where another could be meant.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]
#![allow(
    unreachable_pub,
    clippy::items_after_statements,
    clippy::unused_self,
    clippy::must_use_candidate,
    reason = "of the code under test, not of what the attribute writes"
)]

mod common;

use common::{block_on, named, names, quoted, tag, trace};
use jaeger_runtime::traced;
use std::pin::Pin;

#[test]
fn a_tag_means_what_its_expression_means_where_it_stands() {
    const __TEXT: u8 = 1;
    static SITE: &str = "example.org";
    const TEXTS: u8 = 7;
    #[traced(tags(site = SITE, texts = TEXTS, text = __TEXT))]
    fn visit(n: u8) -> u8 {
        n
    }
    let spans = trace(|| assert_eq!(visit(3), 3));
    let visit = named(&spans, "visit");
    assert_eq!(
        ["site", "texts", "text"].map(|key| tag(visit, key)),
        [quoted("example.org").as_str(), "long 7", "long 1"]
    );
}

#[test]
fn an_argument_is_not_taken_for_what_the_span_says_of_itself() {
    #[traced]
    fn render(error: bool, cancelled: bool, reply: u8) -> u8 {
        reply + u8::from(error && cancelled)
    }
    #[traced(rename(failed = "error"))]
    fn on_purpose(failed: bool) {
        let _ = failed;
    }
    #[traced(tags(error = false))]
    fn by_a_tag(error: &str) -> usize {
        error.len()
    }
    #[traced(no_reply)]
    fn without_a_reply(reply: u8) -> u8 {
        reply
    }
    #[traced(reply = "answer")]
    fn answers(reply: u8) -> u8 {
        reply
    }
    #[traced]
    async fn later((error, reply): (bool, u8)) -> u8 {
        reply + u8::from(error)
    }
    let spans = trace(|| {
        render(true, true, 1);
        on_purpose(true);
        by_a_tag("text");
        without_a_reply(2);
        answers(3);
        block_on(later((true, 1)));
    });
    let tags = |name: &str, keys: &[&str]| -> Vec<String> {
        keys.iter().map(|key| tag(named(&spans, name), key)).collect()
    };
    let keys = ["error", "cancelled", "argument.error", "argument.cancelled", "argument.reply", "reply"];
    assert_eq!(tags("render", &keys), ["absent", "absent", "true", "true", "long 1", "long 2"]);
    assert_eq!(tags("on_purpose", &["error", "argument.error"]), ["true", "absent"]);
    assert_eq!(tags("by_a_tag", &["error", "argument.error", "reply"]), ["false", "absent", "long 4"]);
    assert_eq!(tags("without_a_reply", &["reply", "argument.reply"]), ["long 2", "absent"]);
    assert_eq!(tags("answers", &["reply", "answer", "argument.reply"]), ["long 3", "long 3", "absent"]);
    assert_eq!(tags("later", &["error", "argument.error", "argument.reply"]), ["absent", "true", "long 1"]);
}

#[test]
fn no_span_has_two_tags_of_one_key() {
    #[traced(tags(reply = 1))]
    fn by_a_tag(n: u8) -> Result<u8, u8> {
        if n == 0 { Err(n) } else { Ok(n) }
    }
    #[traced(rename(n = "reply"))]
    fn by_an_argument(n: u8) -> u8 {
        n + 1
    }
    #[traced(polls)]
    async fn polled(polls: u8, busy_us: u8, idle_us: u8) -> u8 {
        polls + busy_us + idle_us
    }
    #[traced]
    fn not_polled(polls: u8, items: u8) -> u8 {
        polls + items
    }
    struct Block;
    #[traced(kind = client, tags("span.kind" = "of the block"))]
    impl Block {
        #[traced(kind = server)]
        fn own_kind() {}
        #[traced(tags("span.kind" = "own"))]
        fn own_tag() {}
        fn neither() {}
    }
    let spans = trace(|| {
        by_a_tag(7).unwrap();
        by_an_argument(1);
        block_on(polled(1, 2, 3));
        not_polled(1, 2);
        Block::own_kind();
        Block::own_tag();
        Block::neither();
    });
    for span in &spans {
        let mut keys: Vec<_> = span.tags.iter().map(|tag| &tag.key).collect();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all, "{} has {keys:?}", span.operation_name);
    }
    let tag = |name: &str, key: &str| tag(named(&spans, name), key);
    assert_eq!([tag("by_a_tag", "reply"), tag("by_an_argument", "reply")], ["long 1", "long 1"]);
    assert_eq!(tag("polled", "polls"), "long 1");
    assert_eq!(
        ["polls", "busy_us", "idle_us"].map(|key| tag("polled", &format!("argument.{key}"))),
        ["long 1", "long 2", "long 3"]
    );
    assert_eq!([tag("not_polled", "polls"), tag("not_polled", "items")], ["long 1", "long 2"]);
    assert_eq!(
        ["own_kind", "own_tag", "neither"].map(|name| tag(&format!("Block::{name}"), "span.kind")),
        [quoted("server"), quoted("own"), quoted("of the block")]
    );
    // An Err is told still.
    let failed = trace(|| assert_eq!(by_a_tag(0), Err(0)));
    assert_eq!(common::tag(&failed[0], "error"), "true");
}

#[traced]
mod inside {
    use jaeger_runtime::traced as by_another_name;
    use jaeger_runtime::traced;

    pub struct Store;
    #[cfg_attr(all(), traced(off))]
    impl Store {
        pub fn off(&self, n: u8) -> u8 {
            n
        }
        #[traced(name = "own")]
        pub fn own(&self, n: u8) -> u8 {
            n
        }
    }
    #[by_another_name(skip(n))]
    pub mod deeper {
        use jaeger_runtime::traced;

        #[traced(tags(own = 1))]
        pub fn skips(n: u8) -> u8 {
            n
        }
        pub fn skips_too(n: u8) -> u8 {
            n
        }
    }
}

#[test]
fn a_block_in_a_block_that_cannot_see_its_attribute_has_its_own_way() {
    let store = inside::Store;
    let spans = trace(|| {
        store.off(1);
        store.own(1);
        inside::deeper::skips(1);
        inside::deeper::skips_too(1);
    });
    assert_eq!(names(&spans), ["own", "skips", "skips_too"]);
    assert_eq!(["n", "own"].map(|key| tag(&spans[1], key)), ["absent", "long 1"]);
    assert_eq!(tag(&spans[2], "n"), "absent");
}

mod conditional {
    use super::traced;
    use jaeger_runtime::traced as by_another_name;

    pub struct Store;
    #[traced(tags(component = "store"), skip(token))]
    impl Store {
        #[cfg_attr(all(), traced(off))]
        pub fn off(&self, n: u8) -> u8 {
            n
        }
        #[cfg_attr(all(), traced(skip(key), tags(n = 1)))]
        pub fn get(&self, key: &str, token: u8) -> usize {
            key.len() + usize::from(token)
        }
        #[by_another_name(name = "put by name")]
        pub async fn put(&self, n: u8) -> u8 {
            n
        }
        #[by_another_name(off)]
        pub fn off_too(&self, n: u8) -> u8 {
            n
        }
        #[cfg_attr(any(), traced(off))]
        pub fn plain(&self, n: u8) -> u8 {
            n
        }
    }
}

#[test]
fn a_block_and_an_attribute_that_it_cannot_see_make_one_span() {
    let store = conditional::Store;
    let spans = trace(|| {
        store.off(1);
        store.off_too(1);
        store.get("k", 1);
        block_on(store.put(2));
        store.plain(3);
    });
    assert_eq!(names(&spans), ["Store::get", "put by name", "Store::plain"]);
    assert_eq!(
        ["key", "token", "n", "component", "reply"].map(|key| tag(&spans[0], key)),
        ["absent", "absent", "long 1", &quoted("store"), "long 2"]
    );
}

macro_rules! with_one_more {
    ($argument:ident) => {
        #[traced]
        fn named_alike(n: u8, $argument: u8) -> u8 {
            n * 10 + $argument
        }
        #[traced]
        fn parts_named_alike((n, $argument): (u8, u8)) -> u8 {
            n * 10 + $argument
        }
    };
}
with_one_more!(n);

#[test]
fn two_arguments_that_a_macro_names_alike_are_both_recorded() {
    let spans = trace(|| assert_eq!((named_alike(1, 2), parts_named_alike((1, 2))), (12, 12)));
    for name in ["named_alike", "parts_named_alike"] {
        let span = named(&spans, name);
        assert_eq!(["n", "n.2", "reply"].map(|key| tag(span, key)), ["long 1", "long 2", "long 12"]);
    }
}

#[test]
fn an_annotated_block_that_a_macro_makes_traces_what_it_was_given() {
    struct Service;
    macro_rules! service {
        ($of:ty { $($item:item)* } $vis:vis fn $name:ident $body:block) => {
            #[traced]
            impl $of {
                $($item)*
                $vis fn $name(&self) -> u8 $body
            }
        };
    }
    service! {
        Service {
            const STEP: u8 = 1;
            fn first(&self) -> u8 {
                self.second() + Self::STEP
            }
        }
        pub(self) fn second { 2 }
    }
    let spans = trace(|| assert_eq!(Service.first(), 3));
    assert_eq!(names(&spans), ["Service::first", "Service::second"]);
}

#[test]
fn what_a_macro_was_given_keeps_its_bounds() {
    macro_rules! twice {
        ($value:expr, $type:ty) => {
            struct Twice;
            #[traced]
            impl Twice {
                const VALUE: u8 = $value * 2;
                fn of(x: &$type) -> [u8; $value * 2] {
                    let _ = x;
                    [Self::VALUE; $value * 2]
                }
            }
            #[traced(tags(product = $value * 2, shown = %$value, negative = -$value, sum = $value), no_reply)]
            fn early(x: Option<&$type>) -> Option<u8> {
                #![allow(clippy::question_mark_used)]
                x?;
                let value = $value * 2;
                Some(value)
            }
            #[traced]
            fn boxed() -> Pin<Box<dyn Future<Output = u8>>> {
                let value = $value * 2;
                Box::pin(async move { value })
            }
        };
    }
    twice!(1 + 2, dyn Fn() + Send);
    let spans = trace(|| {
        assert_eq!(Twice::of(&|| ()), [6; 6]);
        assert_eq!(early(Some(&|| ())), Some(6));
        assert_eq!(block_on(boxed()), 6);
    });
    assert_eq!(tag(named(&spans, "boxed"), "reply"), "long 6");
    let early = named(&spans, "early");
    assert_eq!(
        ["product", "shown", "negative", "sum"].map(|key| tag(early, key)),
        ["long 6", quoted("3").as_str(), "long -3", "long 3"]
    );
}
