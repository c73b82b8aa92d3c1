//! Names: what was probably meant by a mistyped one, and which are secret.

/// An argument that is called so, or `…_` and one of these, is not shown unless somebody asks for it by name.
const SECRETS: [&str; 24] = [
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
    "pwd",
    "tokens",
    "jwt",
    "cookie",
    "bearer",
    "auth",
    "cvv",
    "otp",
    "pin",
];

/// Behind a secret's name these say in which form it is given: it is the secret still.
const FORMS: [&str; 7] = ["_hash", "_header", "_value", "_string", "_str", "_text", "_bytes"];

/// Whether a name promises something that should not be in a trace: by its last words, so `token_count` and `author` do not. The type is not asked, `next_token: u32` is secret too.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches("r#").trim_matches('_').to_ascii_lowercase();
    let name = FORMS.iter().find_map(|form| name.strip_suffix(form)).unwrap_or(&name);
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
            "pwd",
            "tokens",
            "jwt",
            "cookie",
            "bearer",
            "auth",
            "auth_header",
            "cvv",
            "otp",
            "pin",
            "password_hash",
            "next_token",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "token_count",
            "passwords_tried",
            "secretary",
            "key",
            "author",
            "authorized",
            "broken",
            "spin",
            "hash",
        ] {
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
