//! What can be said of a message's next version without deciding about it.

use domain::message::Standing;
use fhir::communication::{Communication, standing};
use fhir::issue::Issue;
use fhir::resource::Document;

use super::KIND;
use crate::error::Failure;

/// Whether what is stored is a draft.
pub(crate) fn is_draft(body: &str) -> bool {
    Document::stored(body, KIND).is_ok_and(|document| standing(&document) == Standing::Draft)
}

/// Why a text cannot be the next version of a message: one that retracts it is no message to be sent.
pub(crate) fn obstacles(body: &[u8]) -> Result<Vec<Issue>, Failure> {
    let document = Document::parse(body, KIND)?;
    if standing(&document) == Standing::Retracted {
        return Ok(vec![]);
    }
    Ok(Communication::parse(body).err().unwrap_or_default())
}
