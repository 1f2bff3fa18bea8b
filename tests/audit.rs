//! The audit trail of a running service: sealed, followed, and tampered with by somebody who has the database.

use std::fs;
use std::sync::Arc;

use api::audit::AuditKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::audit::{Broken, Checkpoint};
use domain::id::TenantId;
use domain::store::Store;
use reqwest::Method;
use server::audit::{Found, verify};
use server::clinic;
use server::config::Config;
use server::service::Service;

use crate::house::{House, variables, work};
use crate::people::{nurse, patient, refill, reply, scoped};

async fn followed(house: &House, known: &[Checkpoint]) -> Vec<Found> {
    let store: Arc<dyn Store> = Arc::new(house.service().store().clone());
    let key = AuditKey::load_or_create(&house.place.audit_key()).unwrap();
    verify(&store, &key, known).await.unwrap()
}

async fn broken(house: &House, known: &[Checkpoint]) -> Option<Broken> {
    let found = followed(house, known).await;
    found.into_iter().find(|found| found.tenant == TenantId::new(TenantId::DEFAULT)).unwrap().broken
}

/// Reads that leave so many rows, sealed.
async fn some_rows(house: &House, count: usize) {
    for _ in 0..count {
        house.get(&clinic::engine(), "/fhir/HealthcareService").await.is(200);
    }
    house.work().await;
}

async fn a1_refusals_of_strangers_belong_to_no_tenant_and_are_sealed_too(house: &House) {
    let url = format!("http://{}/fhir/Communication", house.service().address());
    let refused = reqwest::Client::new().get(url).bearer_auth("x.y.z").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    house.work().await;
    assert_eq!(house.place.count("audit", "tenant = 'system' AND outcome = '4' AND source = '127.0.0.1'"), 1);
    assert_eq!(house.place.count("audit", "sequence IS NULL"), 0);
    assert!(followed(house, &[]).await.iter().all(|found| found.broken.is_none()));
}

async fn a3_what_is_done_to_the_trail_is_found_at_its_first_sequence(house: &House) {
    some_rows(house, 8).await;
    assert_eq!(broken(house, &[]).await, None);
    let end = followed(house, &[]).await.into_iter().map(|found| found.end);
    let end = end.filter(|end| end.tenant == TenantId::new(TenantId::DEFAULT)).collect::<Vec<_>>();
    let last = end[0].sequence;
    assert!(last >= 8, "{last}");

    house.place.execute("UPDATE audit SET client = 'somebody' WHERE tenant = 'default' AND sequence = 3");
    assert_eq!(broken(house, &end).await, Some(Broken::Changed(3)));
    house.place.execute("UPDATE audit SET client = 'engine-was' WHERE tenant = 'default' AND sequence = 2");
    assert_eq!(broken(house, &end).await, Some(Broken::Changed(2)));
    house.place.execute("DELETE FROM audit WHERE tenant = 'default' AND sequence = 1");
    assert_eq!(broken(house, &end).await, Some(Broken::Missing(1)));
}

async fn a3_an_access_that_is_hidden_from_whom_it_is_about_is_found(house: &House) {
    house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201);
    house.get(&nurse(), "/fhir/Communication?patient=p-1001").await.is(200);
    some_rows(house, 2).await;
    assert_eq!(broken(house, &[]).await, None);
    let looked = "SELECT max(sequence) AS value FROM audit WHERE tenant = 'default' AND interaction = 'search-type' \
         AND about LIKE '%Patient/p-1001%'";
    let looked = house.place.number(looked);
    let row = format!("(SELECT id FROM audit WHERE tenant = 'default' AND sequence = {looked})");
    // Rows of one instant are sealed in any order.
    let other = if looked == 1 { 2 } else { 1 };
    house.place.execute(&format!(
        "INSERT INTO audit_about (tenant, reference, audit) SELECT 'default', 'Patient/p-2002', id FROM audit \
         WHERE tenant = 'default' AND sequence = {other}"
    ));
    assert_eq!(broken(house, &[]).await, Some(Broken::Hidden(other)), "shown where it does not belong");
    house.place.execute("DELETE FROM audit_about WHERE reference = 'Patient/p-2002'");
    assert_eq!(broken(house, &[]).await, None);
    house.place.execute(&format!("DELETE FROM audit_about WHERE reference = 'Patient/p-1001' AND audit = {row}"));
    assert_eq!(broken(house, &[]).await, Some(Broken::Hidden(looked)), "and hidden where it does");
}

