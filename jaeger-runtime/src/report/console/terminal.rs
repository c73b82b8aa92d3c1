//! What the place that is written to can show: colours, width, characters.
//!
//! Decided by the usual conventions, from an environment that tests replace: `NO_COLOR` (<https://no-color.org>), `CLICOLOR_FORCE`, `TERM`, `COLUMNS`, and the locale.

use super::layout::LEAST_WIDTH;

/// Where nothing says how wide a line may be.
const USUAL_WIDTH: usize = 100;
/// Wider lines are harder to follow, not easier.
pub(super) const MOST_WIDTH: usize = 400;

/// An environment variable's value, if it has one that is not empty.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The environment of this process.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether to write colours.
pub(super) fn color(is_terminal: bool, lookup: Lookup<'_>) -> bool {
    if lookup("NO_COLOR").is_some() {
        return false;
    }
    if lookup("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    // An old Windows console shows escape codes as they are; the newer terminals there tell of themselves.
    let obeys = match lookup("TERM") {
        Some(term) => term != "dumb",
        None => cfg!(unix) || lookup("WT_SESSION").is_some(),
    };
    is_terminal && obeys
}

/// Whether only ASCII can be shown, by the locale that decides about characters. Without one on Unix it is the locale C.
pub(super) fn ascii(lookup: Lookup<'_>) -> bool {
    match ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| lookup(name)) {
        Some(locale) => {
            let locale = locale.to_ascii_lowercase();
            !(locale.contains("utf-8") || locale.contains("utf8"))
        }
        None => cfg!(unix),
    }
}

/// How wide a line may be: as the terminal says, else as `COLUMNS` does, else 100.
pub(super) fn width(terminal: Option<usize>, lookup: Lookup<'_>) -> usize {
    let columns = || lookup("COLUMNS").and_then(|columns| columns.trim().parse().ok());
    let width = terminal.or_else(columns).filter(|width| *width > 0);
    width.unwrap_or(USUAL_WIDTH).clamp(LEAST_WIDTH, MOST_WIDTH)
}

/// The columns of a terminal; `None` if it is none.
#[cfg(unix)]
pub(super) fn columns(of: impl std::os::fd::AsFd) -> Option<usize> {
    rustix::termios::tcgetwinsize(of).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
pub(super) fn columns<T>(_: T) -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An environment of these variables.
    fn with<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn colours_on_a_terminal_unless_told_otherwise() {
        let term = ("TERM", "xterm-256color");
        assert!(color(true, &with(&[term])));
        assert!(!color(false, &with(&[term])));
        assert!(!color(true, &with(&[("TERM", "dumb")])));
        assert!(!color(true, &with(&[term, ("NO_COLOR", "1")])));
        assert!(color(false, &with(&[("CLICOLOR_FORCE", "1")])));
        assert!(!color(false, &with(&[("CLICOLOR_FORCE", "0")])));
        assert!(
            !color(true, &with(&[term, ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")])),
            "who says no is heard"
        );
    }

    #[test]
    fn the_first_locale_that_is_set_decides_about_characters() {
        assert!(!ascii(&with(&[("LANG", "de_DE.UTF-8")])));
        assert!(!ascii(&with(&[("LANG", "C.utf8")])));
        assert!(ascii(&with(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")])));
        assert!(ascii(&with(&[("LC_CTYPE", "POSIX"), ("LANG", "de_DE.UTF-8")])));
        assert!(!ascii(&with(&[("LC_CTYPE", "C.UTF-8"), ("LANG", "C")])));
        assert_eq!(ascii(&with(&[])), cfg!(unix));
    }

    #[test]
    fn the_width_is_the_terminals_then_the_environments_within_bounds() {
        assert_eq!(width(Some(132), &with(&[("COLUMNS", "90")])), 132);
        assert_eq!(width(None, &with(&[("COLUMNS", "90")])), 90);
        assert_eq!(width(None, &with(&[("COLUMNS", "wide")])), 100);
        assert_eq!(width(None, &with(&[])), 100);
        assert_eq!((width(Some(3), &with(&[])), width(Some(33), &with(&[]))), (20, 33));
        assert_eq!(width(None, &with(&[("COLUMNS", "100000")])), 400);
    }
}
