//! Who is calling, what their scopes allow and which rows they may see.

mod mandate;
mod proxy;
mod scope;
mod view;

use serde::{Deserialize, Serialize};

pub use self::mandate::{Mandate, Threads};
pub use self::proxy::{AgeBand, Conversations, ProxyAccess, Sees};
pub use self::scope::{Level, Permission, Scope, UnknownScope};
pub use self::view::{Around, Row};
use crate::id::{Reference, ResourceId, TenantId};
use crate::search::TokenMatch;

/// The authenticated caller of one request, read from a verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant that the token's issuer speaks for.
    pub tenant: TenantId,
    /// The OAuth client.
    pub client: String,
    /// The token's issuer.
    pub issuer: String,
    /// The token's subject; unique within its issuer.
    pub subject: String,
    /// The person or role behind the token (`fhirUser`): Patient, RelatedPerson, Practitioner or PractitionerRole.
    pub user: Option<Reference>,
    /// The patient in context (SMART launch), without its type.
    pub patient: Option<ResourceId>,
    /// Pools the caller answers for: pool ids of the bundle or literal references.
    pub pools: Vec<String>,
    /// What the token grants.
    pub scopes: Vec<Scope>,
    /// What the access is for, as the token says it; recorded, and never a right.
    pub purpose: Option<String>,
    /// What the token says about the patient; nothing about a patient is looked up elsewhere.
    pub facts: PatientFacts,
    /// What the patient's Consents say of the caller, when they act for somebody else.
    pub mandate: Mandate,
}

/// Facts about the patient that rules may ask for, as far as the request says them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PatientFacts {
    /// Age in whole years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_years: Option<u16>,
    /// BCP 47 language tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// IANA zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The portal's tags, such as `complex-care`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tags: Vec<String>,
}

/// Which rows a caller may see; applied inside queries, never afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Every row of the tenant.
    Everything,
    /// A patient's or proxy's view: threads about the patient, without internal notes and without others' drafts.
    Patient {
        /// The patient that the rows must be about.
        patient: Reference,
        /// The caller, who alone sees their own drafts.
        me: Reference,
        /// Which conversations: a proxy may see their own alone.
        sees: Sees,
    },
    /// A staff member's view: threads of their pools and threads they take part in.
    Staff {
        /// The caller.
        me: Reference,
        /// The pools, as references.
        pools: Vec<Reference>,
        /// The pools that the caller leads, whose held messages wait for their review.
        leads: Vec<Reference>,
        /// The patient whom the token's scopes end at; `None`: they end at nobody.
        about: Option<Reference>,
    },
}

impl Visibility {
    /// The same view, with the reviews of the pools that a member of the staff leads.
    #[must_use]
    pub fn leading(mut self, led: impl FnOnce(&Reference) -> Vec<Reference>) -> Self {
        if let Self::Staff { me, leads, .. } = &mut self {
            *leads = led(me);
        }
        self
    }
}

/// Which rows a caller may see, and of them only some categories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowed {
    /// The rows.
    pub visibility: Visibility,
    /// A row must have one of these; none: any will do.
    pub categories: Vec<TokenMatch>,
}

/// Why a caller may not do what they asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No scope of the token grants the permission on the type.
    #[error("the token's scopes do not allow this")]
    Scope,
    /// A scope would, but the token does not say for whom (no patient or no `fhirUser`).
    #[error("the token names no patient or user for the scope it carries")]
    Context,
    /// A Consent of the patient denies it.
    #[error("a Consent of the patient does not allow this")]
    Consent,
}

impl Caller {
    /// The rows on which the caller has a permission. Scopes are checked before any query, so the answer does not
    /// depend on what exists; a token that names no patient or user gets nothing. Granular scopes count for nothing
    /// here: see [`Caller::narrowed`].
    ///
    /// `pools` are the caller's pools as references, resolved against the bundle in force.
    pub fn visibility(&self, kind: &str, permission: Permission, pools: &[Reference]) -> Result<Visibility, Denied> {
        self.rows(|scope| scope.grants(kind, permission) && scope.category.is_none(), pools)
    }

