//! A look at what somebody has no part in, because there is an emergency: for a stated reason, recorded as such, and told
//! at once to whoever leads the pools that answer.

use std::slice;

use crate::change::{Hours, OutboxKind, OutboxRow};
use crate::id::{Ids, Key, ResourceType};
use crate::policy::Policy;
use crate::thread::Thread;
use crate::time::Instant;

use super::answering;

/// The topic of the notice.
pub const TOPIC: &str = "break-glass";

/// Why somebody looks; nothing else is a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmergencyReason {
    /// The patient is to be treated at once.
    EmergencyTreatment,
    /// Somebody is in danger.
    Danger,
    /// Nobody who has a part in it can be reached, and it cannot wait.
    NobodyReachable,
}

impl EmergencyReason {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::EmergencyTreatment, Self::Danger, Self::NobodyReachable];

    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmergencyTreatment => "emergency-treatment",
            Self::Danger => "danger",
            Self::NobodyReachable => "nobody-reachable",
        }
    }

    /// The reason of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == code)
    }
}

/// The notices of a look into these threads: to the leads of the pool of each, or to the pool when nobody leads it. They
/// keep no hours.
pub fn looked(policy: &Policy, threads: &[Thread], now: Instant, ids: &mut Ids) -> Vec<OutboxRow> {
    let mut rows = vec![];
    for thread in threads {
        let pool = answering(policy, thread);
        let leads = if pool.leads.is_empty() { slice::from_ref(&pool.reference) } else { pool.leads.as_slice() };
        rows.extend(leads.iter().map(|lead| OutboxRow {
            id: ids.next_id(),
            kind: OutboxKind::Notice,
            topic: TOPIC.to_owned(),
            recipient: Some(lead.to_string()),
            thread: Some(thread.id.clone()),
            focus: Some(Key::new(ResourceType::Communication, thread.id.clone())),
            occurred_at: now,
            release_at: now,
            hours: Hours::None,
            priority: thread.priority,
        }));
    }
    rows
}
