//! This project against the spans a second that are made: what a span costs its caller, what the process takes, and what becomes of the spans.

use crate::results::Load;
use crate::svg::{Anchor, Svg, number};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 830.0;
const HEIGHT: f64 = 620.0;

/// A panel: its title, its unit's top, and where it stands.
struct Panel {
    top: f64,
    height: f64,
    most: f64,
}

impl Panel {
    fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - value.min(self.most) / self.most)
    }

    fn frame(&self, svg: &mut Svg, title: &str, ticks: &[(f64, &str)]) {
        svg.text((20.0, self.top - 14.0), "head", Anchor::Start, title);
        for (value, label) in ticks {
            let y = self.y(*value);
            svg.line((LEFT, y), (RIGHT, y), "line");
            svg.text((LEFT - 8.0, y + 4.0), "small muted", Anchor::End, label);
        }
    }
}

pub(crate) fn picture(loads: &[Load]) -> String {
    let mut svg = Svg::new(WIDTH, HEIGHT, "A load that lasts");
    svg.text(
        (20.0, 32.0),
        "title",
        Anchor::Start,
        "A load that lasts: this project over UDP, default budget",
    );
    let subtitle = "One thread makes spans of (u64, &str) + reply every millisecond for 2 seconds; a receiver counts what arrives";
    svg.text((20.0, 52.0), "small muted", Anchor::Start, subtitle);
    // One after the other and not by their size: past what one thread can make they differ by little, and would lie on each other.
    let inset = 24.0;
    let apart = (RIGHT - LEFT - 2.0 * inset) / (loads.len().max(2) - 1) as f64;
    let x = |place: usize| LEFT + inset + apart * place as f64;

    let slowest = loads.iter().map(|load| load.caller.1).fold(40.0, f64::max);
    let caller = Panel { top: 100.0, height: 120.0, most: (slowest / 20.0).ceil() * 20.0 };
    let top = number(caller.most);
    let half = number(caller.most / 2.0);
    caller.frame(
        &mut svg,
        "The caller’s time, ns a span",
        &[(0.0, "0"), (caller.most / 2.0, &half), (caller.most, &top)],
    );
    let points = |panel: &Panel, of: fn(&Load) -> f64| -> Vec<(f64, f64)> {
        loads.iter().enumerate().map(|(i, load)| (x(i), panel.y(of(load)))).collect()
    };
    for (of, curve, dot) in [
        ((|load| load.caller.0) as fn(&Load) -> f64, "second", "second-dot"),
        (|load| load.caller.1, "curve", "dot"),
    ] {
        let points = points(&caller, of);
        svg.curve(&points, curve);
        points.iter().for_each(|point| svg.dot(*point, dot));
    }
    svg.line((RIGHT - 232.0, caller.top - 18.0), (RIGHT - 204.0, caller.top - 18.0), "curve");
    svg.text((RIGHT - 198.0, caller.top - 14.0), "small muted", Anchor::Start, "median millisecond");
    svg.line((RIGHT - 72.0, caller.top - 18.0), (RIGHT - 44.0, caller.top - 18.0), "second");
    svg.text((RIGHT - 38.0, caller.top - 14.0), "small muted", Anchor::Start, "best");

    let cpu = Panel { top: 272.0, height: 100.0, most: 2.0 };
    cpu.frame(&mut svg, "CPU of the whole process, cores", &[(0.0, "0"), (1.0, "1"), (2.0, "2")]);
    let cores = points(&cpu, |load| load.cores);
    svg.curve(&cores, "curve");
    for (load, point) in loads.iter().zip(&cores) {
        svg.dot(*point, "dot");
        if load.cores < 0.995 {
            svg.text((point.0, point.1 - 9.0), "small muted", Anchor::Middle, &format!("{:.2}", load.cores));
        }
    }

    let fate = Panel { top: 424.0, height: 120.0, most: 1.0 };
    fate.frame(&mut svg, "What became of the spans", &[(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")]);
    let bar = 14.0;
    for (i, load) in loads.iter().enumerate() {
        let x = x(i);
        svg.bar((x - bar / 2.0, fate.y(load.arrived)), (bar, fate.height * load.arrived), "kept-bar", 0.0);
        let lost = 1.0 - load.arrived;
        if lost > 0.0005 {
            svg.bar((x - bar / 2.0, fate.top), (bar, fate.height * lost), "lost-bar", 0.0);
        }
        svg.text((x, fate.top + fate.height + 18.0), "small muted", Anchor::Middle, &short(load.made));
    }
    svg.bar((RIGHT - 250.0, fate.top - 24.0), (11.0, 11.0), "kept-bar", 2.0);
    svg.text((RIGHT - 233.0, fate.top - 14.0), "small muted", Anchor::Start, "delivered");
    svg.bar((RIGHT - 160.0, fate.top - 24.0), (11.0, 11.0), "lost-bar", 2.0);
    svg.text((RIGHT - 143.0, fate.top - 14.0), "small muted", Anchor::Start, "dropped whole, counted");
    svg.text(((LEFT + RIGHT) / 2.0, HEIGHT - 26.0), "small", Anchor::Middle, "spans made a second");
    svg.finish()
}

/// 1,234,567 as 1.2 M.
fn short(n: f64) -> String {
    match n {
        n if n >= 9.95e6 => format!("{:.0} M", n / 1e6),
        n if n >= 9.95e5 => format!("{:.1} M", n / 1e6),
        n => format!("{:.0} k", n / 1e3),
    }
}
