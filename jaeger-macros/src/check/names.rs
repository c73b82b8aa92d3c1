//! Names: what was probably meant by a mistyped one, and which are secret.

/// An argument that is called so, or `…_` and one of these, is not shown unless somebody asks for it by name.
const SECRETS: [&str; 15] = [
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "secret_key",
    "authorization",
    "credential",
    "credentials",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
    "signing_key",
    "session_id",
];

/// Whether a name promises something that should not be in a trace. `token_count` does not.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches("r#").trim_matches('_').to_ascii_lowercase();
    SECRETS.iter().any(|secret| {
        name.strip_suffix(secret).is_some_and(|before| before.is_empty() || before.ends_with('_'))
    })
}

/// The candidate that was probably meant, if one is near enough.
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |candidate: &&'a str| distance(given, candidate);
    candidates.into_iter().min_by_key(near).filter(|candidate| near(candidate) <= 1 + given.len() / 4)
}

/// Edits between two words, neighbouring letters swapped counting as two.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_the_end_of_their_name() {
        for name in [
            "password",
            "db_password",
            "Token",
            "r#token",
            "_secret",
            "x_api_key",
            "session_id",
            "private_key",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["token_count", "tokens", "passwords_tried", "secretary", "key", "authorized", "broken"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn the_nearest_is_near_or_none() {
        assert_eq!(nearest("nam", ["kind", "name"]), Some("name"));
        assert_eq!(nearest("amont", ["card", "amount"]), Some("amount"));
        assert_eq!(nearest("x", ["card", "amount"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