async fn a3_a_cut_trail_is_found_by_what_was_written_down_elsewhere(house: &House) {
    some_rows(house, 5).await;
    let end: Vec<_> = followed(house, &[]).await.into_iter().map(|found| found.end).collect();
    let last = end.iter().find(|end| end.tenant == TenantId::new(TenantId::DEFAULT)).unwrap().sequence;
    house.place.execute(&format!("DELETE FROM audit WHERE tenant = 'default' AND sequence > {}", last - 2));
    assert_eq!(broken(house, &[]).await, None, "by itself it looks whole");
    assert_eq!(broken(house, &end).await, Some(Broken::Missing(last - 1)));
    house.place.execute("DELETE FROM audit WHERE tenant = 'default'");
    assert_eq!(broken(house, &end).await, Some(Broken::Missing(1)), "a trail that is gone is remembered");
}

async fn a3_a_trail_under_another_key_is_neither_believed_nor_continued(house: &House) {
    some_rows(house, 3).await;
    let (store, other) = (house.service().store().clone(), house.place.folder.join("another-key"));
    let store: Arc<dyn Store> = Arc::new(store);
    let other = AuditKey::load_or_create(&other).unwrap();
    let found = verify(&store, &other, &[]).await.unwrap();
    assert!(found.iter().all(|found| found.broken == Some(Broken::Changed(1))), "{found:?}");
    let last = house.place.number("SELECT max(sequence) AS value FROM audit WHERE tenant = 'default'");
    house.place.execute(&format!("UPDATE audit SET given = 99 WHERE tenant = 'default' AND sequence = {last}"));
    house.get(&clinic::engine(), "/fhir/HealthcareService").await.is(200);
    assert!(work(&[house.service().worker()]).await.failed[0].contains("POSTERN_AUDIT_KEY"));
    let after = house.place.number("SELECT max(sequence) AS value FROM audit WHERE tenant = 'default'");
    assert_eq!(after, last, "nothing is hung on a row that was changed");
    assert_eq!(house.place.count("audit", "tenant = 'default' AND sequence IS NULL"), 1, "and nothing is lost");
}

async fn a_trail_that_cannot_be_continued_keeps_no_other_back_and_is_not_tried_without_end(house: &House) {
    some_rows(house, 1).await;
    let last = house.place.number("SELECT max(sequence) AS value FROM audit WHERE tenant = 'default'");
    house.place.execute(&format!("UPDATE audit SET given = 99 WHERE tenant = 'default' AND sequence = {last}"));
    house.place.execute(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) \
         INSERT INTO audit (tenant, id, at, client, action, interaction, given, request) \
         SELECT tenant, 'copy-' || i, at, client, action, interaction, given, request FROM audit, n \
         WHERE tenant = 'default' AND sequence = {last}"
    ));
    let url = format!("http://{}/fhir/Communication", house.service().address());
    reqwest::Client::new().get(url).bearer_auth("x.y.z").send().await.unwrap();
    let report = house.service().worker().tick().await.unwrap();
    assert_eq!((report.sealed, report.full, report.failed.len()), (1, false, 1), "the others' rows, and no haste");
    assert_eq!(house.place.count("audit", "tenant = 'system' AND sequence IS NULL"), 0);
    assert_eq!(house.place.count("audit", "tenant = 'default' AND sequence IS NULL"), 1100, "nothing is lost");
    assert!(house.metrics().await.contains("postern_worker_failures_total{step=\"seal\"} 1"));
}

