//! The words of an event, written and read back: every kind of value, every end of room and bound, damage.

use super::*;

/// As the collector reads it.
fn descriptor(written: Written) -> u16 {
    (first_word(Kind::Start, written.words, written.head, 0) >> 32) as u16
}

fn round_trip(values: &[Value<'_>], window: usize, max_len: usize) -> Vec<String> {
    let words: Vec<Word> = (0..window).map(|_| Word::new(u64::MAX)).collect();
    let written = write_values(&words, 0, values, max_len, Overflow::Cut).unwrap();
    assert!(written.words <= window, "{} words of {window}", written.words);
    let bytes: Vec<u8> =
        words[..written.words].iter().flat_map(|w| w.load(Ordering::Relaxed).to_le_bytes()).collect();
    Values::new(values.len(), descriptor(written), &bytes)
        .map(|stored| match stored {
            Stored::Str(bytes) => format!("{:?}", std::str::from_utf8(bytes).unwrap()),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn values_of_all_kinds_come_back_in_order() {
    let values = [
        Value::Long(-5),
        Value::Str("Hello foo3"),
        Value::None,
        Value::Bool(true),
        Value::Double(0.5),
        Value::Bytes(&[1, 2, 3]),
        Value::Str(""),
        Value::Bool(false),
        Value::Long(i64::MIN),
        Value::Str("é"),
    ];
    let got = round_trip(&values, 64, 256);
    assert_eq!(
        got,
        [
            "Long(-5)",
            "\"Hello foo3\"",
            "None",
            "Bool(true)",
            "Double(0.5)",
            "Bytes([1, 2, 3])",
            "\"\"",
            "Bool(false)",
            "Long(-9223372036854775808)",
            "\"é\""
        ]
    );
}

#[test]
fn text_of_every_length_is_kept_to_the_byte() {
    let text: String = ('a'..='z').cycle().take(100).collect();
    for n in 0..=100 {
        assert_eq!(
            round_trip(&[Value::Long(1), Value::Str(&text[..n])], 32, 256)[1],
            format!("{:?}", &text[..n])
        );
    }
}

#[test]
fn a_long_text_is_cut_at_a_character_and_marked() {
    assert_eq!(round_trip(&[Value::Str("aéé")], 8, 4), ["\"a…\""]);
    assert_eq!(round_trip(&[Value::Str("aéé")], 8, 5), ["\"aéé\""]);
    assert_eq!(round_trip(&[Value::Str("ééé"), Value::Long(7)], 3, 256), ["\"ééé\"", "Long(7)"]);
    assert_eq!(round_trip(&[Value::Bytes(&[7; 20])], 8, 9), ["Bytes([7, 7, 7, 7, 7, 7, 7, 7, 7])"]);
    // No room: cut to what there is, and what follows is left out.
    assert_eq!(round_trip(&[Value::Str("123456789"), Value::Long(7)], 2, 256), ["\"12345…\"", "None"]);
    assert_eq!(round_trip(&[Value::Long(7), Value::Str("abc")], 1, 256), ["None", "None"]);
    assert_eq!(round_trip(&[Value::Str("abc")], 8, 2), ["None"]);
    for bound in 3..80 {
        let kept: String = ('a'..='z').cycle().take(bound - 3).collect();
        let text: String = ('a'..='z').cycle().take(90).collect();
        assert_eq!(round_trip(&[Value::Str(&text)], 32, bound), [format!("\"{kept}…\"")]);
    }
}

#[test]
fn the_short_way_writes_what_the_long_way_writes_wherever_room_or_bound_ends() {
    let kinds = [
        Value::Long(-7),
        Value::Str(""),
        Value::Str("abc"),
        Value::Str("exactly8"),
        Value::Str("éé and more, 19 b"),
    ];
    let mut short = 0;
    for window in 0..=10 {
        for max_len in if cfg!(miri) { vec![8] } else { vec![1, 3, 8, 19, 256] } {
            for code in 0..5usize * 25 {
                for count in 1..=3 {
                    let values: Vec<_> = (0..count).map(|i| kinds[code / 5usize.pow(i) % 5]).collect();
                    let fresh = || -> Vec<_> { (0..window).map(|_| Word::new(u64::MAX)).collect() };
                    let (usual, any) = (fresh(), fresh());
                    let Some(done) = write_usual(&usual, 0, &values, max_len) else { continue };
                    let same = write_any(&any, 0, &values, max_len, Overflow::Cut).unwrap();
                    assert_eq!((done.words, done.head), (same.words, same.head), "{values:?} in {window}");
                    let read = |words: &[Word]| -> Vec<u64> {
                        words[..done.words].iter().map(|word| word.load(Ordering::Relaxed)).collect()
                    };
                    assert_eq!(read(&usual), read(&any), "{values:?} in {window}");
                    short += 1;
                }
            }
        }
    }
    assert!(short > 1_000, "the short way was taken {short} times");
}

#[test]
fn more_than_sixty_four_values_keep_the_first() {
    let values = vec![Value::Long(3); 100];
    let got = round_trip(&values, 200, 256);
    assert_eq!((got.len(), got[63].as_str()), (64, "Long(3)"));
}

#[test]
fn what_runs_user_code_is_refused() {
    let words = [const { Word::new(0) }; 8];
    assert!(write_values(&words, 0, &[Value::Long(1), Value::Debug(&1)], 256, Overflow::Cut).is_err());
    assert!(write_values(&words, 0, &[Value::Display(&1)], 256, Overflow::Cut).is_err());
    assert!(write_values(&words, 0, &[Value::Tag(&1u8)], 256, Overflow::Cut).is_err());
}

#[test]
fn damaged_words_are_read_without_a_panic() {
    let mut state = 1;
    for _ in 0..if cfg!(miri) { 200 } else { 20_000 } {
        let bytes: Vec<u8> = (0..next_id(&mut state) % 40).map(|_| next_id(&mut state) as u8).collect();
        let count = (next_id(&mut state) % 90) as usize;
        assert!(Values::new(count, next_id(&mut state) as u16, &bytes).count() <= MAX_VALUES);
    }
}

#[test]
fn ids_do_not_repeat_and_are_never_zero() {
    let mut state = 42;
    // An interpreter of this is a thousand times slower.
    let many = if cfg!(miri) { 1_000 } else { 100_000 };
    let ids: std::collections::HashSet<u64> = (0..many).map(|_| next_id(&mut state)).collect();
    assert_eq!(ids.len(), many);
    assert!(!ids.contains(&0));
    // A state that folds to zero: the sum that makes the first factor zero.
    let mut zero = 0u64.wrapping_sub(0x2d35_8dcc_aa6c_78a5);
    assert_eq!(next_id(&mut zero), 1);
}

#[test]
fn first_words_say_kind_and_length() {
    assert_eq!(kind(first_word(Kind::StartAt, 9, Head::of(0xffff), u32::MAX)), Some(Kind::StartAt));
    assert_eq!(length(first_word(Kind::StartAt, 9, Head::of(0xffff), u32::MAX)), 9);
    assert_eq!(length((Kind::End as u64) << 60 | (1 << 59)), 1);
    assert_eq!(kind(0), None);
}

#[test]
fn an_event_that_refuses_takes_exactly_what_fits() {
    let texts =
        ["", "12345678", "123456789", "a text that is cut at its bound, which is no reason to refuse it"];
    for window in 0..24 {
        for (first, second) in texts.iter().flat_map(|first| texts.iter().map(move |second| (first, second)))
        {
            let values = [
                Value::Str(first),
                Value::Long(1),
                Value::Bytes(second.as_bytes()),
                Value::Double(0.5),
                Value::Bool(true),
            ];
            let words: Vec<Word> = (0..window).map(|_| Word::new(0)).collect();
            let fits = fitting(window, 2, &values, 24) == 0b1_1111;
            let written = write_values(&words, 2, &values, 24, Overflow::Refuse);
            assert_eq!(written.is_ok_and(|done| done.words <= window), fits, "{values:?} in {window}");
        }
    }
    let many = [Value::Bool(true); 65];
    let words = [const { Word::new(0) }; 32];
    assert!(write_values(&words, 0, &many, 24, Overflow::Refuse).is_err());
    assert!(write_values(&words, 0, &many[..64], 24, Overflow::Refuse).is_ok());
}
