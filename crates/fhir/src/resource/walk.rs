//! Reading FHIR's data types off a JSON value. All of it answers `None` where the value is of another type.

use std::borrow::Cow;

use domain::id::Reference;
use domain::time::Instant;

use crate::json::{Items, Value};

/// A code and the system it is from (<https://hl7.org/fhir/R4/datatypes.html#Coding>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coding<'t> {
    /// The code system's address.
    pub system: Option<Cow<'t, str>>,
    /// The code.
    pub code: Option<Cow<'t, str>>,
}

/// A business identifier (<https://hl7.org/fhir/R4/datatypes.html#Identifier>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier<'t> {
    /// The namespace.
    pub system: Option<Cow<'t, str>>,
    /// The identifier within it.
    pub value: Option<Cow<'t, str>>,
}

impl<'t> Value<'t> {
    /// The value at a path of member names joined by dots, such as `restriction.period.end`; arrays are not entered.
    pub fn at(self, path: &str) -> Option<Value<'t>> {
        path.split('.').try_fold(self, Value::get)
    }

    /// The string at a path of member names.
    pub fn text(self, path: &str) -> Option<Cow<'t, str>> {
        self.at(path)?.as_str()
    }

    /// The items of the array that stands under that name; none when there is no such array.
    pub fn each(self, name: &str) -> Items<'t> {
        self.get(name).map_or_else(|| self.nothing(), Value::items)
    }

    /// What a Reference refers to, as written: `Patient/1`, `#o1`, `https://...`.
    pub fn reference(self) -> Option<Cow<'t, str>> {
        self.get("reference")?.as_str()
    }

    /// What a Reference refers to, when it is a resource of this service or one that it knows by type and id alone. A
    /// version in it is passed over.
    pub fn local_reference(self) -> Option<Reference> {
        let literal = self.reference()?;
        literal.split_once("/_history/").map_or(&*literal, |(plain, _)| plain).parse().ok()
    }

    /// The codings of a `CodeableConcept`.
    pub fn codings(self) -> impl Iterator<Item = Coding<'t>> + use<'t> {
        self.each("coding").map(Value::as_coding)
    }

    /// The value as one Coding.
    pub fn as_coding(self) -> Coding<'t> {
        Coding { system: self.text("system"), code: self.text("code") }
    }

    /// The code that a `CodeableConcept` has from that system.
    pub fn code_from(self, system: &str) -> Option<Cow<'t, str>> {
        self.codings().find(|coding| coding.system.as_deref() == Some(system))?.code
    }

    /// The value as an Identifier.
    pub fn as_identifier(self) -> Identifier<'t> {
        Identifier { system: self.text("system"), value: self.text("value") }
    }

    /// The extension of that address.
    pub fn extension(self, url: &str) -> Option<Value<'t>> {
        self.each("extension").find(|extension| extension.get("url").is_some_and(|own| own.is_str(url)))
    }

    /// The value of the extension of that address, whatever its type.
    pub fn extension_value(self, url: &str) -> Option<Value<'t>> {
        self.extension(url)?.members().find(|member| member.name().starts_with("value"))
    }

    /// The choice element of that name, whatever its type: for `content` what stands under `contentString`,
    /// `contentAttachment` or `contentReference`.
    pub fn choice(self, name: &str) -> Option<Value<'t>> {
        let is_choice =
            |own: &str| own.strip_prefix(name).is_some_and(|kind| kind.starts_with(|c: char| c.is_ascii_uppercase()));
        self.members().find(|member| is_choice(&member.name()))
    }

    /// The instant that a string with date, time and zone says, truncated to whole seconds.
    pub fn as_instant(self) -> Option<Instant> {
        self.as_str()?.parse().ok()
    }
}
