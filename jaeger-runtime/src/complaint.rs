//! When to say in the log that spans are lost: at once, and then seldom.

use std::time::Duration;

/// The least time between two lines.
const PAUSE: Duration = Duration::from_secs(30);

/// Counts what was lost until it is said.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    /// When the last line was written.
    last: Option<Duration>,
    unsaid: u64,
}

impl Complaint {
    /// So many more were lost.
    pub(crate) fn lost(&mut self, spans: u64) {
        self.unsaid += spans;
    }

    /// How many to speak of now, if it is time to. At the end (`closing`) it always is.
    pub(crate) fn due(&mut self, now: Duration, closing: bool) -> Option<u64> {
        let rested = self.last.is_none_or(|last| now.saturating_sub(last) >= PAUSE);
        if self.unsaid == 0 || !(rested || closing) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_loss_is_said_at_once_the_next_ones_together_later() {
        let second = Duration::from_secs;
        let mut complaint = Complaint::default();
        assert_eq!(complaint.due(second(5), true), None, "nothing was lost");
        complaint.lost(3);
        assert_eq!(complaint.due(second(5), false), Some(3));
        complaint.lost(2);
        complaint.lost(2);
        assert_eq!(complaint.due(second(34), false), None);
        assert_eq!(complaint.due(second(35), false), Some(4));
        assert_eq!(complaint.due(second(90), false), None, "everything was said");
        complaint.lost(1);
        assert_eq!(complaint.due(second(91), false), Some(1));
        complaint.lost(1);
        assert_eq!(complaint.due(second(92), true), Some(1), "the last word");
    }
}