    /// As [`Caller::visibility`], for whoever keeps to the categories that come with it: granular scopes count, unless
    /// another scope grants the permission without limit.
    pub fn narrowed(&self, kind: &str, permission: Permission, pools: &[Reference]) -> Result<Narrowed, Denied> {
        match self.visibility(kind, permission, pools) {
            Ok(visibility) => return Ok(Narrowed { visibility, categories: vec![] }),
            Err(denied @ (Denied::Context | Denied::Consent)) => return Err(denied),
            Err(Denied::Scope) => {}
        }
        let visibility = self.rows(|scope| scope.grants(kind, permission), pools)?;
        // Those of another level reach other rows, and may not lend this one their categories.
        let counts = |scope: &&Scope| match (&visibility, scope.level) {
            (Visibility::Everything, level) => level == Level::System,
            (Visibility::Staff { about: None, .. }, level) => level == Level::User,
            (Visibility::Staff { .. } | Visibility::Patient { .. }, level) => {
                matches!(level, Level::User | Level::Patient)
            }
        };
        let granting = self.scopes.iter().filter(|scope| scope.grants(kind, permission));
        let categories = granting.filter(counts).filter_map(|scope| scope.category.clone()).collect();
        Ok(Narrowed { visibility, categories })
    }

    fn rows(&self, grants: impl Fn(&Scope) -> bool, pools: &[Reference]) -> Result<Visibility, Denied> {
        let granting = |level| self.scopes.iter().any(|scope| scope.level == level && grants(scope));
        let person = self.user.as_ref().is_some_and(|user| user.is("Patient") || user.is("RelatedPerson"));
        if granting(Level::System) && self.user.is_none() && self.patient.is_none() {
            return Ok(Visibility::Everything);
        }
        if granting(Level::User) {
            match &self.user {
                Some(me) if !person => {
                    return Ok(Visibility::Staff { me: me.clone(), pools: pools.to_vec(), leads: vec![], about: None });
                }
                Some(me) => {
                    if let Some(patient) = self.subject_patient() {
                        return Ok(Visibility::Patient { patient, me: me.clone(), sees: Sees::ALL });
                    }
                    return Err(Denied::Context);
                }
                None => return Err(Denied::Context),
            }
        }
        if granting(Level::Patient) {
            let patient = self.patient.clone().map(|id| Reference::new("Patient", id)).ok_or(Denied::Context)?;
            if let Some(me) = self.user.clone().filter(|_| !person) {
                // The patient in context narrows what a member of the staff sees, and opens nothing.
                return Ok(Visibility::Staff { me, pools: pools.to_vec(), leads: vec![], about: Some(patient) });
            }
            let me = self.user.clone().unwrap_or_else(|| patient.clone());
            return Ok(Visibility::Patient { patient, me, sees: Sees::ALL });
        }
        Err(Denied::Scope)
    }

    /// Whether the token grants an administrative permission: to a machine or to somebody of the staff, and to patients
    /// and their proxies never, whatever their scopes say.
    pub fn administers(&self, permission: Permission) -> bool {
        let staff = match &self.user {
            Some(user) => !(user.is("Patient") || user.is("RelatedPerson")),
            None => self.patient.is_none(),
        };
        staff
            && self
                .scopes
                .iter()
                .any(|scope| scope.level == Level::Administration && scope.permissions.contains(&permission))
    }

    /// Whether the caller is a machine acting for itself: no person stands behind the token.
    pub fn is_system(&self) -> bool {
        self.user.is_none() && self.patient.is_none()
    }

