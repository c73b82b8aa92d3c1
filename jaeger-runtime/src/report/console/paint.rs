//! From lines to what is written: text, with or without colours.

use super::layout::{Line, Role};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

/// How a role looks. Only the sixteen colours that every scheme makes legible, and nothing is said by colour alone.
fn style(role: Role) -> Style {
    match role {
        Role::Plain => Style::new(),
        Role::Faint => Style::new().dimmed(),
        Role::Strong => Style::new().bold(),
        Role::Bar => AnsiColor::Cyan.on_default(),
        Role::Bad => AnsiColor::Red.on_default().bold(),
    }
}

/// The lines as text, each with its end, without space at its end.
pub(super) fn paint(lines: &[Line], color: bool) -> String {
    let mut out = String::new();
    for line in lines {
        let last = line.iter().rposition(|piece| !piece.text.trim_end().is_empty());
        for (i, piece) in line.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let text = if Some(i) == last { piece.text.trim_end() } else { &piece.text };
            let style = if color { style(piece.role) } else { Style::new() };
            // Without effects the style writes nothing.
            let _ = write!(out, "{style}{text}{style:#}");
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
        assert_eq!(paint(&lines, true), "\u{1b}[1m\u{1b}[31m✗ charge \u{1b}[0mplain\n");
    }

    #[test]
    fn an_empty_line_is_a_line() {
        assert_eq!(paint(&[vec![]], true), "\n");
        assert_eq!(paint(&[], true), "");
    }
}
