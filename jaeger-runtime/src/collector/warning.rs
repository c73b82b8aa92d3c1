//! Says in the log that spans are dropped, why, and what to do: at once, and then seldom.

use super::stats::Dropped;
use crate::complaint::Complaint;
use std::time::Duration;

#[derive(Default)]
pub(super) struct Warning {
    complaint: Complaint,
    known: Dropped,
    said: Dropped,
}

impl Warning {
    /// The line to log, if spans were dropped since the last one and it is time to say so.
    pub(super) fn about(&mut self, dropped: Dropped, now: Duration) -> Option<String> {
        let total = |dropped: Dropped| dropped.log_full + dropped.no_log + dropped.collector_full;
        self.complaint.lost(total(dropped).saturating_sub(total(self.known)));
        self.known = dropped;
        let count = self.complaint.due(now, false)?;
        let causes = [
            (
                dropped.log_full - self.said.log_full,
                "their thread's log was full: more threads, less load or a larger `log_bytes` helps",
            ),
            (
                dropped.no_log - self.said.no_log,
                "their thread got no log, so many threads record: a larger `log_bytes` helps",
            ),
            (
                dropped.collector_full - self.said.collector_full,
                "too many spans are open: a larger `collector_bytes` helps",
            ),
        ];
        self.said = dropped;
        let causes = causes
            .iter()
            .filter(|(spans, _)| *spans > 0)
            .map(|(spans, cause)| format!("{spans} because {cause}"));
        Some(format!("{count} spans were dropped, {}", causes.collect::<Vec<_>>().join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loss_is_said_once_with_its_cause() {
        let second = Duration::from_secs;
        let mut warning = Warning::default();
        assert_eq!(warning.about(Dropped::default(), second(1)), None);
        assert_eq!(
            warning.about(Dropped { unfinished: 9, ..Dropped::default() }, second(2)),
            None,
            "not ours to mend"
        );
        let line = warning.about(Dropped { no_log: 3, ..Dropped::default() }, second(3)).unwrap();
        assert!(
            line.starts_with("3 spans were dropped, 3 because their thread got no log")
                && line.contains("`log_bytes`"),
            "{line}"
        );
        let more = Dropped { no_log: 4, collector_full: 2, ..Dropped::default() };
        assert_eq!(warning.about(more, second(4)), None, "not so soon");
        let line = warning.about(more, second(40)).unwrap();
        assert!(
            line.starts_with("3 spans were dropped, 1 because")
                && line.contains("; 2 because too many spans are open"),
            "{line}"
        );
        assert_eq!(warning.about(more, second(90)), None, "nothing new");
    }
}
