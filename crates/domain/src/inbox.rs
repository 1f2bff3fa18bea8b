//! What somebody has to look at: their conversations, the most urgent and soonest due first.

use jiff::Timestamp;

use crate::access::Visibility;
use crate::change::Stored;
use crate::id::{Reference, ResourceId, TenantId};
use crate::thread::Thread;
use crate::time::Instant;

/// A page of somebody's conversations. For the team: those in which an answer is owed, by urgency and then by when it is
/// due; then the others, where somebody wrote last first. For patients, who do not see how urgent the team finds what
/// they wrote, where somebody wrote last first.
#[derive(Clone, Debug, PartialEq)]
pub struct Inbox {
    /// The tenant.
    pub tenant: TenantId,
    /// Which conversations exist for the caller.
    pub visibility: Visibility,
    /// Who reads: what they have not read is counted. None: nothing is counted.
    pub reader: Option<Reference>,
    /// The most conversations on one page, at least 1.
    pub count: u16,
    /// Where the page begins: after this conversation; or where it ends, before it, when `backward` is set.
    pub after: Option<InboxPlace>,
    /// Whether the page is the one before a place.
    pub backward: bool,
}

/// How pressing a conversation is, the most pressing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressing {
    /// An answer is owed at once.
    Stat,
    /// An answer is owed within hours.
    Urgent,
    /// An answer is owed.
    Routine,
    /// Nothing is owed, or it rests.
    Nothing,
}

impl Pressing {
    /// Every degree, in order.
    pub const ALL: [Self; 4] = [Self::Stat, Self::Urgent, Self::Routine, Self::Nothing];

    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Urgent => "urgent",
            Self::Routine => "routine",
            Self::Nothing => "nothing",
        }
    }

    /// The degree of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|degree| degree.as_str() == code)
    }
}

/// The place of a conversation in the order. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxPlace {
    /// How pressing it is.
    pub pressing: Pressing,
    /// When it is due or, where nothing is owed, when somebody last wrote.
    pub at: Timestamp,
    /// The conversation.
    pub id: ResourceId,
}

/// A conversation in somebody's inbox.
#[derive(Clone, Debug, PartialEq)]
pub struct InboxRow {
    /// Its first message.
    pub root: Stored,
    /// How it stands.
    pub thread: Thread,
    /// When the answer is due that is owed.
    pub due_at: Option<Instant>,
    /// What the patient was told of it.
    pub promised_at: Option<Instant>,
    /// How many messages the reader has neither written nor read; of nobody, none are counted.
    pub unread: Option<i64>,
    /// Its place.
    pub place: InboxPlace,
}

/// A page of conversations.
#[derive(Clone, Debug, PartialEq)]
pub struct InboxPage {
    /// The conversations, in order.
    pub rows: Vec<InboxRow>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<InboxPlace>,
    /// Where the page before this one ends; `None` on the first page.
    pub previous: Option<InboxPlace>,
}
