//! Decisions: plain functions of values and `now`. They write nothing; they say what is to be written.

use crate::clock::Clock;
use crate::id::Ids;
use crate::policy::Policy;
use crate::store::ThreadView;
use crate::task::Task;
use crate::time::{Instant, Span};

mod attendance;
mod automatic;
mod claim;
mod fire;
mod inbound;
mod late;
mod merge;
mod notice;
mod obligation;
mod open;
mod overrule;
mod recalendar;
mod recipient;
mod route;
mod send;
mod shadow;

pub use attendance::{Attendance, released};
pub use claim::claim;
pub use fire::{Fired, fire};
pub use late::{History, Ledgered, Said, Voice, retract};
pub use merge::{MergeReason, merge};
pub use open::open;
pub use overrule::{Actor, answering, overrule};
pub use recalendar::{another_calendar, recalendar};
pub use route::{RouteReason, route};
pub use send::{draft, ingest, send};
pub use shadow::shadow;

/// What a decision is taken under.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The policy in force.
    pub policy: &'a Policy,
    /// Now.
    pub now: Instant,
}

/// Why something is not done. Each names a remedy or another way to reach care.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The message is longer than the bundle allows.
    #[error("the message has {length} characters; at most {limit} can be sent at once")]
    TooLong {
        /// Its length in Unicode scalar values.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// The thread's last message is too long ago.
    #[error("this conversation closed on {closed_at}")]
    WindowClosed {
        /// When it closed.
        closed_at: Instant,
        /// How long a conversation stays open.
        window: Span,
    },
    /// The obligation is over.
    #[error("this request has been answered or closed already")]
    Over,
    /// Someone else has claimed it.
    #[error("someone else has claimed this request")]
    ClaimedByOther,
    /// The caller does not answer for the pool.
    #[error("only members of the pool that answers may do this")]
    NotAMember,
    /// No person stands behind the caller.
    #[error("only a person of the team can do this")]
    NotAPerson,
    /// A member that belongs to another kind of override.
    #[error("{member} does not belong to this kind of override")]
    Misplaced {
        /// The member.
        member: &'static str,
    },
    /// The reason is not one of those for this kind of override.
    #[error("the reason is not one of those for this kind of override")]
    ReasonUnfit,
    /// There is no amount, or none that can be added.
    #[error("an extension needs an amount of open time above zero and of at most 400 hours")]
    AmountUnfit,
    /// An instant is missing, past or too far ahead.
    #[error("{member} is to be an instant ahead, within a year")]
    NotAhead {
        /// The member.
        member: &'static str,
    },
    /// No clock of the request rests for that reason.
    #[error("nothing that runs for this request rests for that reason")]
    NothingRests,
    /// Nothing rests.
    #[error("this request does not rest")]
    NotPaused,
    /// That pool answers already.
    #[error("this pool answers in the conversation already")]
    SamePool,
    /// No pool is called so.
    #[error("no pool of the policy in force is called so")]
    UnknownPool,
    /// A conversation cannot be merged into itself.
    #[error("a conversation cannot be merged into itself")]
    SameThread,
    /// The conversations are about different patients, or one names none.
    #[error("the two conversations are not about one and the same patient")]
    OtherPatient,
    /// When it was written is not within the last seven days.
    #[error("a message is delivered late by seven days at most, and never early")]
    OccurredUnfit,
    /// The conversation goes on elsewhere.
    #[error("this conversation has been merged into another")]
    Merged,
}

impl Refusal {
    /// The coded reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "message-too-long",
            Self::WindowClosed { .. } => "reply-window-closed",
            Self::Over => "obligation-over",
            Self::ClaimedByOther => "claimed-by-other",
            Self::NotAMember => "not-a-member",
            Self::NotAPerson => "not-a-person",
            Self::Misplaced { .. } => "member-misplaced",
            Self::ReasonUnfit => "reason-unfit",
            Self::AmountUnfit => "amount-unfit",
            Self::NotAhead { .. } => "not-ahead",
            Self::NothingRests => "nothing-rests",
            Self::NotPaused => "not-paused",
            Self::SamePool => "same-pool",
            Self::UnknownPool => "unknown-pool",
            Self::SameThread => "same-thread",
            Self::OtherPatient => "other-patient",
            Self::Merged => "merged",
            Self::OccurredUnfit => "occurred-unfit",
        }
    }

    /// What to do instead.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "send it in parts; parts of one thread count as one message",
            Self::WindowClosed { .. } => "start a new conversation; the old one stays readable",
            Self::Over => "nothing is left to do; a new message of the patient opens the next request",
            Self::ClaimedByOther => "ask the owner to release it",
            Self::NotAMember => "ask for membership of the pool",
            Self::NotAPerson => "use a token whose fhirUser is a Practitioner or PractitionerRole",
            Self::Misplaced { .. } => "leave it out, or ask for the kind that it belongs to",
            Self::ReasonUnfit => "give a reason of the list for this kind",
            Self::AmountUnfit => "give an amount such as PT4H",
            Self::NotAhead { .. } => "give an instant such as 2026-06-24T17:00:00-04:00 that is still to come",
            Self::NothingRests => "set a due instant instead, or resume what rests already",
            Self::NotPaused => "nothing is to be done: it runs",
            Self::SamePool => "name another pool, or leave it where it is",
            Self::UnknownPool => "give a pool's id of the policy in force, or its reference",
            Self::SameThread => "name the conversation that is to go on as into",
            Self::OtherPatient => "merge conversations about one patient alone",
            Self::OccurredUnfit => "leave out when it was written, or give an instant of the last seven days",
            Self::Merged => "do it in the conversation that goes on in its place",
        }
    }
}

/// Tasks that mirror clocks, as they stand now.
fn mirrors(view_thread: &crate::thread::Thread, clocks: &[Clock], now: Instant) -> Vec<Task> {
    clocks.iter().filter_map(|clock| Task::mirror(view_thread, clock, now)).collect()
}

/// The clock of a thread that runs or rests under a name.
fn open_clock(view: &ThreadView, name: crate::clock::ClockName) -> Option<&Clock> {
    view.clocks.iter().find(|clock| clock.name == name && !clock.fold.state.is_over())
}

/// Identifiers for one decision, with the seed to record.
fn named(ids: &mut Ids) -> (crate::id::ResourceId, u128) {
    (ids.next_id(), ids.seed())
}