async fn no_key_is_made_for_a_trail_that_has_one(house: &House) {
    some_rows(house, 1).await;
    fs::remove_file(house.place.audit_key()).unwrap();
    let config = Config::from_variables(&variables(&house.place).into_iter().collect()).unwrap();
    let refused = Service::start(&config, Arc::clone(&house.time) as _, 0).await.err().unwrap().to_string();
    assert!(refused.contains("POSTERN_AUDIT_KEY") && refused.contains("put the key"), "{refused}");
    assert!(!house.place.audit_key().exists());
}

async fn a4_many_writers_and_two_sealers_make_one_chain(house: &House) {
    let another = house.another().await;
    let engine = clinic::engine();
    let reads = (0..50).map(|_| house.get(&engine, "/fhir/HealthcareService"));
    let sealers = async {
        for _ in 0..10 {
            work(&[house.service().worker(), another.service.worker()]).await;
        }
    };
    futures_util::future::join(futures_util::future::join_all(reads), sealers).await;
    work(&[house.service().worker(), another.service.worker()]).await;
    let rows = house.place.count("audit", "tenant = 'default'");
    let distinct = house.place.number("SELECT count(DISTINCT sequence) AS value FROM audit WHERE tenant = 'default'");
    let last = house.place.number("SELECT max(sequence) AS value FROM audit WHERE tenant = 'default'");
    assert!(rows >= 50 && rows == distinct && rows == last, "{rows} {distinct} {last}");
    assert_eq!(broken(house, &[]).await, None);
    another.stop().await;
}

async fn a5_the_trail_is_read_by_those_who_may_and_by_nobody_else(house: &House) {
    let message = house.create(&patient("p-1001"), &refill("p-1001", "Mrs Canary takes five.")).await.is(201).id();
    house.pass(1);
    house.get(&patient("p-2002"), &format!("/fhir/Communication/{message}")).await.is(404);
    let officer = scoped(&nurse(), "user/AuditEvent.rs postern/admin.read");
    for reader in [scoped(&clinic::engine(), "system/AuditEvent.rs"), officer] {
        let found = house.get(&reader, &format!("/fhir/AuditEvent?entity=Communication/{message}")).await.is(200);
        let events = found.resources();
        let told: Vec<_> = events.iter().map(|event| (event["action"].as_str(), event["outcome"].as_str())).collect();
        assert_eq!(told, [(Some("R"), Some("4")), (Some("C"), Some("0"))], "the latest first");
        assert_eq!(events[0]["agent"][0]["who"]["reference"], "Patient/p-2002");
        let one = house.get(&reader, &format!("/fhir/AuditEvent/{}", events[0]["id"].as_str().unwrap())).await.is(200);
        assert_eq!(one.json(), events[0]);
        house.get(&reader, "/fhir/AuditEvent/019ee000-0000-7000-8000-000000000000").await.is(404);
        house.get(&reader, "/fhir/AuditEvent?agent-name=Canary").await.is(400);
        let all = house.get(&reader, "/fhir/AuditEvent?_count=200").await.is(200);
        assert!(!all.text.contains("Canary"));
        assert!(all.text.contains("search-audit-event"), "looking at it is recorded too");
    }
    for stranger in [
        patient("p-1001"),
        scoped(&patient("p-1001"), "patient/*.cruds postern/admin.read"),
        nurse(),
        scoped(&nurse(), "postern/admin.read"),
        scoped(&clinic::engine(), "system/Communication.rs postern/admin.read"),
    ] {
        house.get(&stranger, "/fhir/AuditEvent").await.is(403);
        house.get(&stranger, "/fhir/AuditEvent/019ee000-0000-7000-8000-000000000000").await.is(403);
    }
    let other = house.issuer.token(
        &serde_json::json!({ "sub": "m", "client_id": "m", "scope": "system/*.cruds" }),
        house.time_now().timestamp(),
    );
    let found = house.ask(Method::GET, &format!("/fhir/AuditEvent?entity=Communication/{message}")).bearer(&other);
    assert_eq!(found.send().await.is(200).resources().len(), 0, "another organisation has a trail of its own");
}

