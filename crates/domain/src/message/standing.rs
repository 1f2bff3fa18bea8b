//! Where a message stands on its way, and which ways there are.

/// Where a message stands. Its `status`, with its `statusReason`, says so
/// (<https://hl7.org/fhir/R4/valueset-event-status.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// `preparation`: its author's alone.
    Draft,
    /// `on-hold`, `scheduled`: its author's alone until its instant comes.
    Scheduled,
    /// `on-hold`, `held-for-review`: its author's and the reviewers'.
    Held,
    /// `in-progress` or `completed`: it is with those it is for.
    Sent,
    /// `stopped`: it was scheduled, and its author has cancelled it.
    Stopped,
    /// `entered-in-error`: it was not meant, or not so; what it said is hidden.
    Retracted,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 6] = [Self::Draft, Self::Scheduled, Self::Held, Self::Sent, Self::Stopped, Self::Retracted];

    /// Its `status`.
    pub const fn status(self) -> &'static str {
        match self {
            Self::Draft => "preparation",
            Self::Scheduled | Self::Held => "on-hold",
            Self::Sent => "completed",
            Self::Stopped => "stopped",
            Self::Retracted => "entered-in-error",
        }
    }

    /// Whether a client may bring a message from here to there. A draft and a scheduled message are changed and sent by
    /// their author; whatever was written can be retracted, once. A review ends a hold, and no client does.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Draft => matches!(next, Self::Draft | Self::Scheduled | Self::Sent | Self::Retracted),
            Self::Scheduled => matches!(next, Self::Scheduled | Self::Sent | Self::Stopped | Self::Retracted),
            Self::Held | Self::Sent | Self::Stopped => matches!(next, Self::Retracted),
            Self::Retracted => false,
        }
    }

    /// Whether nobody but its author has ever seen it.
    pub const fn is_private(self) -> bool {
        matches!(self, Self::Draft | Self::Scheduled | Self::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_the_ways_that_there_are_and_no_others() {
        use Standing::{Draft, Held, Retracted, Scheduled, Sent, Stopped};
        let legal = [
            (Draft, Draft),
            (Draft, Scheduled),
            (Draft, Sent),
            (Draft, Retracted),
            (Scheduled, Scheduled),
            (Scheduled, Sent),
            (Scheduled, Stopped),
            (Scheduled, Retracted),
            (Held, Retracted),
            (Sent, Retracted),
            (Stopped, Retracted),
        ];
        for from in Standing::ALL {
            for to in Standing::ALL {
                assert_eq!(from.may_become(to), legal.contains(&(from, to)), "{from:?} -> {to:?}");
            }
        }
    }
}
