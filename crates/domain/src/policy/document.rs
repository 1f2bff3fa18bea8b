//! A bundle as a document: how it is read, and the text by which it is known.

use serde::Deserialize as _;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::id::{Reference, ResourceId, hex};
use crate::policy::DEFAULT_BUNDLE;
use crate::policy::bundle::{Bundle, PoolSpec};
use crate::policy::lint::Finding;

/// Most bytes of a bundle's text. The fullest bundle that sites write is a twentieth of it.
pub const MAX_TEXT: usize = 1024 * 1024;

impl Bundle {
    /// The `CareTeam`s that are pools.
    pub fn teams(&self) -> impl Iterator<Item = &ResourceId> {
        let pools = self.pools.iter().map(|pool| &pool.reference);
        pools.filter(|reference| reference.is("CareTeam")).map(Reference::id)
    }

    /// Reads a bundle. The error names the place as a JSON pointer and what was expected there. The text is at most
    /// [`MAX_TEXT`] bytes long and nests at most 127 deep.
    pub fn read(text: &str) -> Result<Self, Finding> {
        if text.len() > MAX_TEXT {
            return Err(Finding::too_long(text));
        }
        let whole: Value = serde_json::from_str(text).map_err(|error| Finding::not_json(&error))?;
        if let Some(pointer) = first_null(&whole) {
            return Err(Finding::null(pointer));
        }
        if let Some(pointer) = first_nul(&whole) {
            return Err(Finding::nul(pointer));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut json).map_err(|error| Finding::unreadable(&error))
    }

    /// The built-in bundle, with the pools of a text that cannot be evaluated as far as they can be read: what is
    /// delivered meanwhile is delivered to people who exist. Their hours are the built-in ones, where their own resources
    /// say none.
    pub fn standing_in(text: &str) -> Self {
        let mut bundle = Self::read(DEFAULT_BUNDLE).expect("the default bundle is read in a test");
        let whole: Value = Some(text)
            .filter(|text| text.len() <= MAX_TEXT)
            .map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_default());
        let calendar = bundle.calendars[0].id.clone();
        let mut pools: Vec<PoolSpec> = vec![];
        for pool in whole["pools"].as_array().into_iter().flatten() {
            let Ok(pool) = PoolSpec::deserialize(pool) else { continue };
            let is_new = pools.iter().all(|known| known.id != pool.id && known.reference != pool.reference);
            if is_new && (pool.reference.is("HealthcareService") || pool.reference.is("CareTeam")) {
                pools.push(PoolSpec { calendar: calendar.clone(), ..pool });
            }
        }
        let Some(first) = pools.first().map(|pool| pool.id.clone()) else { return bundle };
        let named = |value: &Value| pools.iter().find(|pool| *value == pool.id.as_str()).map(|pool| pool.id.clone());
        bundle.default_pool = named(&whole["defaultPool"]).unwrap_or(first);
        bundle.red_flags.pool = named(&whole["redFlags"]["pool"]).unwrap_or_else(|| bundle.default_pool.clone());
        bundle.pools = pools;
        bundle
    }

    /// The canonical text: what is stored and hashed.
    pub fn canonical(&self) -> String {
        serde_json::to_string(self).expect("a bundle has string keys and finite numbers alone")
    }

    /// SHA-256 of the canonical text, in hex.
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.canonical()))
    }
}

/// Where the first null stands, as a JSON pointer. The reader of optional members takes a null for an absent member;
/// in a document that promises rest on, nothing is taken for anything.
fn first_null(value: &Value) -> Option<String> {
    first(value, &Value::is_null)
}

/// Where the first text with U+0000 stands, as a JSON pointer; a member of such a name is told by what holds it.
pub fn first_nul(value: &Value) -> Option<String> {
    first(value, &|value| match value {
        Value::String(text) => text.contains('\0'),
        Value::Object(members) => members.keys().any(|name| name.contains('\0')),
        _ => false,
    })
}

fn first(value: &Value, is: &dyn Fn(&Value) -> bool) -> Option<String> {
    if is(value) {
        return Some(String::new());
    }
    match value {
        Value::Array(list) => {
            list.iter().enumerate().find_map(|(place, value)| first(value, is).map(|rest| format!("/{place}{rest}")))
        }
        Value::Object(members) => members
            .iter()
            .find_map(|(name, value)| first(value, is).map(|rest| format!("/{}{rest}", super::lint::escaped(name)))),
        _ => None,
    }
}
