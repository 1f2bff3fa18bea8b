//! Messages that wait for a review, and blocks: who is kept from whom, why, and until when.

use serde::{Deserialize, Serialize};

use crate::access::PatientFacts;
use crate::id::{Reference, ResourceId};
use crate::overrides::OverrideReason;
use crate::time::{Instant, Span};

/// By when a held message is reviewed unless its limit says otherwise, in open time of its pool.
pub const REVIEW_WITHIN: Span = Span::hours(4);

/// How long a message is held at least before it is delivered without a review, in elapsed time.
pub const LONGEST_HOLD: Span = Span::hours(72);

/// How long a block lasts at most.
pub const LONGEST_BLOCK: Span = Span::hours(90 * 24);

/// A message that waits for a review. Its text is a resource like any other; nothing of it is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The message.
    pub message: ResourceId,
    /// Its thread.
    pub thread: ResourceId,
    /// Who wrote it.
    pub sender: Reference,
    /// The patient it is about.
    pub patient: Option<Reference>,
    /// The pool that is to answer, as the bundle names it.
    pub pool: String,
    /// That pool's resource: its leads review.
    pub pool_reference: Reference,
    /// A limit or a block.
    pub cause: HoldCause,
    /// The limit's id in the bundle, or the block's.
    pub rule: String,
    /// The clock of the review.
    pub clock: ResourceId,
    /// The Task that mirrors it.
    pub task: ResourceId,
    /// When the message was received: what is owed is counted from here.
    pub received_at: Instant,
    /// When it is delivered without a review.
    pub until: Instant,
    /// What the request said about the patient, for the rules that are looked at once it is delivered.
    pub facts: PatientFacts,
    /// Where it stands.
    pub state: HoldState,
    /// How it ended.
    pub ended: Option<HoldEnd>,
}

/// Why a message is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldCause {
    /// A limit on numbers.
    Limit,
    /// A block.
    Block,
}

impl HoldCause {
    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Block => "block",
        }
    }

    /// The cause of a stored code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Limit, Self::Block].into_iter().find(|cause| cause.as_str() == code)
    }
}

/// Where a held message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldState {
    /// It waits.
    Held,
    /// A person let it go on its way.
    Released,
    /// A person has answered it in another way: it is delivered and asks for no answer.
    Answered,
    /// Nobody reviewed it in time: it was delivered.
    Delivered,
    /// It was retracted before anybody reviewed it: it is not delivered.
    Retracted,
}

impl HoldState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Held, Self::Released, Self::Answered, Self::Delivered, Self::Retracted];

    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Released => "released",
            Self::Answered => "answered",
            Self::Delivered => "delivered",
            Self::Retracted => "retracted",
        }
    }

    /// The state of a stored code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == code)
    }
}

/// How a hold ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldEnd {
    /// When.
    pub at: Instant,
    /// Why, as a code.
    pub reason: String,
    /// The decision record.
    pub decision: ResourceId,
    /// The person who reviewed it; nobody when its time was over.
    pub agent: Option<Reference>,
    /// The client they used.
    pub client: String,
}

/// What becomes of a held message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewOutcome {
    /// It goes on its way, and an answer is owed.
    #[default]
    Deliver,
    /// It is delivered, and asks for no answer: it was answered in another way.
    Answered,
}

impl ReviewOutcome {
    /// The reasons that may be given for it.
    pub const fn reasons(self) -> &'static [OverrideReason] {
        use OverrideReason as R;
        match self {
            Self::Deliver => &[R::Reviewed, R::ClinicalJudgement, R::PatientAgreed, R::TechnicalFailure],
            Self::Answered => &[R::AnsweredByPhone, R::AnsweredInPerson, R::Duplicate, R::SentInError, R::ThanksOnly],
        }
    }
}

/// What a reviewer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// What becomes of it.
    pub outcome: ReviewOutcome,
    /// Why.
    pub reason: OverrideReason,
    /// Another pool that is to answer, as the bundle names it.
    pub pool: Option<String>,
}

/// A block: messages of somebody are held for review, and they are told another way to reach care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its id.
    pub id: ResourceId,
    /// Since when.
    pub at: Instant,
    /// Whose messages.
    pub sender: Reference,
    /// The pool that it protects, as the bundle names it; `None` for every pool.
    pub pool: Option<String>,
    /// That pool's resource.
    pub pool_reference: Option<Reference>,
    /// Why.
    pub reason: BlockReason,
    /// When it ends by itself.
    pub until: Instant,
    /// The template of the bundle that names another way to reach care; without one, the clinic's telephone.
    pub contact: Option<String>,
    /// The person who did it.
    pub agent: Option<Reference>,
    /// The client they used.
    pub client: String,
    /// When a person ended it before its time, and who.
    pub ended: Option<BlockEnd>,
}

/// A block that a person has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockEnd {
    /// When.
    pub at: Instant,
    /// The person who did it.
    pub agent: Option<Reference>,
}

impl Block {
    /// Whether it is in force.
    pub fn is_in_force(&self, now: Instant) -> bool {
        self.ended.is_none() && self.until > now
    }
}

/// Why somebody is blocked: a closed list, so that it can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockReason {
    /// Threats against somebody of the team.
    Threats,
    /// Abuse of somebody of the team.
    Abuse,
    /// More messages than anybody can answer.
    ExcessiveUse,
    /// Advertising and the like.
    Unsolicited,
    /// Another way to reach care was agreed with the patient.
    OtherWayAgreed,
}

impl BlockReason {
    const ALL: [Self; 5] = [Self::Threats, Self::Abuse, Self::ExcessiveUse, Self::Unsolicited, Self::OtherWayAgreed];

    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Threats => "threats",
            Self::Abuse => "abuse",
            Self::ExcessiveUse => "excessive-use",
            Self::Unsolicited => "unsolicited",
            Self::OtherWayAgreed => "other-way-agreed",
        }
    }

    /// The reason of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == code)
    }
}
