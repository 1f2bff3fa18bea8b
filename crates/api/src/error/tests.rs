use actix_web::body::MessageBody as _;
use actix_web::web::Bytes;
use serde_json::Value;

use super::*;

fn body(response: HttpResponse) -> Value {
    let bytes: Bytes = response.into_body().try_into_bytes().unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn each_cause_has_its_status_and_issue_code() {
    let wait = Span::from_seconds(7);
    let table = [
        (Failure::invalid(IssueCode::Structure, "x"), 400, "structure"),
        (Failure::invalid(IssueCode::NotSupported, "x"), 400, "not-supported"),
        (Failure::Credentials, 400, "login"),
        (Failure::Unauthenticated("missing"), 401, "login"),
        (Failure::Unauthenticated("expired"), 401, "login"),
        (Failure::Forbidden(Denied::Scope), 403, "forbidden"),
        (Failure::Forbidden(Denied::Context), 403, "forbidden"),
        (Failure::NotAllowed(vec![Issue::error(IssueCode::Forbidden, "x")]), 403, "forbidden"),
        (Failure::NotFound, 404, "not-found"),
        (Failure::NoRoute, 404, "not-found"),
        (Failure::Method("GET".into()), 405, "not-supported"),
        (Failure::NotAcceptable, 406, "not-supported"),
        (Failure::Timeout, 408, "timeout"),
        (Failure::Conflict, 409, "conflict"),
        (Failure::Duplicate, 409, "duplicate"),
        (Failure::Gone, 410, "deleted"),
        (Failure::Precondition, 412, "conflict"),
        (Failure::SeveralMatch, 412, "multiple-matches"),
        (Failure::NoneMatches, 412, "not-found"),
        (Failure::TooLarge(10), 413, "too-long"),
        (Failure::too_costly("Too much."), 413, "too-costly"),
        (Failure::LongAddress(10), 414, "too-long"),
        (Failure::MediaType("x"), 415, "not-supported"),
        (Failure::Business(vec![Issue::error(IssueCode::BusinessRule, "x")]), 422, "business-rule"),
        (Failure::NotNow("x".into(), "y"), 409, "conflict"),
        (Failure::Findings(vec![finding()]), 422, "invalid"),
        (Failure::Throttled(wait), 429, "throttled"),
        (Failure::Unavailable("secret".into(), wait), 503, "transient"),
        (Failure::Internal("secret".into()), 500, "exception"),
    ];
    for (failure, status, code) in table {
        let response = failure.respond(Style::Fhir);
        assert_eq!(response.status().as_u16(), status, "{failure:?}");
        assert_eq!(response.headers().get("x-content-type-options").unwrap(), "nosniff");
        let outcome = body(response);
        assert_eq!(outcome["resourceType"], "OperationOutcome");
        assert_eq!(outcome["issue"][0]["code"], code, "{failure:?}");
        let problem = body(failure.respond(Style::Problem));
        assert_eq!(
            (problem["status"].as_u64(), problem["issues"][0]["code"].as_str()),
            (Some(status.into()), Some(code))
        );
        assert!(!problem.to_string().contains("secret") && !outcome.to_string().contains("secret"));
    }
}

fn finding() -> Finding {
    use domain::policy::lint::Severity;
    Finding { severity: Severity::Error, pointer: "/a/0".into(), message: "wrong".into(), remedy: "right it".into() }
}

#[test]
fn a_finding_is_told_with_its_pointer_and_remedy() {
    let problem = body(Failure::Findings(vec![finding()]).respond(Style::Problem));
    let told = serde_json::json!([{ "code": "invalid", "pointer": "/a/0", "message": "wrong", "remedy": "right it" }]);
    assert_eq!((&problem["issues"], problem["detail"].as_str()), (&told, Some("/a/0: wrong (right it)")));
}

#[test]
fn headers_tell_clients_what_to_do() {
    let header = |failure: &Failure, name: &str| {
        failure.respond(Style::Fhir).headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(header(&Failure::Unauthenticated("missing"), "www-authenticate").unwrap(), "Bearer");
    let told = header(&Failure::Unauthenticated("signature"), "www-authenticate").unwrap();
    assert_eq!(told, "Bearer error=\"invalid_token\"", "which check failed is not told");
    assert_eq!(header(&Failure::Method("GET, HEAD".into()), "allow").unwrap(), "GET, HEAD");
    assert_eq!(header(&Failure::Throttled(Span::from_seconds(7)), "retry-after").unwrap(), "7");
    let busy = Failure::from(StoreError::Busy { retry_after: Span::from_seconds(0) });
    assert_eq!(header(&busy, "retry-after").unwrap(), "1");
}

#[test]
fn a_lost_race_is_told_by_what_the_client_asked() {
    assert_eq!(Failure::lost(true).status(), 412);
    assert_eq!(Failure::lost(false).status(), 409);
}

#[test]
fn the_fhir_interface_is_told_in_fhirs_words() {
    assert_eq!(Style::of("/fhir/Communication"), Style::Fhir);
    for path in ["/", "/api/v1/decisions", "/fhirx", "//fhir", "/livez"] {
        assert_eq!(Style::of(path), Style::Problem, "{path}");
    }
}
