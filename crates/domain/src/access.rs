//! Who is calling, what their scopes allow and which rows they may see.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{Reference, ResourceId, TenantId};

/// The authenticated caller of one request, read from a verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant that the token's issuer speaks for.
    pub tenant: TenantId,
    /// The OAuth client.
    pub client: String,
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
    /// What the token says about the patient; nothing about a patient is looked up elsewhere.
    pub facts: PatientFacts,
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

/// Whose data a SMART scope reaches (<https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The patient in context.
    Patient,
    /// Whatever the user may see.
    User,
    /// Whatever the client may see; for clients without a user.
    System,
    /// Administration under `/api/v1`: not a SMART level, and never message text.
    Administration,
}

/// What may be done to a resource type: the letters of SMART v2 scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// `c`
    Create,
    /// `r`: read, vread, instance history.
    Read,
    /// `u`: update and patch.
    Update,
    /// `d`
    Delete,
    /// `s`: search, type and system history.
    Search,
}

impl Permission {
    const LETTERS: [(char, Permission); 5] = [
        ('c', Permission::Create),
        ('r', Permission::Read),
        ('u', Permission::Update),
        ('d', Permission::Delete),
        ('s', Permission::Search),
    ];
}

/// One granted scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Whose data.
    pub level: Level,
    /// The resource type; `None` is `*`.
    pub kind: Option<String>,
    /// The permissions.
    pub permissions: Vec<Permission>,
}

/// A scope that grants nothing here: not ours, malformed, or narrower than can be enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a scope that grants access here")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    /// Reads SMART v2 scopes, v1 names (`.read`, `.write`, `.*`) and `postern/admin.read|write`. Letters must be an
    /// in-order subset of `cruds`. A granular scope (`?category=...`) that cannot be enforced grants nothing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (level, rest) = text.split_once('/').ok_or(UnknownScope)?;
        let (kind, access) = rest.split_once('.').ok_or(UnknownScope)?;
        if level == "postern" && kind == "admin" {
            let permissions = match access {
                "read" => vec![Permission::Read, Permission::Search],
                "write" => vec![Permission::Create, Permission::Update, Permission::Delete],
                _ => return Err(UnknownScope),
            };
            return Ok(Self { level: Level::Administration, kind: None, permissions });
        }
        let level = match level {
            "patient" => Level::Patient,
            "user" => Level::User,
            "system" => Level::System,
            _ => return Err(UnknownScope),
        };
        let named = kind.starts_with(|c: char| c.is_ascii_uppercase()) && kind.bytes().all(|b| b.is_ascii_alphabetic());
        let kind = match kind {
            "*" => None,
            _ if named => Some(kind.to_owned()),
            _ => return Err(UnknownScope),
        };
        let permissions = permissions(access).ok_or(UnknownScope)?;
        Ok(Self { level, kind, permissions })
    }
}

fn permissions(access: &str) -> Option<Vec<Permission>> {
    let letters = match access {
        "read" => "rs",
        "write" => "cud",
        "*" => "cruds",
        letters => letters,
    };
    let mut rest = Permission::LETTERS.iter();
    let found: Option<Vec<_>> = letters
        .chars()
        .map(|letter| rest.by_ref().find(|(known, _)| *known == letter).map(|(_, permission)| *permission))
        .collect();
    found.filter(|permissions| !permissions.is_empty())
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
    },
    /// A staff member's view: threads of their pools and threads they take part in.
    Staff {
        /// The caller.
        me: Reference,
        /// The pools, as references.
        pools: Vec<Reference>,
        /// The pools that the caller leads, whose held messages wait for their review.
        leads: Vec<Reference>,
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

/// Why a caller may not do what they asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No scope of the token grants the permission on the type.
    #[error("the token's scopes do not allow this")]
    Scope,
    /// A scope would, but the token does not say for whom (no patient or no `fhirUser`).
    #[error("the token names no patient or user for the scope it carries")]
    Context,
}

impl Caller {
    /// The rows on which the caller has a permission. Scopes are checked before any query, so the answer does not
    /// depend on what exists; a token that names no patient or user gets nothing.
    ///
    /// `pools` are the caller's pools as references, resolved against the bundle in force.
    pub fn visibility(&self, kind: &str, permission: Permission, pools: &[Reference]) -> Result<Visibility, Denied> {
        let granting = |level| {
            self.scopes.iter().any(|scope| {
                scope.level == level
                    && scope.kind.as_deref().is_none_or(|granted| granted == kind)
                    && scope.permissions.contains(&permission)
            })
        };
        let person = self.user.as_ref().is_some_and(|user| user.is("Patient") || user.is("RelatedPerson"));
        if granting(Level::System) && self.user.is_none() && self.patient.is_none() {
            return Ok(Visibility::Everything);
        }
        if granting(Level::User) {
            match &self.user {
                Some(me) if !person => {
                    return Ok(Visibility::Staff { me: me.clone(), pools: pools.to_vec(), leads: vec![] });
                }
                Some(me) => {
                    if let Some(patient) = self.subject_patient() {
                        return Ok(Visibility::Patient { patient, me: me.clone() });
                    }
                    return Err(Denied::Context);
                }
                None => return Err(Denied::Context),
            }
        }
        if granting(Level::Patient) {
            let patient = self.patient.clone().map(|id| Reference::new("Patient", id)).ok_or(Denied::Context)?;
            let me = self.user.clone().unwrap_or_else(|| patient.clone());
            return Ok(Visibility::Patient { patient, me });
        }
        Err(Denied::Scope)
    }

    /// Whether the token grants an administrative permission.
    pub fn administers(&self, permission: Permission) -> bool {
        self.scopes.iter().any(|scope| scope.level == Level::Administration && scope.permissions.contains(&permission))
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
            subject: "s".into(),
            user: user.map(|user| user.parse().unwrap()),
            patient: patient.map(|id| id.parse().unwrap()),
            pools: vec![],
            scopes: scopes.split_whitespace().filter_map(|scope| scope.parse().ok()).collect(),
            facts: PatientFacts::default(),
        }
    }

    #[test]
    fn scope_letters_are_an_in_order_subset_of_cruds() {
        for good in ["patient/Communication.rs", "user/*.cruds", "system/Task.r", "patient/Communication.read"] {
            assert!(good.parse::<Scope>().is_ok(), "{good}");
        }
        for bad in [
            "patient/Communication.sr",
            "patient/Communication.",
            "Patient/Communication.r",
            "patient/communication.r",
            "patient/Communication.rR",
            "patient/Communication.rr",
            "patient/*.read?x=y",
            "*",
            "",
            "postern/admin.*",
            "system/Communication.rs?category=a",
        ] {
            assert!(bad.parse::<Scope>().is_err(), "{bad}");
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
    fn a_patient_scope_reaches_that_patient_only() {
        let Ok(Visibility::Patient { patient, me }) = caller(
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
