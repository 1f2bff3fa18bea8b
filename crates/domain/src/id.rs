//! Names of things: tenants, resource types, identifiers, versions and references.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::time::Instant;

/// The organisation whose data a row belongs to. Part of every key and every query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// The tenant of a single-tenant installation.
    pub const DEFAULT: &'static str = "default";

    /// The tenant of what concerns no tenant in particular; no issuer speaks for it.
    pub const SYSTEM: &'static str = "system";

    /// A tenant of that name. Names come from configuration, never from a request.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! resource_types {
    ($($name:ident),+ $(,)?) => {
        /// The FHIR R4 resource types that the service stores.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ResourceType {
            $(#[doc = concat!("<https://hl7.org/fhir/R4/", stringify!($name), ".html>")] $name,)+
        }

        impl ResourceType {
            /// Every type that can be stored.
            pub const ALL: &'static [ResourceType] = &[$(ResourceType::$name),+];

            /// The FHIR name.
            pub const fn as_str(self) -> &'static str {
                match self { $(ResourceType::$name => stringify!($name)),+ }
            }
        }

        impl FromStr for ResourceType {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $(stringify!($name) => Ok(ResourceType::$name),)+ _ => Err(InvalidId) }
            }
        }
    };
}
resource_types!(Communication, Task, HealthcareService, PractitionerRole, CareTeam, Consent);

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that does not follow the grammar of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid identifier")]
pub struct InvalidId;

/// A FHIR logical id: 1 to 64 of `A-Z a-z 0-9 - .` (<https://hl7.org/fhir/R4/datatypes.html#id>).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceId(String);

impl ResourceId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ResourceId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let legal =
            (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        if legal { Ok(Self(text)) } else { Err(InvalidId) }
    }
}

impl FromStr for ResourceId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.0
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A stored resource without its version: `Communication/018f...`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The resource's type.
    pub kind: ResourceType,
    /// Its logical id.
    pub id: ResourceId,
}

impl Key {
    /// The key of a resource.
    pub fn new(kind: ResourceType, id: ResourceId) -> Self {
        Self { kind, id }
    }

    /// The key as a literal reference.
    pub fn reference(&self) -> Reference {
        Reference { kind: self.kind.as_str().to_owned(), id: self.id.clone() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// A literal relative reference such as `Patient/p-1001`; its type need not be one that the service stores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    kind: String,
    id: ResourceId,
}

impl Reference {
    /// A reference to a resource of a type.
    pub fn new(kind: impl Into<String>, id: ResourceId) -> Self {
        Self { kind: kind.into(), id }
    }

    /// The type named, such as `Patient`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The logical id named.
    pub fn id(&self) -> &ResourceId {
        &self.id
    }

    /// Whether the reference names that type.
    pub fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }
}

impl FromStr for Reference {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, id) = text.split_once('/').ok_or(InvalidId)?;
        let named = kind.starts_with(|c: char| c.is_ascii_uppercase()) && kind.bytes().all(|b| b.is_ascii_alphabetic());
        if named && kind.len() <= 64 { Ok(Self { kind: kind.to_owned(), id: id.parse()? }) } else { Err(InvalidId) }
    }
}

impl TryFrom<String> for Reference {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// The version of a resource: 1 for the first, one more for each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub i32);

impl Version {
    /// The first version.
    pub const FIRST: Self = Self(1);

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// New identifiers for one decision: a sequence fixed by the instant and a seed, so that replaying the decision with
/// the recorded seed names everything alike. They are UUIDs of version 7, which sort by time.
#[derive(Clone, Debug)]
pub struct Ids {
    now: Instant,
    seed: u128,
    used: u32,
}

impl Ids {
    /// The sequence for a decision taken at `now`; the seed comes from the caller's source of randomness.
    pub const fn new(now: Instant, seed: u128) -> Self {
        Self { now, seed, used: 0 }
    }

    /// The seed, as kept in the decision record.
    pub const fn seed(&self) -> u128 {
        self.seed
    }

    /// Another sequence for what is decided beside this one: it takes no identifier from it.
    #[must_use]
    pub const fn beside(&self) -> Self {
        Self { now: self.now, seed: !self.seed, used: 0 }
    }

    /// The next identifier.
    pub fn next_id(&mut self) -> ResourceId {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(self.used.to_be_bytes());
        self.used += 1;
        let digest = hash.finalize();
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        let millis = (self.now.as_second().max(0) as u64).saturating_mul(1000).to_be_bytes();
        bytes[..6].copy_from_slice(&millis[2..]);
        bytes[6] = (bytes[6] & 0x0f) | 0x70;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let mut text = String::with_capacity(36);
        for part in [0..4, 4..6, 6..8, 8..10, 10..16] {
            if part.start > 0 {
                text.push('-');
            }
            push_hex(&mut text, &bytes[part]);
        }
        ResourceId(text)
    }
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_type_and_a_legal_id() {
        let text = "Patient/p-1001";
        assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        for bad in ["", "Patient", "Patient/", "patient/1", "Patient/a b", "Patient/a/b", "../x", "http://x/Patient/1"]
        {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }

    #[test]
    fn identifiers_of_one_seed_are_alike_and_never_repeat() {
        let now = Instant::from_second(1_781_904_600);
        let (mut one, mut two) = (Ids::new(now, 7), Ids::new(now, 7));
        let first = one.next_id();
        assert_eq!(first, two.next_id());
        assert_ne!(first, one.next_id());
        assert_eq!(first.as_str().len(), 36);
        assert_eq!(first.as_str().as_bytes()[14], b'7');
    }
}