async fn a5_the_trail_is_found_by_each_parameter(house: &House) {
    let message = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    house.at(20, "09:00:00");
    house.get(&nurse(), &format!("/fhir/Communication/{message}")).await.is(200);
    let reader = clinic::engine();
    let count = async |query: &str| house.get(&reader, &format!("/fhir/AuditEvent?{query}")).await.is(200).ids().len();
    let message = format!("Communication/{message}");
    assert_eq!(count(&format!("entity={message}")).await, 2);
    assert_eq!(count(&format!("entity={message}&action=R")).await, 1);
    assert_eq!(count(&format!("entity={message}&action=C&patient=p-1001")).await, 1);
    assert_eq!(count(&format!("entity={message}&patient=p-2002")).await, 0);
    assert_eq!(count(&format!("entity={message}&outcome=4")).await, 0);
    assert_eq!(count("agent=Practitioner/nurse-ortiz&date=2026-06-20").await, 1);
    assert_eq!(count("agent=Practitioner/nurse-ortiz&date=lt2026-06-20").await, 0);
    assert_eq!(count("agent=Practitioner/nurse-ortiz&date=ge2026-06-20T12:00:00Z&date=le2026-06-21").await, 1);
    let id = house.get(&reader, &format!("/fhir/AuditEvent?entity={message}")).await.ids().remove(0);
    assert_eq!(count(&format!("_id={id}")).await, 1);
    let form = house.ask(Method::POST, "/fhir/AuditEvent/_search").by(&reader).form(&format!("_id={id}")).send().await;
    assert_eq!(form.is(200).ids(), [id]);
    // Pages neither skip nor repeat, though each look adds a row at the front.
    let (mut seen, mut next) = (vec![], Some("/fhir/AuditEvent?_count=2&date=le2026-06-20T13:00:00Z".to_owned()));
    let whole = house.get(&reader, "/fhir/AuditEvent?_count=200&date=lt2026-06-20").await.is(200).ids();
    while let Some(address) = next {
        house.pass(1);
        let page = house.get(&reader, &address).await.is(200);
        seen.extend(page.ids());
        next = page.link("next");
    }
    assert!(whole.len() > 2 && whole.iter().all(|id| seen.iter().filter(|own| *own == id).count() == 1), "{seen:?}");
}

async fn a1_a_change_of_nothing_is_recorded_and_shows_nothing_to_who_may_only_change(house: &House) {
    let message = house.create(&patient("p-1001"), &refill("p-1001", "Mrs Canary takes five.")).await.is(201);
    let (id, body) = (message.id(), message.json());
    let path = format!("/fhir/Communication/{id}");
    let changes = scoped(&patient("p-1001"), "patient/Communication.u");
    let finds = scoped(&patient("p-1001"), "patient/Communication.us");
    let unpatched = |who, path: &str| {
        let ask = house.ask(Method::PATCH, path).by(who).header("content-type", "application/json-patch+json");
        ask.body(b"[]".to_vec()).send()
    };
    let recorded = || house.place.count("audit", "focus_kind = 'Communication' AND patient = 'Patient/p-1001'");
    let before = recorded();
    for (reply, shown) in [
        (unpatched(&changes, &path).await, false),
        (house.put(&changes, &path, &body).await, false),
        (unpatched(&finds, &format!("/fhir/Communication?_id={id}")).await, false),
        (house.put(&finds, &format!("/fhir/Communication?_id={id}"), &body).await, false),
        (unpatched(&patient("p-1001"), &path).await, true),
        (house.put(&patient("p-1001"), &path, &body).await, true),
    ] {
        let reply = reply.is(200);
        assert_eq!(reply.text.contains("Canary"), shown, "{}", reply.text);
        assert_eq!(reply.header("etag"), "W/\"1\"");
    }
    assert_eq!(recorded(), before + 6, "one row for each");
    // A retry under a condition says again what was sent, without an id.
    let mut again = refill("p-1001", "Mrs Canary takes five.");
    again["identifier"] = serde_json::json!([{ "system": "urn:portal", "value": "again" }]);
    house.create(&patient("p-1001"), &again).await.is(201);
    let retried = house.put(&finds, "/fhir/Communication?identifier=urn:portal|again", &again).await.is(200);
    assert!(!retried.text.contains("Canary"));
    assert_eq!(house.place.count("audit", "interaction = 'update' AND action = 'R'"), 4);
}

