//! What is remembered of somebody who writes: as much as limits, throttles and blocks need to decide exactly, and no
//! more. It holds instants, codes and references, never words.

use serde::{Deserialize, Serialize};

use crate::id::{Reference, ResourceId};
use crate::policy::bundle::LimitScope;
use crate::time::{Instant, Span};

/// How long after its first part a message may be continued in the same thread and still count as one.
pub const SPLIT: Span = Span::from_seconds(10 * 60);

/// How many parts count as one message.
pub const PARTS: u8 = 5;

/// The most messages that a limit can count: what is remembered has an end.
pub const MOST_COUNTED: u32 = 1000;

/// The most automatic replies that are remembered, and that a budget can count.
pub const MOST_REPLIES: usize = 100;

/// Whose memory it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Somebody who writes.
    Sender(Reference),
    /// Everybody of the tenant together, for limits of the tenant.
    Everyone,
}

impl Who {
    /// The stored name: a reference, or `*`.
    pub fn name(&self) -> String {
        match self {
            Self::Sender(sender) => sender.to_string(),
            Self::Everyone => "*".to_owned(),
        }
    }
}

/// What is remembered of somebody who writes. `revision` is compared on save: of two messages that are decided about at
/// once, one is decided about again with the other in mind, so that limits are exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correspondent {
    /// Whose memory it is.
    pub who: Who,
    /// What is remembered.
    pub memory: Memory,
    /// 0 for nobody heard of yet, 1 for the first state, one more for each change.
    pub revision: i32,
}

/// The memory itself, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    /// Messages that a limit may count, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sent: Vec<Sent>,
    /// Automatic replies to this person, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replies: Vec<Replied>,
    /// What is barred, until when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blocks: Vec<Barred>,
    /// Until when limits do not concern this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    exempt_until: Option<Instant>,
}

/// A message that was delivered, with the parts it was split into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thread: Option<ResourceId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    began: bool,
    parts: u8,
}

/// An automatic reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replied {
    /// When.
    pub at: Instant,
    /// In which thread.
    pub thread: ResourceId,
    /// Which of the bundle's replies; `None` for those that a rule or the service itself sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// The closure that it told of, known by its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closure: Option<Instant>,
}

/// A block as it matters to a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Barred {
    /// The block.
    pub id: ResourceId,
    /// The pool that it protects; `None` for every pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Reference>,
    /// When it ends by itself.
    pub until: Instant,
    /// The template that names another way to reach care.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

impl Correspondent {
    /// Nobody heard of yet.
    pub fn unknown(who: Who) -> Self {
        Self { who, memory: Memory::default(), revision: 0 }
    }

    /// Messages of a scope that count at `now`, the oldest first.
    pub fn counted(&self, scope: LimitScope, window: Span, thread: &ResourceId, now: Instant) -> Vec<Instant> {
        let of_scope = |sent: &&Sent| match scope {
            LimitScope::SenderThread => sent.thread.as_ref() == Some(thread),
            LimitScope::SenderNewThreads => sent.began,
            _ => true,
        };
        let recent = self.memory.sent.iter().filter(|sent| now.since(sent.at) < window.seconds());
        recent.filter(of_scope).map(|sent| sent.at).collect()
    }

    /// Whether a message to a thread goes on with one that has been counted: a text in parts counts once.
    pub fn continues(&self, thread: &ResourceId, now: Instant) -> bool {
        let last = self.memory.sent.iter().rev().find(|sent| sent.thread.as_ref() == Some(thread));
        last.is_some_and(|sent| now.since(sent.at) <= SPLIT.seconds() && sent.parts < PARTS)
    }

    /// Counts a message that is delivered. Everybody's memory keeps no threads.
    pub fn count(&mut self, thread: &ResourceId, began: bool, now: Instant) {
        let part = self.continues(thread, now);
        let last = self.memory.sent.iter_mut().rev().find(|sent| sent.thread.as_ref() == Some(thread));
        if let Some(last) = last.filter(|_| part) {
            last.parts += 1;
            return;
        }
        let thread = matches!(self.who, Who::Sender(_)).then(|| thread.clone());
        self.memory.sent.push(Sent { at: now, thread, began, parts: 1 });
    }

    /// Automatic replies to this person that are remembered, oldest first.
    pub fn replies(&self) -> &[Replied] {
        &self.memory.replies
    }

    /// Remembers an automatic reply.
    pub fn reply(&mut self, replied: Replied) {
        self.memory.replies.push(replied);
    }

    /// The block that bars messages to a pool now; of several the one that lasts longest.
    pub fn barred(&self, pool: &Reference, now: Instant) -> Option<&Barred> {
        let concerns = |block: &&Barred| block.until > now && block.pool.as_ref().is_none_or(|own| own == pool);
        self.memory.blocks.iter().filter(concerns).max_by_key(|block| block.until)
    }

    /// Bars messages.
    pub fn bar(&mut self, block: Barred) {
        self.memory.blocks.push(block);
    }

    /// Lifts a block; nothing changes when there is none.
    pub fn lift(&mut self, block: &ResourceId) {
        self.memory.blocks.retain(|own| own.id != *block);
    }

    /// How many blocks are in force.
    pub fn blocks(&self, now: Instant) -> usize {
        self.memory.blocks.iter().filter(|block| block.until > now).count()
    }

    /// Exempts all that the person writes from limits.
    pub fn exempt(&mut self, until: Instant) {
        self.memory.exempt_until = Some(until);
    }

    /// Whether limits do not concern the person now.
    pub fn is_exempt(&self, now: Instant) -> bool {
        self.memory.exempt_until.is_some_and(|until| until > now)
    }

    /// The next state to save, without what no longer matters at `now`: messages older than the longest window of a
    /// limit, replies older than the longest of a throttle whose closure is over, and what has ended.
    #[must_use]
    pub fn kept(mut self, sent: Span, replies: Span, now: Instant) -> Self {
        let memory = &mut self.memory;
        memory.sent.retain(|own| now.since(own.at) < sent.seconds());
        let more = memory.sent.len().saturating_sub(MOST_COUNTED as usize);
        memory.sent.drain(..more);
        memory.replies.retain(|own| now.since(own.at) < replies.seconds() || own.closure.is_some_and(|end| end > now));
        let more = memory.replies.len().saturating_sub(MOST_REPLIES);
        memory.replies.drain(..more);
        memory.blocks.retain(|own| own.until > now);
        memory.exempt_until = memory.exempt_until.filter(|until| *until > now);
        self.revision += 1;
        self
    }
}
