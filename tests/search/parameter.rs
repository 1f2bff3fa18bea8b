//! Each parameter finds what it should, the same on both databases.

use reqwest::Method;
use serde_json::json;

use crate::house::House;
use crate::people::{FAMILY, REFILL, engine, message, nurse, patient, proxy, refill, reply};

on_both!(house:
    messages_are_found_by_each_parameter,
    tasks_are_found_by_each_parameter,
    services_are_found_by_each_parameter,
    what_is_not_known_is_refused_unless_leniency_is_asked_for,
    a_form_finds_what_an_address_finds,
    values_are_values_and_never_sql,
    as_many_values_as_are_allowed_are_answered,
);

/// A small archive: the ids of four messages, in the order in which they were sent.
async fn archive(house: &House) -> [String; 4] {
    let one = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    house.pass(60);
    let mut asked = message("p-2002", FAMILY, "medical-advice", "Rash", "Larger than yesterday.");
    asked["sender"] = json!({ "reference": "RelatedPerson/rp-17" });
    asked["subject"]["identifier"] = json!({ "system": "urn:mrn", "value": "77" });
    asked["identifier"] = json!([{ "system": "urn:portal", "value": "a|b,c", "type": { "text": "Nummer" } }]);
    asked["meta"] = json!({ "tag": [{ "system": "urn:t", "code": "x" }], "profile": ["urn:profile:1"] });
    asked["priority"] = json!("routine");
    asked["topic"] = json!({ "coding": [{ "system": "urn:topic", "code": "skin", "display": "Haut" }] });
    asked["medium"] = json!([{ "coding": [{ "system": "urn:medium", "code": "portal" }] }]);
    asked["basedOn"] = json!([{ "reference": "ServiceRequest/r-1" }]);
    asked["encounter"] = json!({ "reference": "Encounter/e-1", "identifier": { "system": "urn:e", "value": "7" } });
    asked["instantiatesCanonical"] = json!(["http://elsewhere.example/PlanDefinition/p|2"]);
    asked["instantiatesUri"] = json!(["urn:protocol"]);
    let two = house.create(&proxy("rp-17", "p-2002"), &asked).await.is(201).id();
    house.pass(60);
    let three = house.create(&nurse(), &reply("p-1001", &one, "Done.")).await.is(201).id();
    house.pass(60);
    let mut draft = refill("p-3003", "Perhaps");
    draft["status"] = json!("preparation");
    draft["sender"] = json!({ "reference": "Patient/p-3003" });
    let four = house.create(&engine(), &draft).await.is(201).id();
    [one, two, three, four]
}

