//! From a resource to the row that keeps it.

use domain::change::{Audience, ResourceWrite};
use domain::id::{Key, Reference, ResourceId, ResourceType, Version};
use jiff::Timestamp;

use crate::issue::{Issue, IssueCode};
use crate::resource::Document;
use crate::search;

/// A moment as FHIR writes an instant, to the millisecond (<https://hl7.org/fhir/R4/datatypes.html#instant>).
pub fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// What is stored beside a resource's text.
#[derive(Clone, Debug)]
pub struct Filing {
    /// The version.
    pub version: Version,
    /// When it was written.
    pub last_updated: Timestamp,
    /// The type's own date.
    pub date: Timestamp,
    /// The thread it belongs to.
    pub thread: Option<ResourceId>,
    /// The patient it is about.
    pub patient: Option<Reference>,
    /// Who wrote it.
    pub author: Option<Reference>,
    /// Who may see it.
    pub audience: Audience,
}

/// The row of a text that the service has finished. The values it is found by are read off the text itself, so that
/// what is found is always what is there.
pub fn filed(key: Key, body: String, filing: Filing) -> Result<ResourceWrite, Vec<Issue>> {
    let document = Document::stored(body, key.kind)?;
    let values = search::values(&document);
    let Filing { version, last_updated, date, thread, patient, author, audience } = filing;
    Ok(ResourceWrite {
        key,
        version,
        last_updated,
        date,
        deleted: false,
        made_by_update: false,
        thread,
        patient,
        author,
        audience,
        body: document.into_text(),
        values,
    })
}

/// The system of the tag that a search puts on what it has given out in part (<https://hl7.org/fhir/R4/search.html#summary>).
const OBSERVATION_VALUE: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

/// Whether a resource is all of it: what was given out in part must not take the place of the whole.
///
/// # Errors
/// It says that it is not, in a tag.
pub fn whole(document: &Document) -> Result<(), Issue> {
    let is_part = document.root().at("meta").is_some_and(|meta| {
        let mut tags = meta.each("tag").map(crate::json::Value::as_coding);
        tags.any(|tag| tag.system.as_deref() == Some(OBSERVATION_VALUE) && tag.code.as_deref() == Some("SUBSETTED"))
    });
    if !is_part {
        return Ok(());
    }
    let text = "Parts of this were left out when it was read (SUBSETTED), so it cannot stand for the whole: read it without \
                _summary and _elements, and send all of it.";
    Err(Issue::error(IssueCode::BusinessRule, text).at(format!("{}.meta.tag", document.kind())).because("subsetted"))
}

/// The version that says that a resource is deleted: nothing of it is left to be found by or to be read.
pub fn deleted(write: ResourceWrite) -> ResourceWrite {
    let body = format!(
        r#"{{"resourceType":"{}","id":"{}","meta":{{"versionId":"{}","lastUpdated":"{}"}}}}"#,
        write.key.kind,
        write.key.id,
        write.version,
        instant(write.last_updated)
    );
    ResourceWrite { deleted: true, made_by_update: false, body, values: vec![], ..write }
}

/// A resource that an engine feeds, stored as received with `id` and `meta` set.
pub fn fed(
    document: &Document,
    id: &ResourceId,
    version: Version,
    now: Timestamp,
) -> Result<ResourceWrite, Vec<Issue>> {
    let kind: ResourceType = document.kind();
    let body = document.edit().set_text("id", id.as_str()).meta(version, &instant(now), &[]).finish();
    let about = if kind == ResourceType::Consent { "patient" } else { "subject" };
    let patient = document.reference(about).filter(|subject| subject.is("Patient"));
    // Of whom it is cannot be told: it is no patient's to see, and none's who looks at one patient.
    let unknown = patient.is_none() && document.root().get(about).is_some();
    let filing = Filing {
        version,
        last_updated: now,
        date: now,
        thread: None,
        patient,
        author: None,
        audience: if unknown { Audience::Author } else { Audience::Thread },
    };
    filed(Key::new(kind, id.clone()), body, filing)
}
