//! A picture's frame: a card with its own ground, so that it reads on a light page and on a dark one, a title, and texts.
//!
//! The viewer's font differs from the one it was drawn with, so no width is known; where one is needed, a text is taken to be as wide as a wide font makes it.

use std::fmt::Write as _;

/// Colours by class, for light and for dark.
const STYLE: &str = "
  text { font: 13px -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', Helvetica, Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 } .small { font-size: 12px } .head { font-size: 12px; font-weight: 600 }
  .muted { fill: #59636e } .ours { font-weight: 700; fill: #0550ae }
  .ground { fill: #ffffff; stroke: #d1d9e0 } .band { fill: #ddf4ff } .line { stroke: #d1d9e0; fill: none }
  .peer-bar { fill: #afb8c1 } .ours-bar { fill: #0969da } .floor-bar { fill: #d8b26a } .mark { stroke: #59636e; stroke-width: 1.5 }
  .lost-bar { fill: #cf222e } .kept-bar { fill: #0969da } .curve { stroke: #0969da; stroke-width: 2.5; fill: none }
  .second { stroke: #8c959f; stroke-width: 2; stroke-dasharray: 5 4; fill: none } .dot { fill: #0969da } .second-dot { fill: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .muted { fill: #9198a1 } .ours { fill: #79c0ff }
    .ground { fill: #0d1117; stroke: #3d444d } .band { fill: #122339 } .line { stroke: #3d444d }
    .peer-bar { fill: #59636e } .ours-bar { fill: #388bfd } .floor-bar { fill: #8a6d2f } .mark { stroke: #b7bdc8 }
    .lost-bar { fill: #f85149 } .kept-bar { fill: #388bfd } .curve { stroke: #58a6ff } .second { stroke: #9198a1 }
    .dot { fill: #58a6ff } .second-dot { fill: #9198a1 }
  }
";

/// Where a text's place is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// The most that a text of the common size takes, in pixels.
pub(crate) fn width(text: &str) -> f64 {
    text.chars().count() as f64 * 13.0 * 0.62
}

/// A picture in the making.
#[derive(Debug)]
pub(crate) struct Svg {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

impl Svg {
    pub(crate) fn new(width: f64, height: f64, title: &str) -> Self {
        Self { width, height, title: escape(title), body: String::new() }
    }

    pub(crate) fn text(&mut self, (x, y): (f64, f64), class: &str, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.push(&format!(
            r#"<text x="{x:.1}" y="{y:.1}" class="{class}" text-anchor="{anchor}">{}</text>"#,
            escape(text)
        ));
    }

    pub(crate) fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), class: &str, round: f64) {
        self.push(&format!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="{round}" class="{class}"/>"#
        ));
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        self.push(&format!(
            r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" class="{class}"/>"#,
            from.0, from.1, to.0, to.1
        ));
    }

    pub(crate) fn curve(&mut self, points: &[(f64, f64)], class: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.push(&format!(r#"<polyline points="{}" class="{class}"/>"#, points.join(" ")));
    }

    pub(crate) fn dot(&mut self, (x, y): (f64, f64), class: &str) {
        self.push(&format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" class="{class}"/>"#));
    }

    fn push(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    pub(crate) fn finish(self) -> String {
        let Self { width, height, title, body } = self;
        let mut svg = String::new();
        // Writing to a String cannot fail.
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n<style>{STYLE}</style>\n<rect x=\"0.5\" y=\"0.5\" width=\"{:.1}\" height=\"{:.1}\" rx=\"8\" class=\"ground\"/>\n{body}</svg>\n",
            width - 1.0,
            height - 1.0
        );
        svg
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A number for people: thousands apart, one decimal below ten.
pub(crate) fn number(n: f64) -> String {
    if n < 10.0 {
        return format!("{n:.1}");
    }
    let digits = format!("{n:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