async fn a1_whoever_looks_at_a_patient_is_found_by_that_patient(house: &House) {
    let one = house.create(&patient("p-1001"), &refill("p-1001", "One.")).await.is(201).id();
    let two = house.create(&patient("p-2002"), &refill("p-2002", "Two.")).await.is(201).id();
    let task = house.task(&one).await["id"].as_str().unwrap().to_owned();
    let looked = async |path: &str, patients: &[&str], query: &str| {
        house.pass(60);
        let from = house.time_now();
        house.get(&nurse(), path).await.is(200);
        for patient in ["p-1001", "p-2002"] {
            let asked = format!("/fhir/AuditEvent?patient={patient}&agent=Practitioner/nurse-ortiz&date=ge{from}");
            let events = house.get(&clinic::engine(), &asked).await.is(200).resources();
            assert_eq!(events.len(), usize::from(patients.contains(&patient)), "{path}: {patient}");
            for event in events {
                let queries = event["entity"].as_array().unwrap().iter().filter_map(|one| one["query"].as_str());
                let queries: Vec<_> =
                    queries.map(|text| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()).collect();
                assert_eq!(queries.join(" "), query);
            }
        }
    };
    looked(&format!("/fhir/Communication/{one}"), &["p-1001"], "").await;
    looked(&format!("/fhir/Communication/{one}/_history/1"), &["p-1001"], "").await;
    looked(&format!("/fhir/Task/{task}"), &["p-1001"], "").await;
    let search = "Communication?category=refill";
    looked(&format!("/fhir/{search}"), &["p-1001", "p-2002"], search).await;
    let history = format!("Communication/{two}/_history?_since=2026-06-01T00:00:00Z");
    looked(&format!("/fhir/{history}"), &["p-2002"], &history).await;
    looked("/fhir/Communication/_history?_count=200", &["p-1001", "p-2002"], "Communication/_history?_count=200").await;
    looked("/fhir/Communication/$inbox?count=20", &["p-1001", "p-2002"], "Communication/$inbox?count=20").await;
    looked(
        &format!("/fhir/Communication/{two}/$thread"),
        &["p-2002"],
        &format!("Communication?thread=Communication/{two}&_sort=sent"),
    )
    .await;
    let found = house.get(&clinic::engine(), &format!("/fhir/AuditEvent?entity=Communication/{two}&action=E")).await;
    assert_eq!(found.is(200).ids().len(), 5, "what gave it out among others");
    house.work().await;
    assert_eq!(broken(house, &[]).await, None);
}