async fn messages_are_found_by_each_parameter(house: &House) {
    let [one, two, three, four] = archive(house).await;
    let system = fhir::canonical::MESSAGE_CATEGORY;
    let base = house.base().to_owned();
    let cases: Vec<(String, Vec<&String>)> = vec![
        (format!("_id={one}"), vec![&one]),
        (format!("_id={one},{two}"), vec![&one, &two]),
        (format!("_id={one}&_id={two}"), vec![]),
        ("patient=p-2002".to_owned(), vec![&two]),
        ("patient=Patient/p-2002".to_owned(), vec![&two]),
        (format!("patient={base}/fhir/Patient/p-2002"), vec![&two]),
        ("patient=https://elsewhere.example/Patient/p-2002".to_owned(), vec![]),
        ("subject=Patient/p-2002".to_owned(), vec![&two]),
        ("subject:Patient=p-2002".to_owned(), vec![&two]),
        ("sender=RelatedPerson/rp-17".to_owned(), vec![&two]),
        ("sender=Patient/p-1001,RelatedPerson/rp-17".to_owned(), vec![&one, &two]),
        (format!("recipient={REFILL}&status=completed"), vec![&one]),
        // Who answers in a conversation takes part in all of it.
        ("participant=Practitioner/nurse-ortiz".to_owned(), vec![&one, &three]),
        ("patient:identifier=urn:mrn|77".to_owned(), vec![&two]),
        ("subject:identifier=77".to_owned(), vec![&two]),
        ("patient:identifier=urn:other|77".to_owned(), vec![]),
        (format!("part-of=Communication/{one}&sender=Practitioner/nurse-ortiz"), vec![&three]),
        ("status=preparation".to_owned(), vec![&four]),
        ("status=http://hl7.org/fhir/event-status|preparation".to_owned(), vec![&four]),
        ("category=medical-advice".to_owned(), vec![&two]),
        (format!("category={system}|medical-advice"), vec![&two]),
        ("category=urn:other|medical-advice".to_owned(), vec![]),
        ("category=https://postern.example/CodeSystem/message-category|medical-advice".to_owned(), vec![&two]),
        ("identifier=urn:portal|a\\|b\\,c".to_owned(), vec![&two]),
        ("sent=2026-06-19T14:01:00Z&category=medical-advice".to_owned(), vec![&two]),
        ("sent=ge2026-06-19T10:02:00-04:00".to_owned(), vec![&three]),
        ("sent=gt2026-06-20".to_owned(), vec![]),
        ("sent=2026-06-19&sender=Practitioner/nurse-ortiz".to_owned(), vec![&three]),
        ("_lastUpdated=gt2026-06-19T14:02:30Z".to_owned(), vec![&four]),
        ("_tag=urn:t|x".to_owned(), vec![&two]),
        ("_profile=urn:profile:1".to_owned(), vec![&two]),
        ("_security=none-has-this".to_owned(), vec![]),
        ("priority=routine".to_owned(), vec![&two]),
        ("priority:missing=true&status=completed".to_owned(), vec![&one, &three]),
        ("topic=urn:topic|skin".to_owned(), vec![&two]),
        ("topic:text=HAU".to_owned(), vec![&two]),
        ("medium=portal".to_owned(), vec![&two]),
        ("based-on=ServiceRequest/r-1".to_owned(), vec![&two]),
        ("encounter=e-1".to_owned(), vec![&two]),
        ("encounter:identifier=urn:e|7".to_owned(), vec![&two]),
        ("instantiates-canonical=http://elsewhere.example/PlanDefinition/p|2".to_owned(), vec![&two]),
        ("instantiates-canonical=http://elsewhere.example/PlanDefinition/p".to_owned(), vec![&two]),
        ("instantiates-uri=urn:protocol".to_owned(), vec![&two]),
        ("identifier:text=num".to_owned(), vec![&two]),
        (format!("in-response-to=Communication/{one}&sender=Practitioner/nurse-ortiz"), vec![&three]),
        (format!("thread={one}"), vec![&one, &three]),
        ("thread:missing=true".to_owned(), vec![&four]),
        ("received=ge2026-06-19T14:02:00Z".to_owned(), vec![&three]),
        ("received:missing=true".to_owned(), vec![&four]),
        ("last-activity=ge2026-06-19T14:02:00Z".to_owned(), vec![&one, &three]),
        ("sent=ap2026-06-19T14:02:00Z&sender=Practitioner/nurse-ortiz".to_owned(), vec![&three]),
        ("status:not=completed".to_owned(), vec![&four]),
        // The answer has no category at all.
        ("category:not=refill,medical-advice".to_owned(), vec![&three]),
    ];
    for (query, expected) in cases {
        let shown = query.clone();
        let query = query.replace('|', "%7C").replace('\\', "%5C").replace('+', "%2B");
        let found = house.get(&engine(), &format!("/fhir/Communication?{query}&_sort=_lastUpdated")).await.is(200);
        // What people wrote: each conversation also has its automatic reply.
        let written =
            found.resources().into_iter().filter(|one| one["category"][0]["coding"][0]["code"] != "automatic");
        let ids: Vec<String> = written.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.iter().collect::<Vec<_>>(), expected, "{shown}");
    }
    // Automatic replies are there too, and no more than that.
    let all = house.get(&engine(), "/fhir/Communication?_total=accurate").await.is(200);
    assert_eq!(all.json()["total"], 6);
    assert_eq!(house.get(&engine(), "/fhir/Communication?category=automatic").await.is(200).ids().len(), 2);
    let newest = house.get(&engine(), "/fhir/Communication?_sort=-_lastUpdated&_count=1").await.is(200);
    assert_eq!(newest.ids(), [four]);
    // Each caller searches their own world.
    let own = house.get(&patient("p-1001"), "/fhir/Communication?_sort=sent&category=refill").await.is(200);
    assert_eq!(own.ids(), [one]);
    // Who of the team answers is the team's to know.
    let named = "/fhir/Communication?participant=Practitioner/nurse-ortiz";
    assert_eq!(house.get(&patient("p-1001"), named).await.is(200).ids(), [three]);
    let other =
        house.get(&patient("p-1001"), "/fhir/Communication?patient=Patient/p-2002&_total=accurate").await.is(200);
    assert_eq!(other.json()["total"], 0);
}

