//! A workload: its peers below each other, the fastest on top; on the left the caller's time a span, on the right the CPU of the whole process.

use crate::results::{Results, Row, Run, peer_title, work_title};
use crate::svg::{Anchor, Svg, number, width};

const WIDTH: f64 = 860.0;
const TOP: f64 = 92.0;
const ROW: f64 = 26.0;
const BAR: f64 = 15.0;
/// Where the names end, the two scales begin and end, and how long the longest bar may be.
const NAMES: f64 = 242.0;
const SCALES: [f64; 2] = [254.0, 562.0];
const ENDS: [f64; 2] = [554.0, WIDTH - 12.0];
const LONGEST: f64 = 172.0;
/// Between a bar and its figure.
const GAP: f64 = 7.0;

/// A peer as it is drawn.
struct Bar<'a> {
    row: &'a Row,
    /// The figures behind the two bars.
    said: [String; 2],
}

/// How long one nanosecond is, so that the longest bar has its length and each figure behind its bar ends before the scale does.
fn scale(bars: &[Bar<'_>], column: usize, of: fn(&Row) -> f64) -> f64 {
    let space = ENDS[column] - SCALES[column] - GAP;
    let fits = |bar: &Bar<'_>| LONGEST.min(space - width(&bar.said[column])) / of(bar.row).max(1.0);
    bars.iter().map(fits).fold(LONGEST, f64::min)
}

pub(crate) fn picture(results: &Results, work: &str) -> String {
    let mut rows: Vec<_> = results.rows.iter().filter(|row| row.work == work).collect();
    rows.sort_by(|a, b| a.min.total_cmp(&b.min));
    let ours = results.find("ours", work).map_or(f64::NAN, |row| row.min);
    let height = TOP + ROW * rows.len() as f64 + 58.0;
    let mut svg = Svg::new(WIDTH, height, work_title(work));
    svg.text((20.0, 32.0), "title", Anchor::Start, work_title(work));
    svg.text((20.0, 52.0), "small muted", Anchor::Start, "Nanoseconds a span; shorter is better");
    for (x, head) in SCALES.into_iter().zip(["The caller’s time", "CPU of the whole process"]) {
        svg.text((x, TOP - 14.0), "head", Anchor::Start, head);
    }
    let bars: Vec<Bar<'_>> = rows.into_iter().map(|row| Bar { row, said: said(row, ours) }).collect();
    let scales = [scale(&bars, 0, |row| row.median.max(row.min)), scale(&bars, 1, |row| row.cpu)];
    for (i, Bar { row, said }) in bars.iter().enumerate() {
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
        svg.text((median + GAP, text_y), name, Anchor::Start, &said[0]);
        let cpu = (row.cpu * scales[1]).max(1.0);
        svg.bar((SCALES[1], bar_y), (cpu, BAR), bar, 2.0);
        svg.text((SCALES[1] + cpu + GAP, text_y), name, Anchor::Start, &said[1]);
    }
    let legend = "Bar: the best of 9 rounds; mark: the median; ×: times this project’s";
    svg.text((20.0, height - 32.0), "small muted", Anchor::Start, legend);
    let runs = results.runs_of(bars.iter().map(|bar| &bar.row.run));
    svg.text((20.0, height - 14.0), "small muted", Anchor::Start, &measured(&runs));
    svg.finish()
}

/// The figures behind a peer's two bars, beside ours.
fn said(row: &Row, ours: f64) -> [String; 2] {
    let times = row.min / ours;
    let beside = match row.peer.as_str() {
        "ours" | "floor" | "plain" | "ours-udp" => String::new(),
        _ if times >= 10.0 => format!(" · {times:.0}×"),
        _ => format!(" · {times:.1}×"),
    };
    let lost = row.lost.filter(|lost| *lost > 0.0005).map(|lost| format!(" · {:.1} % lost", lost * 100.0));
    [format!("{}{beside}", number(row.min)), format!("{}{}", number(row.cpu), lost.unwrap_or_default())]
}

/// Where and when.
fn measured(runs: &[&Run]) -> String {
    let said = |run: &Run| {
        let day = run.began.split('T').next().unwrap_or_default();
        format!("{}, {day}, commit {}", run.machine, run.commit)
    };
    match runs {
        [] => String::new(),
        [run] => said(run),
        [_, last] => format!("{}, and one other run", said(last)),
        [.., last] => format!("{}, and {} other runs", said(last), runs.len() - 1),
    }
}
