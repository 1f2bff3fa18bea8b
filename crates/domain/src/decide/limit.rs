//! Whether a message of a patient or proxy is held for review: blocks first, then limits. Red flags never come here.

use std::ops::Deref;

use crate::correspondent::{Correspondent, Who};
use crate::decision::Counted;
use crate::hold::{HoldCause, LONGEST_HOLD, REVIEW_WITHIN};
use crate::policy::bundle::LimitScope;
use crate::policy::{Policy, Pool};
use crate::thread::{Priority, Thread};
use crate::time::{Instant, Span};

use super::Setting;
use super::inbound::Inbound;

/// What keeps a message back.
pub struct KeptBack {
    /// A limit or a block.
    pub cause: HoldCause,
    /// The limit's id, or the block's.
    pub rule: String,
    /// By when it is reviewed, in open time.
    pub within: Span,
    /// When it is delivered without a review.
    pub until: Instant,
    /// The template that names another way to reach care.
    pub contact: Option<String>,
}

impl Policy {
    /// The longest window in which messages of people are counted; zero when no limit counts them.
    pub fn counts_within(&self) -> Span {
        let counting = self.bundle.limits.iter().filter(|limit| !limit.is_automatic());
        counting.map(|limit| limit.window).max().unwrap_or_default()
    }

    /// Whether a limit counts the messages of everybody together.
    pub fn counts_everyone(&self) -> bool {
        self.bundle.limits.iter().any(|limit| limit.scope == LimitScope::Tenant)
    }

    /// The longest time for which automatic replies matter: a day at least, for the budget of a recipient.
    pub fn replies_within(&self) -> Span {
        let budgets = self.bundle.limits.iter().filter(|limit| limit.is_automatic()).map(|limit| limit.window);
        let throttles = self.bundle.away_replies.iter().filter_map(|reply| reply.throttle);
        budgets.chain(throttles.map(|throttle| throttle.window)).max().unwrap_or_default().max(Span::hours(24))
    }
}

impl Inbound<'_, '_> {
    /// What keeps a message to a pool back, if anything does. Every limit that was looked at is in the record with what
    /// it counted.
    pub fn kept_back(&mut self, thread: &Thread, began: bool, pool: &Pool, priority: Priority) -> Option<KeptBack> {
        let Setting { policy, now } = self.setting;
        if let Some(block) = self.sender.barred(&pool.reference, now) {
            self.record.did("block", block.id.as_str(), None, Some(block.until));
            return Some(KeptBack {
                cause: HoldCause::Block,
                rule: block.id.to_string(),
                within: REVIEW_WITHIN,
                until: now.plus(LONGEST_HOLD.seconds()),
                contact: block.contact.clone(),
            });
        }
        let lifted = thread.limits_lifted_until.is_some_and(|until| until > now) || self.sender.is_exempt(now);
        let mut found: Option<KeptBack> = None;
        for limit in policy.bundle.limits.iter().filter(|limit| !limit.is_automatic()) {
            let threads = limit.scope == LimitScope::SenderNewThreads;
            if threads && !began {
                continue;
            }
            let memory: &Correspondent = match limit.scope {
                LimitScope::Tenant => &self.everyone,
                _ => &self.sender,
            };
            let counted = memory.counted(limit.scope, limit.window, &thread.id, now);
            let part = !threads && memory.continues(&thread.id, now);
            let exceeded = counted.len() + usize::from(!part) > limit.max as usize;
            let passes = match (lifted, limit.passes(priority)) {
                (true, _) => Some("lifted by an authorised person"),
                (false, true) => Some("its urgency always passes"),
                (false, false) => None,
            };
            self.record.limits.push(Counted {
                id: limit.id.clone(),
                scope: limit.scope,
                count: counted.len(),
                max: limit.max,
                window: limit.window,
                exceeded,
                passes: passes.filter(|_| exceeded).map(str::to_owned),
            });
            if exceeded && passes.is_none() {
                // When so many have left the window that this one fits.
                let fits = counted.len().saturating_sub(limit.max as usize);
                let fits = counted.get(fits).map_or(now, |at| at.plus(limit.window.seconds()));
                let until = now.plus(limit.longest_hold.seconds()).max(fits);
                match &mut found {
                    Some(first) => first.until = first.until.max(until),
                    None => {
                        found = Some(KeptBack {
                            cause: HoldCause::Limit,
                            rule: limit.id.clone(),
                            within: limit.review_within,
                            until,
                            contact: None,
                        });
                    }
                }
            }
        }
        found
    }

    /// Counts a message that is delivered. What passes because an authorised person lifted the limits is not held
    /// against its sender afterwards.
    pub fn count(&mut self, thread: &Thread, began: bool) {
        let Setting { policy, now } = self.setting;
        let lifted = thread.limits_lifted_until.is_some_and(|until| until > now) || self.sender.is_exempt(now);
        if lifted {
            return;
        }
        if policy.counts_within().max(self.remember) > Span::default() {
            self.sender.change().count(&thread.id, began, now);
        }
        // A bundle in shadow may count everybody where the one in force does not.
        if policy.counts_everyone() || self.everyone.known {
            self.everyone.change().count(&thread.id, began, now);
        }
    }

    /// The memories that have changed, as they are to be saved.
    pub fn remembered(&self) -> Vec<Correspondent> {
        let Setting { policy, now } = self.setting;
        let sent = policy.counts_within().max(self.remember);
        let changed = [&self.sender, &self.everyone].into_iter().filter(|memory| memory.changed);
        changed.map(|memory| memory.state.clone().kept(sent, policy.replies_within(), now)).collect()
    }
}

/// A memory while a decision is taken.
pub struct Remembered {
    state: Correspondent,
    /// Whether it was looked up: otherwise nothing is known of its owner.
    known: bool,
    changed: bool,
}

impl Remembered {
    /// A memory that is known, or that of somebody not heard of yet.
    pub fn of(known: Option<&Correspondent>, who: impl FnOnce() -> Who) -> Self {
        let state = known.cloned().unwrap_or_else(|| Correspondent::unknown(who()));
        Self { state, known: known.is_some(), changed: false }
    }

    /// The memory, to be changed: it is saved with the decision.
    pub fn change(&mut self) -> &mut Correspondent {
        self.changed = true;
        &mut self.state
    }
}

impl Deref for Remembered {
    type Target = Correspondent;

    fn deref(&self) -> &Correspondent {
        &self.state
    }
}
