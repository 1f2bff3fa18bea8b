//! What is asked of the audit trail by those who may read it.

use jiff::Timestamp;

use crate::change::{AuditAction, AuditOutcome};
use crate::id::{Key, Reference, ResourceId, TenantId};

/// Which rows of a tenant's trail; the latest first. All that is said must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailQuery {
    /// The tenant.
    pub tenant: TenantId,
    /// The row itself.
    pub id: Option<ResourceId>,
    /// The person behind the access.
    pub agent: Option<Reference>,
    /// The patient concerned.
    pub patient: Option<Reference>,
    /// The resource.
    pub entity: Option<Key>,
    /// What was done.
    pub action: Option<AuditAction>,
    /// How it ended.
    pub outcome: Option<AuditOutcome>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Behind this row of the page before.
    pub after: Option<(Timestamp, ResourceId)>,
    /// How many rows at most.
    pub count: u16,
}

impl TrailQuery {
    /// All rows of a tenant, so many at once.
    pub fn new(tenant: TenantId, count: u16) -> Self {
        Self {
            tenant,
            id: None,
            agent: None,
            patient: None,
            entity: None,
            action: None,
            outcome: None,
            from: None,
            until: None,
            after: None,
            count,
        }
    }
}
