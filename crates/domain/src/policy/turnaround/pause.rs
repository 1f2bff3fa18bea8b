//! When clocks rest, and for how long at most.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use super::ClockPolicy;
use crate::calendar::Calendar;
use crate::time::Instant;

/// The states of a thread in which clocks may rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseReason {
    /// The team has asked the patient something.
    WaitingOnPatient,
    /// The team waits for someone else.
    WaitingOnThirdParty,
}

impl PauseReason {
    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WaitingOnPatient => "waiting-on-patient",
            Self::WaitingOnThirdParty => "waiting-on-third-party",
        }
    }
}

/// How long a clock rests for a reason before it goes on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PauseCap {
    /// The reason.
    #[serde(rename = "while")]
    pub reason: PauseReason,
    /// How many open days after the first: the pause ends by the close of the last.
    pub open_days: NonZeroU16,
}

/// Five open days for the patient, and no cap for anybody else.
pub(super) fn shipped_caps() -> Vec<PauseCap> {
    const FIVE: NonZeroU16 = NonZeroU16::MIN.saturating_add(4);
    vec![PauseCap { reason: PauseReason::WaitingOnPatient, open_days: FIVE }]
}

/// Whether the caps are those that a bundle has when it says none.
pub(super) fn are_shipped(caps: &[PauseCap]) -> bool {
    caps == shipped_caps()
}

/// A reason for which a clock rests, with its cap, as its terms keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rest {
    /// The reason.
    #[serde(rename = "while")]
    pub reason: PauseReason,
    /// How many open days at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_days: Option<NonZeroU16>,
}

impl Rest {
    /// What a clock does whose terms were written before they said so: as with the defaults that ship.
    pub fn shipped() -> Vec<Self> {
        let cap = |reason| shipped_caps().iter().find(|cap| cap.reason == reason).map(|cap| cap.open_days);
        [PauseReason::WaitingOnPatient, PauseReason::WaitingOnThirdParty]
            .map(|reason| Self { reason, open_days: cap(reason) })
            .to_vec()
    }

    /// When a pause that begins at an instant ends by itself.
    pub fn ends(&self, calendar: &Calendar, from: Instant) -> Option<Instant> {
        calendar.open_day_close(from, u32::from(self.open_days?.get()))
    }
}

impl ClockPolicy {
    /// Whether its caps are those that a bundle has when it says none.
    pub fn caps_are_shipped(&self) -> bool {
        are_shipped(&self.pause_caps)
    }

    /// When its clocks rest.
    pub fn rests(&self) -> Vec<Rest> {
        let cap = |reason| self.pause_caps.iter().find(|cap| cap.reason == reason).map(|cap| cap.open_days);
        self.pauses_while.iter().map(|reason| Rest { reason: *reason, open_days: cap(*reason) }).collect()
    }
}
