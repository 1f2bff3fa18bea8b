//! A lead or administrator blocks somebody who writes, or ends a block. A block refuses nothing: what its sender writes
//! is held for review, and answered at once with another way to reach care.

use crate::correspondent::{Barred, Correspondent};
use crate::hold::{Block, BlockEnd, BlockReason, LONGEST_BLOCK};
use crate::id::{Ids, Reference};
use crate::policy::Policy;
use crate::time::{Instant, Span};

use super::overrule::Actor;
use super::{Refusal, Setting};

/// The most blocks of one sender that can be in force.
const MOST_BLOCKS: usize = 20;

/// A block as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockAsked {
    /// Whose messages.
    pub sender: Reference,
    /// The pool that it protects, as the bundle names it; `None` for every pool, which is for administrators.
    pub pool: Option<String>,
    /// Why.
    pub reason: BlockReason,
    /// When it ends by itself.
    pub until: Instant,
    /// The template that names another way to reach care.
    pub contact: Option<String>,
}

/// What a block changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The block as it is kept.
    pub block: Block,
    /// What is remembered of the sender.
    pub correspondent: Correspondent,
}

/// Decides about a block. `sender` is what is remembered of the one whom it names.
///
/// # Errors
/// The caller does not lead the pool, or what is asked for does not fit.
pub fn block(
    setting: Setting<'_>,
    asked: &BlockAsked,
    (actor, client): (Actor<'_>, &str),
    sender: &Correspondent,
    ids: &mut Ids,
) -> Result<Blocked, Refusal> {
    let Setting { policy, now } = setting;
    let pool = asked.pool.as_deref().map(|id| policy.pool(id).ok_or(Refusal::NoSuchPool)).transpose();
    // Who may not is told so before anything of what they sent is looked at.
    let may = actor.administrator
        || pool.as_ref().is_ok_and(|pool| pool.is_some_and(|pool| actor.leads(policy.people(), pool)));
    if !may {
        return Err(Refusal::NotALead);
    }
    let pool = pool?;
    if !asked.sender.is("Patient") && !asked.sender.is("RelatedPerson") {
        return Err(Refusal::NotASender);
    }
    if asked.until <= now || asked.until.since(now) > LONGEST_BLOCK.seconds() {
        return Err(Refusal::BlockTooLong);
    }
    if asked.contact.as_deref().is_some_and(|id| policy.template(id).is_none()) {
        return Err(Refusal::NoSuchTemplate);
    }
    if sender.blocks(now) >= MOST_BLOCKS {
        return Err(Refusal::TooManyBlocks);
    }
    let id = ids.next_id();
    let mut correspondent = sender.clone();
    correspondent.bar(Barred {
        id: id.clone(),
        pool: pool.map(|pool| pool.reference.clone()),
        until: asked.until,
        contact: asked.contact.clone(),
    });
    let block = Block {
        id,
        at: now,
        sender: asked.sender.clone(),
        pool: pool.map(|pool| pool.id.clone()),
        pool_reference: pool.map(|pool| pool.reference.clone()),
        reason: asked.reason,
        until: asked.until,
        contact: asked.contact.clone(),
        agent: actor.person.cloned(),
        client: client.to_owned(),
        ended: None,
    };
    Ok(Blocked { block, correspondent: correspondent.kept(Span::LONGEST, Span::LONGEST, now) })
}

/// Decides about the end of a block before its time.
///
/// # Errors
/// The caller does not lead the pool, or the block is over.
pub fn unblock(
    setting: Setting<'_>,
    block: &Block,
    actor: Actor<'_>,
    sender: &Correspondent,
) -> Result<Blocked, Refusal> {
    let now = setting.now;
    if !may_see(setting.policy, block, &actor) {
        return Err(Refusal::NotALead);
    }
    if !block.is_in_force(now) {
        return Err(Refusal::BlockOver);
    }
    let mut correspondent = sender.clone();
    correspondent.lift(&block.id);
    let ended = BlockEnd { at: now, agent: actor.person.cloned() };
    Ok(Blocked {
        block: Block { ended: Some(ended), ..block.clone() },
        correspondent: correspondent.kept(Span::LONGEST, Span::LONGEST, now),
    })
}

/// Whether a block is somebody's to see and to end: an administrator's, and those of its pool who lead it.
pub fn may_see(policy: &Policy, block: &Block, actor: &Actor<'_>) -> bool {
    let pool = block.pool_reference.as_ref().and_then(|pool| policy.pool_of(pool));
    actor.administrator || pool.is_some_and(|pool| actor.leads(policy.people(), pool))
}