async fn tasks_are_found_by_each_parameter(house: &House) {
    let [one, two, ..] = archive(house).await;
    let (answered, waiting) = (house.task(&one).await, house.task(&two).await);
    let id = |task: &serde_json::Value| task["id"].as_str().unwrap().to_owned();
    let (answered, waiting) = (id(&answered), id(&waiting));
    for (query, expected) in [
        (format!("_id={answered}"), vec![&answered]),
        (format!("owner={FAMILY}"), vec![&waiting]),
        ("owner=Practitioner/nurse-ortiz".to_owned(), vec![&answered]),
        ("patient=p-2002".to_owned(), vec![&waiting]),
        ("status=completed".to_owned(), vec![&answered]),
        ("status=completed,requested".to_owned(), vec![&answered, &waiting]),
        ("business-status=met".to_owned(), vec![&answered]),
        ("business-status=on-track,at-risk".to_owned(), vec![&waiting]),
        ("due=2026-06-23&status=requested".to_owned(), vec![&waiting]),
        ("due=gt2026-06-24".to_owned(), vec![]),
        (format!("focus=Communication/{two}"), vec![&waiting]),
        (format!("pool={REFILL}"), vec![&answered]),
        (format!("pool={REFILL},{FAMILY}"), vec![&answered, &waiting]),
        ("subject=Patient/p-2002".to_owned(), vec![&waiting]),
        ("priority=routine&status=requested".to_owned(), vec![&waiting]),
        ("priority=stat".to_owned(), vec![]),
        ("authored-on=2026-06-19&status=completed".to_owned(), vec![&answered]),
        ("authored-on=gt2026-06-20".to_owned(), vec![]),
        ("modified=ge2026-06-19T14:02:00Z".to_owned(), vec![&answered]),
        ("period=sa2026-06-18".to_owned(), vec![&answered]),
        ("code=fulfill&status=requested".to_owned(), vec![&waiting]),
        ("code:not=fulfill".to_owned(), vec![]),
        ("intent=order&status=requested".to_owned(), vec![&waiting]),
        ("intent=plan".to_owned(), vec![]),
        ("identifier=none-has-one".to_owned(), vec![]),
        ("group-identifier:missing=false".to_owned(), vec![]),
        ("based-on=ServiceRequest/r-1".to_owned(), vec![]),
        ("part-of:missing=false".to_owned(), vec![]),
        ("encounter=e-1".to_owned(), vec![]),
        ("requester=Patient/p-1001".to_owned(), vec![]),
        ("performer:missing=false".to_owned(), vec![]),
        ("_tag:missing=false".to_owned(), vec![]),
        ("_security:missing=false".to_owned(), vec![]),
        ("_profile:missing=false".to_owned(), vec![]),
        ("_lastUpdated=ge2026-06-19T14:02:00Z".to_owned(), vec![&answered]),
    ] {
        let found = house.get(&engine(), &format!("/fhir/Task?{query}")).await.is(200);
        let (mut ids, mut expected): (Vec<String>, Vec<String>) =
            (found.ids(), expected.into_iter().cloned().collect());
        ids.sort();
        expected.sort();
        assert_eq!(ids, expected, "{query}");
    }
}

async fn services_are_found_by_each_parameter(house: &House) {
    let concept = |code: &str| json!([{ "coding": [{ "system": "urn:s", "code": code, "display": "Gezeigt" }] }]);
    let service = json!({
        "resourceType": "HealthcareService", "id": "lab", "name": "Réverie Labor", "active": false,
        "meta": { "tag": [{ "code": "x" }], "security": [{ "code": "y" }], "profile": ["urn:p"] },
        "identifier": [{ "system": "urn:i", "value": "1" }],
        "providedBy": { "reference": "Organization/o" },
        "location": [{ "reference": "Location/l" }],
        "coverageArea": [{ "reference": "Location/area" }],
        "endpoint": [{ "reference": "Endpoint/e" }],
        "category": concept("a"), "type": concept("b"), "specialty": concept("c"),
        "characteristic": concept("d"), "program": concept("e"),
    });
    house.put(&engine(), "/fhir/HealthcareService/lab", &service).await.is(201);
    for query in [
        "_id=lab",
        "_tag=x",
        "_security=y",
        "_profile=urn:p",
        "identifier=urn:i%7C1",
        "active=false",
        "name=reve",
        "organization=o",
        "location=l",
        "coverage-area=Location/area",
        "endpoint=e",
        "service-category=a",
        "service-type=urn:s%7Cb",
        "specialty:text=gez",
        "characteristic=d",
        "program=e",
        "specialty:missing=false",
        "active:not=true",
        "_lastUpdated=ge2026-06-19&name=R%C3%A9verie",
    ] {
        let found = house.get(&engine(), &format!("/fhir/HealthcareService?{query}")).await.is(200);
        assert_eq!(found.ids(), ["lab"], "{query}");
    }
}

