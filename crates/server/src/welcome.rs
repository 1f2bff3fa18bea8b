//! What a developer sees at start: where the service is, and three requests to paste.

use std::net::SocketAddr;

use api::auth::{DevelopmentClaims, DevelopmentIssuer, DevelopmentKeyError};
use domain::time::TimeSource as _;

use crate::clinic::{FAMILY, REFILL, engine, message, nurse, patient};
use crate::clock::SystemTime;
use crate::config::Config;

/// The text, with tokens that work for twelve hours.
pub fn text(config: &Config, address: SocketAddr) -> Result<String, DevelopmentKeyError> {
    let issuer = DevelopmentIssuer::load_or_create(&config.development_key)?;
    let token = |who: &DevelopmentClaims| issuer.mint(who, SystemTime.now(), DevelopmentIssuer::LIFETIME);
    let base = format!("http://{address}");
    let body = message("p-1001", REFILL, "refill", "Refill", "I have five tablets left. Could you send the refill?");
    Ok(format!(
        "\n\
        Postern is ready in development mode.\n\
        \n\
        API page      {base}/docs/\n\
        OpenAPI       {base}/openapi.json\n\
        Capabilities  {base}/fhir/metadata\n\
        \n\
        A patient sends a message:\n\
        curl -s '{base}/fhir/Communication' -H 'Authorization: Bearer {patient}' -H 'Content-Type: application/fhir+json' -d '{body}'\n\
        \n\
        A nurse lists what is due, soonest first:\n\
        curl -s '{base}/fhir/Task?owner={FAMILY},{REFILL}&status=requested,accepted&_sort=due' -H 'Authorization: Bearer {nurse}'\n\
        \n\
        An integration engine searches a patient's messages:\n\
        curl -s '{base}/fhir/Communication?patient=Patient/p-1001&_sort=-sent&_count=5' -H 'Authorization: Bearer {engine}'\n\
        \n\
        More tokens: postern token --help. Ctrl-C stops the service.\n",
        patient = token(&patient("p-1001"))?,
        nurse = token(&nurse())?,
        engine = token(&engine())?,
    ))
}
