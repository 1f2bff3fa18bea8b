//! Who appears in the stories beside the small clinic's own people.

use api::auth::DevelopmentClaims;
use serde_json::{Value, json};

pub use server::clinic::{FAMILY, LEAD, REFILL, answer, engine, message, nurse, patient};

/// Somebody of the staff, who answers for these pools.
pub fn staff(user: &str, pools: &[&str]) -> DevelopmentClaims {
    DevelopmentClaims {
        sub: user.to_owned(),
        client_id: "ehr".to_owned(),
        scope: "user/*.cruds".to_owned(),
        fhir_user: Some(user.to_owned()),
        pools: pools.iter().map(|&pool| pool.to_owned()).collect(),
        ..DevelopmentClaims::default()
    }
}

/// A proxy who acts for a small child, and sees all of its conversations.
pub fn proxy(id: &str, patient: &str) -> DevelopmentClaims {
    DevelopmentClaims { fhir_user: Some(format!("RelatedPerson/{id}")), patient_age: Some(8), ..self::patient(patient) }
}

/// The same person with these scopes alone.
pub fn scoped(who: &DevelopmentClaims, scope: &str) -> DevelopmentClaims {
    DevelopmentClaims { scope: scope.to_owned(), ..who.clone() }
}

/// A patient's message to the refill pool.
pub fn refill(patient: &str, text: &str) -> Value {
    message(patient, REFILL, "refill", "Refill", text)
}

/// A message that goes on where another one stands.
pub fn following(mut message: Value, before: &str) -> Value {
    message["inResponseTo"] = json!([{ "reference": format!("Communication/{before}") }]);
    message
}

/// The nurse's answer.
pub fn reply(patient: &str, to: &str, text: &str) -> Value {
    answer(patient, &to.parse().unwrap(), text)
}