async fn what_is_not_known_is_refused_unless_leniency_is_asked_for(house: &House) {
    let [one, ..] = archive(house).await;
    let path = format!("/fhir/Communication?_id={one}&colour=blue&_sort=colour");
    let refused = house.get(&engine(), &path).await.is(400);
    assert!(refused.issues().iter().all(|code| code == "not-supported"), "{}", refused.text);
    assert!(refused.text.contains("colour"));
    let lenient = house.ask(Method::GET, &path).by(&engine()).header("prefer", "handling=lenient").send().await.is(200);
    assert_eq!(lenient.ids(), [one]);
    assert!(!lenient.link("self").unwrap().contains("colour"), "self shows what was applied");
    assert!(lenient.text.contains("\"mode\":\"outcome\""), "what was ignored is told");
    for bad in
        ["sent=yesterday", "sent=2026-13-01", "_count=-1", "_count=x", "patient=Practitioner/1", "_cursor=x", "_id="]
    {
        let refused = house.get(&engine(), &format!("/fhir/Communication?{bad}")).await;
        assert_eq!(refused.status, 400, "{bad}: {}", refused.text);
        assert_eq!(refused.json()["resourceType"], "OperationOutcome");
    }
    let many = (0..2000).map(|number| format!("m{number}")).collect::<Vec<_>>().join(",");
    house.get(&engine(), &format!("/fhir/Communication?_id={many}")).await.is(400);
}

async fn a_form_finds_what_an_address_finds(house: &House) {
    let [one, two, ..] = archive(house).await;
    let ask = |path: &str, form: &str| house.ask(Method::POST, path).by(&engine()).form(form).send();
    let found = ask("/fhir/Communication/_search", "patient=p-2002&category=medical-advice").await.is(200);
    assert_eq!(found.ids(), std::slice::from_ref(&two));
    assert_eq!(found.json()["type"], "searchset");
    // Address and form are one query.
    let both = ask("/fhir/Communication/_search?patient=p-2002", &format!("_id={one}")).await.is(200);
    assert!(both.ids().is_empty());
    assert_eq!(ask("/fhir/Task/_search", "status=requested").await.is(200).ids().len(), 1);
    assert_eq!(ask("/fhir/HealthcareService/_search", "active=true").await.is(200).ids().len(), 2);
    ask("/fhir/Communication/_search", "colour=blue").await.is(400);
    let wrong = house.ask(Method::POST, "/fhir/Communication/_search").by(&engine()).fhir("{}").send().await;
    assert_eq!(wrong.is(415).issues(), ["not-supported"]);
}

async fn values_are_values_and_never_sql(house: &House) {
    archive(house).await;
    for hostile in ["%27%20OR%201=1--", "%25", "_", "%5C", "x%27%3BDROP%20TABLE%20resource%3B--", "%22", "%E2%80%AE"] {
        for parameter in ["_id", "category", "status", "identifier", "patient"] {
            let found = house.get(&engine(), &format!("/fhir/Communication?{parameter}={hostile}")).await;
            assert!(matches!(found.status, 200 | 400), "{parameter}={hostile}: {} {}", found.status, found.text);
            assert!(found.status == 400 || found.ids().is_empty(), "{parameter}={hostile}: {}", found.text);
        }
    }
    let zero = house.get(&engine(), "/fhir/Communication?category=a%00b").await;
    assert_eq!(zero.status, 400, "PostgreSQL has no U+0000: {}", zero.text);
    assert_eq!(house.get(&engine(), "/fhir/Communication?_total=accurate").await.is(200).json()["total"], 6);
}

async fn as_many_values_as_are_allowed_are_answered(house: &House) {
    let [one, two, ..] = archive(house).await;
    // With the one beside them they are as many as a search may have.
    let many = |own: &str, last: &str| {
        (1..199).map(|number| format!("{own}{number}")).chain([last.to_owned()]).collect::<Vec<_>>().join(",")
    };
    for query in [
        format!("subject={}", many("a", "p-2002")),
        format!("recipient={}&category=medical-advice", many("a", "family-medicine")),
        format!("sender={}", many("a", "rp-17")),
        format!("patient={}", many("Patient/a", "Patient/p-2002")),
        format!("category={}", many("urn:other%7Cc", "medical-advice")),
        format!("category:not={}&sender=RelatedPerson/rp-17", many("c", "c")),
        format!("identifier={}", many("urn:portal%7Cc", "urn:portal%7Ca%5C%7Cb%5C%2Cc")),
        format!("identifier:text={}", many("z", "num")),
        format!("sent={}&category=medical-advice", "lt2026-01-01,".repeat(198) + "2026-06-19"),
        format!("_lastUpdated={}&category=medical-advice", "lt2026-01-01,".repeat(198) + "2026-06-19"),
        format!("last-activity={}&category=medical-advice", "lt2026-01-01,".repeat(198) + "2026-06-19"),
        format!("status={}&category=medical-advice", many("s", "completed")),
        format!("part-of:missing=true&sender:RelatedPerson={}", many("a", "rp-17")),
    ] {
        let found = house.get(&engine(), &format!("/fhir/Communication?{query}")).await;
        assert_eq!(found.status, 200, "{query}: {}", found.text);
        assert!(found.ids().contains(&two) && !found.ids().contains(&one), "{query}: {}", found.text);
    }
}
