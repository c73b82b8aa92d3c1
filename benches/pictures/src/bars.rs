//! A workload: its peers below each other, the fastest on top; on the left the caller's time a span, on the right the CPU of the whole process.

use crate::results::{Results, peer_title, work_title};
use crate::svg::{Anchor, Svg, number};

const WIDTH: f64 = 860.0;
const TOP: f64 = 92.0;
const ROW: f64 = 26.0;
const BAR: f64 = 15.0;
/// Where the names end, the two scales begin, and how long the longest bar is.
const NAMES: f64 = 242.0;
const SCALES: [f64; 2] = [254.0, 576.0];
const LONGEST: f64 = 172.0;

pub(crate) fn picture(results: &Results, work: &str) -> String {
    let mut rows: Vec<_> = results.rows.iter().filter(|row| row.work == work).collect();
    rows.sort_by(|a, b| a.min.total_cmp(&b.min));
    let ours = results.find("ours", work).map_or(f64::NAN, |row| row.min);
    let height = TOP + ROW * rows.len() as f64 + 40.0;
    let mut svg = Svg::new(WIDTH, height, work_title(work));
    svg.text((20.0, 32.0), "title", Anchor::Start, work_title(work));
    svg.text((20.0, 52.0), "small muted", Anchor::Start, "Nanoseconds a span; shorter is better");
    for (x, head) in SCALES.into_iter().zip(["The caller’s time", "CPU of the whole process"]) {
        svg.text((x, TOP - 14.0), "head", Anchor::Start, head);
    }
    let most = |of: fn(&crate::Row) -> f64| rows.iter().map(|row| of(row)).fold(1.0, f64::max);
    let scales = [LONGEST / most(|row| row.median), LONGEST / most(|row| row.cpu)];
    for (i, row) in rows.iter().enumerate() {
        let y = TOP + ROW * i as f64;
        let (bar_y, text_y) = (y + (ROW - BAR) / 2.0, y + ROW / 2.0 + 4.5);
        let mine = row.peer.starts_with("ours");
        let (bar, name) = match row.peer.as_str() {
            _ if mine => ("ours-bar", "ours"),
            "floor" | "plain" => ("floor-bar", "muted"),
            _ => ("peer-bar", ""),
        };
        if mine {
            svg.bar((10.0, y), (WIDTH - 20.0, ROW), "band", 4.0);
        }
        svg.text((NAMES, text_y), name, Anchor::End, peer_title(&row.peer));
        let caller = (row.min * scales[0]).max(1.0);
        svg.bar((SCALES[0], bar_y), (caller, BAR), bar, 2.0);
        let median = SCALES[0] + (row.median * scales[0]).max(1.0);
        svg.line((SCALES[0] + caller, y + ROW / 2.0), (median, y + ROW / 2.0), "mark");
        svg.line((median, bar_y + 3.0), (median, bar_y + BAR - 3.0), "mark");
        let times = row.min / ours;
        let beside = match row.peer.as_str() {
            "ours" | "floor" | "plain" | "ours-udp" => String::new(),
            _ if times >= 10.0 => format!(" · {times:.0}×"),
            _ => format!(" · {times:.1}×"),
        };
        let value = |n: f64, beside: &str| format!("{}{beside}", number(n));
        svg.text((median + 7.0, text_y), name, Anchor::Start, &value(row.min, &beside));
        let cpu = (row.cpu * scales[1]).max(1.0);
        svg.bar((SCALES[1], bar_y), (cpu, BAR), bar, 2.0);
        let lost =
            row.lost.filter(|lost| *lost > 0.0005).map(|lost| format!(" · {:.1} % lost", lost * 100.0));
        svg.text(
            (SCALES[1] + cpu + 7.0, text_y),
            name,
            Anchor::Start,
            &value(row.cpu, &lost.unwrap_or_default()),
        );
    }
    let machine =
        format!("Bar: the best of 7 rounds; mark: the median; ×: times this project’s. {}", results.machine);
    svg.text((20.0, height - 14.0), "small muted", Anchor::Start, &machine);
    svg.finish()
}
