//! SMART scopes (<https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>).

use std::str::FromStr;

use crate::search::TokenMatch;

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
    /// Each permission with its letter, in the order in which scopes say them.
    pub const LETTERS: [(char, Permission); 5] = [
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
    /// The category that alone it reaches (`?category=`); `None`: all of the type.
    pub category: Option<TokenMatch>,
}

impl Scope {
    /// Whether it grants a permission on a type, if only on some of its rows.
    pub fn grants(&self, kind: &str, permission: Permission) -> bool {
        self.kind.as_deref().is_none_or(|granted| granted == kind) && self.permissions.contains(&permission)
    }
}

/// A scope that grants nothing here: not ours, malformed, or narrower than can be enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a scope that grants access here")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    /// Reads SMART v2 scopes, v1 names (`.read`, `.write`, `.*`) and `postern/admin.read|write`. Letters must be an
    /// in-order subset of `cruds`. Of granular scopes one form is enforced, `Communication` by one `category`; any other
    /// grants nothing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (level, rest) = text.split_once('/').ok_or(UnknownScope)?;
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (kind, access) = rest.split_once('.').ok_or(UnknownScope)?;
        let category = match query {
            None => None,
            Some(query) if kind == "Communication" => Some(category(query).ok_or(UnknownScope)?),
            Some(_) => return Err(UnknownScope),
        };
        if level == "postern" && kind == "admin" {
            let permissions = match access {
                "read" => vec![Permission::Read, Permission::Search],
                "write" => vec![Permission::Create, Permission::Update, Permission::Delete],
                _ => return Err(UnknownScope),
            };
            return Ok(Self { level: Level::Administration, kind: None, permissions, category: None });
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
        Ok(Self { level, kind, permissions, category })
    }
}

/// The category of `category=[system]|[code]` or `category=[code]`. Modifiers, chains, lists and escapes mean something
/// that is not enforced here, so they are not read as something else.
fn category(query: &str) -> Option<TokenMatch> {
    let value = query.strip_prefix("category=")?;
    if value.is_empty() || value.contains(['&', '=', ',', '\\', '%', '$', '?', ' ']) {
        return None;
    }
    let (system, code) = match value.split_once('|') {
        None => (None, value),
        Some((system, code)) => (Some(system.to_owned()), code),
    };
    (!code.is_empty() && !code.contains('|')).then(|| TokenMatch { system, code: Some(code.to_owned()) })
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

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert!(bad.parse::<Scope>().is_err(), "{bad}");
        }
    }

    #[test]
    fn s15_a_granular_scope_that_is_not_enforced_grants_nothing() {
        let category = |text: &str| text.parse::<Scope>().map(|scope| scope.category);
        let asked = |system: Option<&str>, code: &str| {
            Ok(Some(TokenMatch { system: system.map(str::to_owned), code: Some(code.to_owned()) }))
        };
        assert_eq!(category("patient/Communication.rs"), Ok(None));
        assert_eq!(category("patient/Communication.rs?category=refill"), asked(None, "refill"));
        assert_eq!(category("user/Communication.r?category=|refill"), asked(Some(""), "refill"));
        let system = "http://terminology.example/kinds";
        let text = format!("system/Communication.cruds?category={system}|alert");
        assert_eq!(category(&text), asked(Some(system), "alert"));
        for bad in [
            "patient/Communication.rs?",
            "patient/Communication.rs?category",
            "patient/Communication.rs?category=",
            "patient/Communication.rs?category=a|",
            "patient/Communication.rs?category=a|b|c",
            "patient/Communication.rs?category=a,b",
            "patient/Communication.rs?category=a&category=b",
            "patient/Communication.rs?category=a&status=completed",
            "patient/Communication.rs?category:not=a",
            "patient/Communication.rs?category:missing=true",
            "patient/Communication.rs?category.code=a",
            "patient/Communication.rs?status=completed",
            "patient/Communication.rs?subject:Patient.name=a",
            "patient/Communication.rs?_has:Task:focus:code=a",
            "patient/Communication.rs?category=a%7Cb",
            "patient/Communication.rs?category=a?b",
            "patient/*.rs?category=a",
            "patient/Task.rs?category=a",
            "postern/admin.read?category=a",
        ] {
            assert_eq!(category(bad), Err(UnknownScope), "{bad}");
        }
    }
}
