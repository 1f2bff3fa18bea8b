//! How much of each resource a search gives out: `_summary` and `_elements`
//! (<https://hl7.org/fhir/R4/search.html#summary>).

use domain::id::ResourceType;

use crate::definitions::r4;
use crate::issue::Issue;
use crate::resource::Document;

/// What is left out of each resource. Parts of resources are marked with the tag `SUBSETTED`, and nobody may send them
/// back as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    #[default]
    Whole,
    /// What does not belong to a summary by FHIR's own definition of the type.
    Summary,
    /// All but the narrative.
    Text,
    /// The narrative.
    Data,
    /// All but these elements.
    Elements(Vec<String>),
}

/// The elements of every type's summary, and those that stay whatever is left out.
const ALWAYS: &[&str] = &["resourceType", "id", "meta", "implicitRules", "modifierExtension"];

/// The elements that FHIR marks as part of a summary (`isSummary` in the type's `StructureDefinition`).
const fn summary(kind: ResourceType) -> &'static [&'static str] {
    match kind {
        ResourceType::Communication => &[
            "identifier",
            "instantiatesCanonical",
            "instantiatesUri",
            "basedOn",
            "partOf",
            "status",
            "statusReason",
            "priority",
            "subject",
            "encounter",
            "reasonCode",
            "reasonReference",
        ],
        ResourceType::PractitionerRole => &[
            "identifier",
            "active",
            "period",
            "practitioner",
            "organization",
            "code",
            "specialty",
            "location",
            "telecom",
        ],
        ResourceType::CareTeam => {
            &["identifier", "status", "category", "name", "subject", "encounter", "period", "participant"]
        }
        ResourceType::Consent => &[
            "identifier",
            "status",
            "scope",
            "category",
            "patient",
            "dateTime",
            "performer",
            "organization",
            "source",
            "policyRule",
            "verification",
            "provision",
        ],
        ResourceType::Task => &[
            "instantiatesCanonical",
            "instantiatesUri",
            "basedOn",
            "groupIdentifier",
            "partOf",
            "status",
            "statusReason",
            "businessStatus",
            "intent",
            "code",
            "description",
            "focus",
            "for",
            "encounter",
            "executionPeriod",
            "lastModified",
            "requester",
            "owner",
            "location",
        ],
        ResourceType::HealthcareService => &[
            "identifier",
            "active",
            "providedBy",
            "category",
            "type",
            "specialty",
            "location",
            "name",
            "comment",
            "photo",
        ],
    }
}

/// Whether a type has an element of that name.
pub(super) fn has_element(kind: ResourceType, name: &str) -> bool {
    elements(kind).any(|(own, _)| own == name)
}

/// The element that a member of a resource is: a choice's without its type.
fn element(kind: ResourceType, member: &str) -> &str {
    let own = r4().resource(kind.as_str()).map(|id| r4().get(id));
    own.and_then(|own| Some(own.element(own.member(member)?).name)).unwrap_or(member)
}

/// The elements of a type, and whether each must be there.
fn elements(kind: ResourceType) -> impl Iterator<Item = (&'static str, bool)> {
    let own = r4().resource(kind.as_str()).map(|id| r4().get(id));
    own.into_iter().flat_map(|own| &own.elements).map(|element| (element.name, element.is_required))
}

impl Shape {
    /// The resource in this shape.
    ///
    /// # Errors
    /// The text is not JSON: the store is damaged.
    pub fn of(&self, kind: ResourceType, body: &str) -> Result<String, Vec<Issue>> {
        let document = Document::stored(body, kind)?;
        let gone: Vec<_> = document.root().members().map(|member| member.name().into_owned()).collect();
        let gone = gone.into_iter().filter(|name| !self.keeps(kind, name.trim_start_matches('_')));
        let edit = gone.fold(document.edit(), |edit, name| edit.remove(name.trim_start_matches('_')));
        Ok(edit.subsetted().finish())
    }

    /// Whether anything is left out.
    pub fn is_whole(&self) -> bool {
        *self == Self::Whole
    }

    fn keeps(&self, kind: ResourceType, name: &str) -> bool {
        let name = element(kind, name);
        let is_required = || elements(kind).any(|(own, required)| required && own == name);
        match self {
            Self::Whole => true,
            Self::Data => name != "text",
            _ if ALWAYS.contains(&name) || is_required() => true,
            Self::Text => name == "text",
            Self::Summary => summary(kind).contains(&name),
            Self::Elements(wanted) => wanted.iter().any(|own| own == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: &str = include_str!("../../tests/examples/everything-kept.json");
    const KIND: ResourceType = ResourceType::Communication;

    fn shaped(shape: &Shape) -> serde_json::Value {
        serde_json::from_str(&shape.of(KIND, KEPT).unwrap()).unwrap()
    }

    #[test]
    fn a_summary_names_elements_that_the_types_have() {
        for kind in ResourceType::ALL {
            for name in summary(*kind) {
                assert!(has_element(*kind, name), "{kind}.{name}");
            }
        }
    }

    #[test]
    fn a_choice_is_kept_by_the_name_without_its_type() {
        let consent = r#"{"resourceType":"Consent","sourceReference":{"reference":"Consent/1"},"language":"en"}"#;
        for shape in [Shape::Summary, Shape::Elements(vec!["source".to_owned()])] {
            let kept = shape.of(ResourceType::Consent, consent).unwrap();
            assert!(kept.contains("sourceReference") && !kept.contains("language"), "{kept}");
        }
    }

    #[test]
    fn what_must_be_there_stays_and_what_is_left_out_is_marked() {
        for shape in [Shape::Summary, Shape::Text, Shape::Data, Shape::Elements(vec!["sent".into()])] {
            let own = shaped(&shape);
            assert_eq!(own["resourceType"], "Communication");
            assert!(own["status"].is_string(), "{shape:?}");
            let tags = own["meta"]["tag"].as_array().unwrap();
            assert_eq!(tags.last().unwrap()["code"], "SUBSETTED", "{shape:?}");
            Document::parse(own.to_string().as_bytes(), KIND).unwrap();
        }
        assert!(shaped(&Shape::Elements(vec!["sent".into()]))["sent"].is_string());
        assert!(shaped(&Shape::Summary).get("payload").is_none());
        assert!(shaped(&Shape::Data)["payload"].is_array() && shaped(&Shape::Data).get("text").is_none());
        assert!(shaped(&Shape::Text).get("payload").is_none());
        assert!(shaped(&Shape::Text)["text"].is_object() == KEPT.contains("\"div\""));
    }

    #[test]
    fn what_is_kept_is_kept_to_the_letter() {
        let shape = Shape::Elements(vec!["payload".into(), "extension".into()]);
        let text = shape.of(KIND, KEPT).unwrap();
        let document = Document::stored(KEPT, KIND).unwrap();
        for name in ["payload", "extension"] {
            assert!(text.contains(document.get(name).unwrap().raw()), "{name}");
        }
    }
}
