//! Decisions: plain functions of values and `now`. They write nothing; they say what is to be written.

use crate::clock::Clock;
use crate::correspondent::Correspondent;
use crate::decision::Decision;
use crate::id::Ids;
use crate::policy::Policy;
use crate::store::ThreadView;
use crate::task::Task;
use crate::thread::NEEDS_REVIEW;
use crate::time::{Instant, Span};

mod adopt;
mod answer;
mod assign;
mod attendance;
mod automatic;
mod block;
mod claim;
mod cycle;
pub mod emergency;
mod exempt;
mod fire;
mod hold;
mod inbound;
mod late;
mod leave;
mod limit;
mod merge;
mod notice;
mod obligation;
mod open;
mod overrule;
mod recalendar;
mod recipient;
mod release;
mod retract;
mod route;
mod routing;
mod send;
mod shadow;
mod unread;
mod withdraw;

pub use adopt::adopt;
pub use assign::{assign, give_back};
pub use attendance::{Attendance, released};
pub use block::{BlockAsked, Blocked, block, may_see, unblock};
pub use claim::claim;
pub use exempt::exempt;
pub use fire::{Fired, fire};
pub use late::{History, Ledgered, Merged, Said, Voice};
pub use leave::put_off;
pub use merge::{MergeReason, merge};
pub use open::open;
pub use overrule::{Actor, answering, overrule};
pub use recalendar::{another_calendar, recalendar};
pub use release::{HeldMessage, expire, release};
pub use retract::{Retracted, may_retract, retract};
pub use route::{RouteReason, route};
pub use send::{draft, ingest, schedule, send, send_scheduled};
pub use shadow::{refused, shadow};
pub use unread::{UNREAD, is_unread, unread_answer};
pub use withdraw::withdraw;

/// What a decision is taken under.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The policy in force.
    pub policy: &'a Policy,
    /// Now.
    pub now: Instant,
}

/// What is known of those whom a message concerns.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The thread that it continues; without one it begins a thread.
    pub thread: Option<&'a ThreadView>,
    /// What is remembered of its sender; `None`: nothing is.
    pub sender: Option<&'a Correspondent>,
    /// What is remembered of everybody, where a limit of the tenant counts it: of the policy, or of a bundle in shadow.
    pub everyone: Option<&'a Correspondent>,
    /// For how long messages are remembered for the sake of another bundle, such as one in shadow.
    pub remember: Span,
}

impl<'a> From<Option<&'a ThreadView>> for Known<'a> {
    fn from(thread: Option<&'a ThreadView>) -> Self {
        Self { thread, ..Self::default() }
    }
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
    /// The hold has ended.
    #[error("this message has been reviewed or delivered already")]
    NotHeld,
    /// The caller does not lead the pool.
    #[error("only leads of the pool and administrators may do this")]
    NotALead,
    /// There is no such pool.
    #[error("the policy in force knows no such pool")]
    NoSuchPool,
    /// There is no such template.
    #[error("the policy in force knows no such template")]
    NoSuchTemplate,
    /// Only people who write for a patient are blocked or exempt.
    #[error("only a Patient or RelatedPerson writes from outside the team")]
    NotASender,
    /// Too many blocks of one sender.
    #[error("the sender is blocked as often as can be kept")]
    TooManyBlocks,
    /// The person does not answer for the pool.
    #[error("the person does not answer for the pool, as far as is known")]
    NotOfThePool,
    /// The person is away.
    #[error("the person is away")]
    Away,
    /// Neither the author nor a lead of the pool.
    #[error("only its author and leads of the pool may retract a message")]
    NotTheAuthor,
    /// A block that ends too late, or has ended.
    #[error("until is to be an instant ahead, within 90 days")]
    BlockTooLong,
    /// The block is over.
    #[error("the block has ended already")]
    BlockOver,
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
            Self::NotHeld => "not-held",
            Self::NotALead => "not-a-lead",
            Self::NoSuchPool => "no-such-pool",
            Self::NoSuchTemplate => "no-such-template",
            Self::NotASender => "not-a-sender",
            Self::TooManyBlocks => "too-many-blocks",
            Self::NotOfThePool => "not-of-the-pool",
            Self::Away => "person-away",
            Self::NotTheAuthor => "not-the-author",
            Self::BlockTooLong => "block-too-long",
            Self::BlockOver => "block-over",
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
            Self::NotHeld => "nothing is left to review; read the message as it is now",
            Self::NotALead => "ask a lead of the pool, or an administrator",
            Self::NoSuchPool => "name a pool of the bundle in force by its id",
            Self::NoSuchTemplate => "name a template of the bundle in force by its id, or leave it out",
            Self::NotASender => "name the sender as Patient/[id] or RelatedPerson/[id]",
            Self::TooManyBlocks => "end one of them first",
            Self::NotOfThePool => "name somebody whose PractitionerRole is in the pool, or one of its leads",
            Self::Away => "name somebody who is there, or leave it to the pool",
            Self::NotTheAuthor => "ask the author, or a lead of the pool that answers",
            Self::BlockTooLong => "give an instant within 90 days; block again when it ends and is still needed",
            Self::BlockOver => "nothing is left to end",
        }
    }
}

/// Tasks that mirror clocks, as they stand now.
fn mirrors(view_thread: &crate::thread::Thread, clocks: &[Clock], now: Instant) -> Vec<Task> {
    clocks.iter().filter_map(|clock| Task::mirror(view_thread, clock, now)).collect()
}

/// The decision with its thread marked, so that a person looks; the Tasks say so too.
fn needing_review(mut decision: Decision, now: Instant) -> Decision {
    decision.record.did("mark", NEEDS_REVIEW, None, None);
    decision.thread.needs_review = true;
    decision.tasks = mirrors(&decision.thread, &decision.clocks, now);
    decision
}

/// The clock of a thread that runs or rests under a name.
fn open_clock(view: &ThreadView, name: crate::clock::ClockName) -> Option<&Clock> {
    view.clocks.iter().find(|clock| clock.name == name && !clock.fold.state.is_over())
}

/// Identifiers for one decision, with the seed to record.
fn named(ids: &mut Ids) -> (crate::id::ResourceId, u128) {
    (ids.next_id(), ids.seed())
}
