//! The typed model as a second opinion on what the validator lets through.

const EXAMPLES: [&str; 6] = [
    include_str!("examples/everything-kept.json"),
    include_str!("examples/patient-refill.json"),
    include_str!("examples/proxy-with-photo.json"),
    include_str!("examples/red-flag-in-billing.json"),
    include_str!("examples/staff-reply.json"),
    include_str!("examples/thread-header.json"),
];

#[test]
fn the_typed_model_reads_every_example_also_once_the_server_fields_are_set() {
    for text in EXAMPLES {
        fhir_model::check("Communication", text).unwrap();
        let message =
            fhir::resource::Document::parse(text.as_bytes(), domain::id::ResourceType::Communication).unwrap();
        let edited = message.edit().set_text("id", "c-1").meta(1, "2026-06-19T21:30:00Z", &["internal"]).finish();
        fhir_model::check("Communication", &edited).unwrap();
    }
}

#[test]
fn the_typed_model_is_no_validator() {
    // Why the validator stands in front: the model takes what FHIR forbids and says nothing.
    let unknown = r#"{"resourceType":"Communication","status":"completed","sttus":"x"}"#;
    assert_eq!(fhir_model::check("Communication", unknown), Ok(()));
    assert_eq!(fhir_model::check("Task", unknown), Err(fhir_model::ModelError::OtherType));
}
