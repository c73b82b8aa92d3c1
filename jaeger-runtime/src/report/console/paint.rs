//! From lines to what is written: text, with or without colours.
//!
//! Five escape codes (ECMA-48, "select graphic rendition") and no crate for them: it would be the sixteenth of a user's tree.

use super::layout::{Line, Role};

/// How a role looks. Only the sixteen colours that every scheme makes legible, and nothing is said by colour alone.
fn style(role: Role) -> &'static str {
    match role {
        Role::Plain => "",
        Role::Faint => "\u{1b}[2m",
        Role::Strong => "\u{1b}[1m",
        Role::Bar => "\u{1b}[36m",
        Role::Bad => "\u{1b}[1;31m",
    }
}

const RESET: &str = "\u{1b}[0m";

/// The lines as text, each with its end, without space at its end.
pub(super) fn paint(lines: &[Line], color: bool) -> String {
    let mut out = String::new();
    for line in lines {
        let last = line.iter().rposition(|piece| !piece.text.trim_end().is_empty());
        for (i, piece) in line.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let text = if Some(i) == last { piece.text.trim_end() } else { &piece.text };
            // An empty piece needs no effects.
            let style = if color && !text.is_empty() { style(piece.role) } else { "" };
            out.push_str(style);
            out.push_str(text);
            if !style.is_empty() {
                out.push_str(RESET);
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::layout::Piece;
    use super::*;

    #[test]
    fn colours_only_where_asked_for_and_always_ended() {
        let lines = [vec![
            Piece::new(Role::Bad, "✗ charge "),
            Piece::new(Role::Plain, "plain"),
            Piece::new(Role::Faint, "   "),
        ]];
        assert_eq!(paint(&lines, false), "✗ charge plain\n");
        assert_eq!(paint(&lines, true), "\u{1b}[1;31m✗ charge \u{1b}[0mplain\n");
    }

    #[test]
    fn an_empty_line_is_a_line() {
        assert_eq!(paint(&[vec![]], true), "\n");
        assert_eq!(paint(&[], true), "");
    }
}