async fn a1_what_administration_reads_is_found_by_whom_it_tells_of(house: &House) {
    let one = house.create(&patient("p-1001"), &refill("p-1001", "One.")).await.is(201).id();
    let block = serde_json::json!({ "sender": "Patient/p-3003", "reason": "abuse", "until": "2026-06-25T14:00:00Z" });
    let administrator = scoped(&clinic::engine(), "postern/admin.read postern/admin.write");
    house.post(&administrator, "/api/v1/blocks", &block.to_string()).await.is(201);
    let held = house.create(&patient("p-3003"), &refill("p-3003", "Held.")).await.is(201).id();
    let looked = async |path: &str, query: &str| {
        house.pass(60);
        let from = house.time_now();
        house.get(&administrator, path).await.is(200);
        let asked = format!("/fhir/AuditEvent?{query}&action=R&date=ge{from}");
        assert_eq!(house.get(&clinic::engine(), &asked).await.is(200).ids().len(), 1, "{path}");
    };
    let conversation = format!("entity=Communication/{one}");
    looked(&format!("/api/v1/threads/{one}/clocks"), &conversation).await;
    looked(&format!("/api/v1/overrides?thread={one}"), &conversation).await;
    looked(&format!("/api/v1/decisions?focus=Communication/{one}"), &conversation).await;
    looked("/api/v1/holds", "patient=p-3003").await;
    looked("/api/v1/holds", &format!("entity=Communication/{held}")).await;
    looked("/api/v1/blocks", "patient=p-3003").await;
    let absence = serde_json::json!({ "person": "Practitioner/kim", "reason": "vacation",
        "from": "2026-06-19T14:00:00Z", "until": "2026-06-26T14:00:00Z" });
    house.post(&administrator, "/api/v1/absences", &absence.to_string()).await.is(201);
    house.get(&administrator, "/api/v1/absences").await.is(200);
    let told = "interaction = 'list-absences' AND about LIKE '%Practitioner/kim%'";
    assert_eq!(house.place.count("audit", told), 1);
    house.create(&nurse(), &reply("p-1001", &one, "Tomorrow.")).await.is(201);
    house.work().await;
    looked("/api/v1/deliveries", "patient=p-1001").await;
}

async fn a1_who_is_nobody_in_the_directory_is_named_by_their_subject(house: &House) {
    let mut someone = scoped(&clinic::engine(), "postern/admin.read");
    "auth0|5f7c".clone_into(&mut someone.sub);
    house.get(&someone, "/api/v1/decisions").await.is(200);
    let rows = house.place.count("audit", "subject = 'auth0|5f7c' AND issuer IS NOT NULL AND agent IS NULL");
    assert_eq!(rows, 1);
    let event = house.get(&clinic::engine(), "/fhir/AuditEvent?action=R").await.is(200).resources().remove(0);
    assert_eq!(event["agent"][0]["who"]["identifier"]["value"], "auth0|5f7c");
    house.work().await;
    house.place.execute("UPDATE audit SET subject = 'somebody' WHERE subject = 'auth0|5f7c'");
    assert!(matches!(broken(house, &[]).await, Some(Broken::Changed(_))));
}

async fn a1_what_the_service_itself_does_is_recorded(house: &House) {
    let message = house.create(&patient("p-1001"), &refill("p-1001", "One.")).await.is(201).id();
    house.at(24, "09:00:00");
    let report = house.work().await;
    assert!(!report.fired.is_empty() && !report.delivered.is_empty());
    let fired = house.place.count("audit", "interaction = 'fire-threshold' AND patient = 'Patient/p-1001'");
    assert!(fired > 0);
    let told = house
        .place
        .count("audit", &format!("interaction = 'deliver-notices' AND about LIKE '%Communication/{message}%'"));
    assert!(told > 0);
}

on_both!(house:
    a1_a_change_of_nothing_is_recorded_and_shows_nothing_to_who_may_only_change,
    a1_whoever_looks_at_a_patient_is_found_by_that_patient,
    a1_what_administration_reads_is_found_by_whom_it_tells_of,
    a1_who_is_nobody_in_the_directory_is_named_by_their_subject,
    a1_what_the_service_itself_does_is_recorded,
    a5_the_trail_is_read_by_those_who_may_and_by_nobody_else,
    a5_the_trail_is_found_by_each_parameter,
    a1_refusals_of_strangers_belong_to_no_tenant_and_are_sealed_too,
    a3_what_is_done_to_the_trail_is_found_at_its_first_sequence,
    a3_an_access_that_is_hidden_from_whom_it_is_about_is_found,
    a3_a_cut_trail_is_found_by_what_was_written_down_elsewhere,
    a3_a_trail_under_another_key_is_neither_believed_nor_continued,
    a_trail_that_cannot_be_continued_keeps_no_other_back_and_is_not_tried_without_end,
    no_key_is_made_for_a_trail_that_has_one,
    a4_many_writers_and_two_sealers_make_one_chain,
);