    /// The patient whose data a patient or proxy sees.
    pub fn subject_patient(&self) -> Option<Reference> {
        match (&self.patient, &self.user) {
            (Some(id), _) => Some(Reference::new("Patient", id.clone())),
            (None, Some(user)) if user.is("Patient") => Some(user.clone()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(user: Option<&str>, patient: Option<&str>, scopes: &str) -> Caller {
        Caller {
            tenant: TenantId::new("t"),
            client: "app".into(),
            issuer: "https://issuer.example".into(),
            subject: "s".into(),
            user: user.map(|user| user.parse().unwrap()),
            patient: patient.map(|id| id.parse().unwrap()),
            pools: vec![],
            scopes: scopes.split_whitespace().filter_map(|scope| scope.parse().ok()).collect(),
            purpose: None,
            facts: PatientFacts::default(),
            mandate: Mandate::default(),
        }
    }

    #[test]
    fn a_scope_without_its_context_opens_nothing() {
        let see = |caller: Caller| caller.visibility("Communication", Permission::Read, &[]);
        assert_eq!(see(caller(None, None, "patient/Communication.r")), Err(Denied::Context));
        assert_eq!(see(caller(None, None, "user/Communication.r")), Err(Denied::Context));
        assert_eq!(see(caller(Some("RelatedPerson/r"), None, "user/Communication.r")), Err(Denied::Context));
        assert_eq!(see(caller(Some("Practitioner/a"), None, "system/Communication.r")), Err(Denied::Scope));
        assert_eq!(see(caller(None, None, "system/Task.r")), Err(Denied::Scope));
        assert_eq!(see(caller(None, None, "system/*.r")), Ok(Visibility::Everything));
    }

    #[test]
    fn s15_granular_scopes_are_joined_and_end_where_another_grants_without_limit() {
        let narrowed = |user: Option<&str>, patient: Option<&str>, scopes: &str| {
            let narrowed = caller(user, patient, scopes).narrowed("Communication", Permission::Read, &[])?;
            let codes: Vec<_> = narrowed.categories.into_iter().filter_map(|category| category.code).collect();
            Ok(codes.join(" "))
        };
        let (me, p) = (Some("Patient/p"), Some("p"));
        let one = "patient/Communication.rs?category=a";
        assert_eq!(narrowed(me, p, one), Ok("a".to_owned()));
        assert_eq!(narrowed(me, p, &format!("{one} patient/Communication.r?category=b")), Ok("a b".to_owned()));
        assert_eq!(narrowed(me, p, &format!("{one} patient/Communication.s?category=b")), Ok("a".to_owned()));
        assert_eq!(narrowed(me, p, &format!("{one} patient/*.r")), Ok(String::new()));
        assert_eq!(narrowed(None, None, one), Err(Denied::Context));
        let nurse = Some("Practitioner/n");
        assert_eq!(narrowed(nurse, p, &format!("{one} user/Communication.r?category=b")), Ok("b".to_owned()));
        assert_eq!(caller(me, p, one).visibility("Communication", Permission::Read, &[]), Err(Denied::Scope));
    }

    #[test]
    fn patients_administer_nothing_whatever_their_scopes_say() {
        let administers = |user, patient| caller(user, patient, "postern/admin.write").administers(Permission::Update);
        assert!(administers(None, None) && administers(Some("Practitioner/a"), None));
        for (user, patient) in [
            (Some("Patient/p"), None),
            (Some("Patient/p"), Some("p")),
            (None, Some("p")),
            (Some("RelatedPerson/r"), None),
        ] {
            assert!(!administers(user, patient), "{user:?} {patient:?}");
        }
    }

    #[test]
    fn a_patient_scope_reaches_that_patient_only() {
        let Ok(Visibility::Patient { patient, me, .. }) = caller(
            Some("RelatedPerson/rp-17"),
            Some("p-2002"),
            "patient/Communication.r",
        )
        .visibility("Communication", Permission::Read, &[]) else {
            panic!("a proxy sees as a patient does");
        };
        assert_eq!((patient.to_string().as_str(), me.to_string().as_str()), ("Patient/p-2002", "RelatedPerson/rp-17"));
    }
}
