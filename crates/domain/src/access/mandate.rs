//! What a patient's Consents say of somebody who acts for them.

use std::collections::BTreeSet;

use crate::id::ResourceId;

/// A set of conversations, each by the id of its first message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Threads {
    /// These and no others.
    Only(BTreeSet<ResourceId>),
    /// All but these, also those that nobody has begun yet.
    AllBut(BTreeSet<ResourceId>),
}

impl Threads {
    /// None at all.
    pub const NONE: Self = Self::Only(BTreeSet::new());
    /// Every one.
    pub const ALL: Self = Self::AllBut(BTreeSet::new());

    /// Whether a conversation is among them.
    pub fn contains(&self, thread: &ResourceId) -> bool {
        match self {
            Self::Only(these) => these.contains(thread),
            Self::AllBut(others) => !others.contains(thread),
        }
    }

    /// What both have.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(some), Self::Only(others)) => Self::Only(some & others),
            (Self::Only(these), Self::AllBut(others)) | (Self::AllBut(others), Self::Only(these)) => {
                Self::Only(these - others)
            }
            (Self::AllBut(some), Self::AllBut(others)) => Self::AllBut(some | others),
        }
    }

    /// What one of the two has.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        self.others().and(&other.others()).others()
    }

    /// What the other does not have.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.and(&other.others())
    }

    fn others(&self) -> Self {
        match self {
            Self::Only(these) => Self::AllBut(these.clone()),
            Self::AllBut(others) => Self::Only(others.clone()),
        }
    }
}

/// What the Consents about a patient say of one person. What they do not speak of stays as it is without them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mandate {
    /// The conversations that one of them permits.
    pub shown: Threads,
    /// The conversations that one of them denies, whatever another permits.
    pub hidden: Threads,
}

impl Default for Mandate {
    /// Nothing is said.
    fn default() -> Self {
        Self { shown: Threads::NONE, hidden: Threads::NONE }
    }
}

impl Mandate {
    /// What this one and another say together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self { shown: self.shown.or(&other.shown), hidden: self.hidden.or(&other.hidden) }
    }

    /// Whether it permits anything that it does not deny.
    pub fn permits(&self) -> bool {
        self.shown.without(&self.hidden) != Threads::NONE
    }

    /// Whether the person may begin a conversation: one that would be hidden from whoever began it is not begun.
    pub fn lets_begin(&self) -> bool {
        matches!(self.hidden, Threads::Only(_))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: u8) -> ResourceId {
        format!("t{number}").parse().unwrap()
    }

    fn threads() -> impl Strategy<Value = Threads> {
        (any::<bool>(), prop::collection::btree_set(0_u8..6, 0..5)).prop_map(|(only, ids)| {
            let ids = ids.into_iter().map(id).collect();
            if only { Threads::Only(ids) } else { Threads::AllBut(ids) }
        })
    }

    proptest! {
        #[test]
        fn sets_of_conversations_are_joined_as_sets_are(one in threads(), other in threads()) {
            for number in 0..8 {
                let (a, b) = (one.contains(&id(number)), other.contains(&id(number)));
                prop_assert_eq!(one.and(&other).contains(&id(number)), a && b);
                prop_assert_eq!(one.or(&other).contains(&id(number)), a || b);
                prop_assert_eq!(one.without(&other).contains(&id(number)), a && !b);
            }
        }
    }

    #[test]
    fn what_one_denies_no_other_permits() {
        let said = |shown, hidden| Mandate { shown, hidden };
        let both = said(Threads::ALL, Threads::NONE).and(&said(Threads::NONE, Threads::Only([id(1)].into())));
        assert!(both.permits() && both.lets_begin() && both.hidden.contains(&id(1)));
        assert!(!said(Threads::ALL, Threads::NONE).and(&said(Threads::NONE, Threads::ALL)).permits());
        assert!(!said(Threads::NONE, Threads::AllBut([id(1)].into())).lets_begin());
        assert!(!Mandate::default().permits());
    }
}
