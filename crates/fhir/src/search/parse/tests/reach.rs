//! Modifiers, chains and what comes along.

use super::*;

#[test]
fn a_modifier_changes_what_is_asked() {
    let not = |filter: Filter| Filter::Not(Box::new(filter));
    let status = Filter::Token { param: "status", any: one(None, Some("completed")) };
    assert_eq!(only(COMMUNICATION, "status:not=completed"), not(status));
    assert_eq!(only(COMMUNICATION, "category:missing=false"), Filter::Present { param: "category" });
    assert_eq!(only(COMMUNICATION, "category:missing=true"), not(Filter::Present { param: "category" }));
    assert_eq!(only(COMMUNICATION, "thread:missing=true"), not(Filter::InThread));
    assert_eq!(only(COMMUNICATION, "_id:missing=true"), not(Filter::All(vec![])));
    let text = Filter::Text { param: "category", any: vec!["wiederholung".into(), "refill".into()] };
    assert_eq!(only(COMMUNICATION, "category:text=WIEDERHOLUNG,Refill"), text);
    let identifier = Filter::Identifier { param: "sender", any: one(Some("urn:mrn"), Some("7")) };
    assert_eq!(only(COMMUNICATION, "sender:identifier=urn:mrn|7"), identifier);
    assert_eq!(
        only(ResourceType::HealthcareService, "name=Réf"),
        Filter::Text { param: "name", any: vec!["ref".into()] }
    );
    for bad in ["status:missing=maybe", "status:missing=true,false", "category:text=", "sender:identifier=|"] {
        assert_eq!(refused(COMMUNICATION, bad).code, IssueCode::Value, "{bad}");
    }
}

#[test]
fn a_chain_asks_the_resource_referred_to_and_has_the_one_that_refers() {
    let Filter::Refers { by, to } = only(TASK, "focus.category:not=refill") else { panic!() };
    let messages = |param| {
        let prefixes = vec!["Communication/".to_owned(), format!("{BASE}/Communication/")];
        Link::Params { params: vec![param], prefixes }
    };
    assert_eq!((by, to.kind), (messages("focus"), COMMUNICATION));
    assert!(matches!(*to.filter, Filter::Not(_)));
    let Filter::Refers { by, to } = only(TASK, "pool:HealthcareService.name=refill") else { panic!() };
    let prefixes = vec!["HealthcareService/".to_owned(), format!("{BASE}/HealthcareService/")];
    assert_eq!(by, Link::Params { params: vec!["pool"], prefixes });
    assert_eq!(to.kind, ResourceType::HealthcareService);
    let Filter::ReferredTo { by, from } = only(COMMUNICATION, "_has:Task:focus:status=requested") else { panic!() };
    assert_eq!((by, from.kind), (messages("focus"), TASK));
    let Filter::Refers { by, to } = only(COMMUNICATION, "thread.category=refill") else { panic!() };
    assert_eq!((by, to.kind), (Link::Thread, COMMUNICATION));
    for far in ["_has:Task:focus:pool.name=x", "_has:Task:focus:_has:Task:focus:status=x", "focus.part-of.status=x"] {
        let kind = if far.starts_with('_') { COMMUNICATION } else { TASK };
        assert_eq!(refused(kind, far).code, IssueCode::NotSupported, "{far}");
    }
    assert_eq!(refused(COMMUNICATION, "_has:Task=x").code, IssueCode::Value);
}

#[test]
fn what_the_token_does_not_allow_to_search_is_no_way_around_it() {
    let mut asker = asker(Handling::Lenient, &Visibility::Everything);
    asker.sees.remove(&TASK);
    for query in ["_has:Task:focus:status=requested", "_revinclude=Task:focus"] {
        let issues = parse(COMMUNICATION, query, &asker).expect_err(query);
        assert_eq!(issues[0].code, IssueCode::Forbidden, "{query}");
    }
    assert_eq!(parse(TASK, "", &asker).expect_err("not theirs")[0].code, IssueCode::Forbidden);
    asker.sees.remove(&COMMUNICATION);
    asker.sees.insert(TASK, Visibility::Everything);
    assert_eq!(parse(TASK, "focus.status=completed", &asker).unwrap_err()[0].code, IssueCode::Forbidden);
    let all = parse(TASK, "_include=*", &asker).unwrap();
    let row = |body: &str| domain::change::Stored {
        key: domain::id::Key::new(TASK, "t".parse().unwrap()),
        version: domain::id::Version::FIRST,
        last_updated: asker.now,
        date: asker.now,
        deleted: false,
        made_by_update: false,
        thread: None,
        patient: None,
        body: body.to_owned(),
    };
    let task = row(
        r#"{"resourceType":"Task","focus":{"reference":"Communication/m"},"owner":{"reference":"HealthcareService/h"}}"#,
    );
    let kinds: Vec<_> = all
        .includes
        .iter()
        .flat_map(|include| include.searches(&asker.tenant, BASE, std::slice::from_ref(&task)).unwrap())
        .map(|search| search.kind)
        .collect();
    assert_eq!(kinds, [ResourceType::HealthcareService], "the message that it is about does not come along");
}

#[test]
fn what_comes_along_is_named_by_type_and_parameter() {
    let good = |query: &str| good(COMMUNICATION, query).includes;
    assert_eq!(good("_include=Communication:part-of").len(), 1);
    assert!(good("_revinclude:iterate=Task:focus")[0].iterates && good("_revinclude=Task:focus")[0].is_reverse);
    assert_eq!(good("_include=*"), good("_include=Communication:*"));
    for (query, code) in [
        ("_include=Communication:colour", IssueCode::NotSupported),
        ("_include=Communication:status", IssueCode::NotSupported),
        ("_include=Patient:link", IssueCode::NotSupported),
        ("_revinclude=*", IssueCode::NotSupported),
        ("_include=Communication", IssueCode::Value),
        ("_include=a:b:c:d", IssueCode::Value),
    ] {
        assert_eq!(refused(COMMUNICATION, query).code, code, "{query}");
    }
    let many = "_include=Communication:part-of&".repeat(MAX_INCLUDES + 1);
    assert_eq!(refused(COMMUNICATION, &many).code, IssueCode::TooCostly);
}
