//! A message that is sent keeps every byte of its client beside what the service says of it.

use std::sync::LazyLock;

use domain::access::PatientFacts;
use domain::decide::{Setting, send};
use domain::decision::{Decision, Outcome};
use domain::hold::{Hold, HoldCause, HoldState};
use domain::id::{Ids, ResourceId, ResourceType, Version};
use domain::policy::bundle::Bundle;
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy};
use fhir::canonical;
use fhir::communication::{Communication, Stamp, released};
use fhir::json::{Tree, Value};
use fhir::resource::Document;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;

use crate::made::{blank, extension, string};

const KIND: ResourceType = ResourceType::Communication;

/// The members that are the service's alone; a client's companions of them go along.
const OURS: [&str; 9] =
    ["id", "sent", "_sent", "received", "_received", "status", "meta", "instantiatesUri", "_instantiatesUri"];

/// The extensions that are the service's alone.
const OUR_EXTENSIONS: [&str; 4] =
    [canonical::READ_STATE, canonical::DECISION, canonical::CLIENT_SENT, canonical::SENDER_NOTICE];

const WHY: &str = r#"{ "extension" : [{"url":"urn:why","valueDecimal":5.10}]}"#;

fn now() -> Timestamp {
    "2026-06-19T21:30:00Z".parse().unwrap()
}

/// A decision about a message, taken once.
static DECIDED: LazyLock<Decision> = LazyLock::new(|| {
    let text = r#"{"resourceType":"Communication","status":"in-progress","sender":{"reference":"Patient/p"},
        "subject":{"reference":"Patient/p"},"payload":[{"contentString":"Five left."}]}"#;
    let bundle = Bundle::read(DEFAULT_BUNDLE).unwrap();
    let policy = Policy::compile(bundle, &Directory::default(), 1, now().into()).unwrap();
    let message = Communication::parse(text.as_bytes()).unwrap().message(&id(), &PatientFacts::default());
    let setting = Setting { policy: &policy, now: now().into() };
    send(setting, &message, None, &mut Ids::new(now().into(), 1)).unwrap()
});

fn id() -> ResourceId {
    "m1".parse().unwrap()
}

/// An array, with blanks around its items.
fn array(items: impl Strategy<Value = String>, most: usize) -> impl Strategy<Value = String> {
    (proptest::collection::vec(items, 1..=most), blank(), blank()).prop_map(|(items, before, after)| {
        let items: Vec<_> = items.into_iter().map(|item| format!("{before}{item}{after}")).collect();
        format!("[{}]", items.join(","))
    })
}

fn constant(text: impl Into<String>) -> BoxedStrategy<String> {
    Just(text.into()).boxed()
}

/// A coding or a label of one of these systems, or of another.
fn coding(ours: &'static str) -> BoxedStrategy<String> {
    let system = select(vec![ours, "urn:theirs", "http://loinc.org"]);
    (system, string(), blank())
        .prop_map(|(system, shown, blank)| {
            format!(r#"{{{blank}"system" : "{system}","code":"a-1","display":{shown}{blank}}}"#)
        })
        .boxed()
}

/// An extension of a client, or one that only the service writes.
fn any_extension() -> BoxedStrategy<String> {
    let ours = select(OUR_EXTENSIONS.to_vec()).prop_map(|url| format!(r#"{{"url":"{url}","valueUri":"urn:forged"}}"#));
    let awaits = constant(format!(r#"{{"valueCode":"patient","url":"{}"}}"#, canonical::AWAITS));
    prop_oneof![3 => extension(), 1 => ours, 1 => awaits].boxed()
}

/// Addresses with what stands beside each; where no address is told, only the latter stands there.
fn addresses() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let policy = format!("\"{}/clinic|3\"", canonical::POLICY);
    let address = prop_oneof![constant("\"urn:a\""), constant("\"https://b.example/é\""), constant(policy)];
    let item = (address, prop_oneof![Just(None), Just(Some(WHY.to_owned()))]);
    let with = proptest::collection::vec(item, 1..4).prop_map(|items| {
        let beside: Vec<_> = items.iter().map(|(_, beside)| beside.clone().unwrap_or("null".to_owned())).collect();
        let items: Vec<_> = items.into_iter().map(|(item, _)| item).collect();
        let mut members = vec![("instantiatesUri", format!("[{}]", items.join(" , ")))];
        if beside.iter().any(|beside| beside != "null") {
            members.push(("_instantiatesUri", format!("[{}]", beside.join(" ,"))));
        }
        members
    });
    let without =
        (1..3_usize).prop_map(|count| vec![("_instantiatesUri", format!("[{}]", [WHY].repeat(count).join(",")))]);
    prop_oneof![3 => with, 1 => without]
}

/// What a message may hold beside its status and its sender: members that stand together.
fn optional() -> impl Strategy<Value = Vec<Vec<(&'static str, String)>>> {
    let one =
        |name: &'static str, value: BoxedStrategy<String>| value.prop_map(move |value| vec![(name, value)]).boxed();
    let meta = (array(coding(canonical::SECURITY_LABEL), 3), array(coding("urn:tags"), 2), blank()).prop_map(
        |(security, tag, blank)| {
            format!(
                r#"{{{blank}"versionId":"9", "security" :{security}{blank},"_lastUpdated":{WHY},"tag":{tag}{blank}}}"#
            )
        },
    );
    let reason =
        (array(coding(canonical::STATUS_REASON), 3), extension(), string()).prop_map(|(codings, extension, text)| {
            format!(r#"{{ "extension":[{extension}] ,"coding" : {codings}, "text":{text} }}"#)
        });
    let reason = prop_oneof![reason, string().prop_map(|text| format!(r#"{{"text" : {text}}}"#))];
    let payload = (string(), extension()).prop_map(|(text, extension)| {
        format!(r#"{{ "extension":[{extension}],"contentString": {text}, "_contentString":{{"id":"c"}}}}"#)
    });
    let contained = r#"[{"resourceType":"Observation","id":"o","status":"final","code":{"text":"K"},
        "valueQuantity":{"value":5.10}}]"#;
    let together = Just(vec![("contained", contained.to_owned()), ("about", r##"[{"reference":"#o"}]"##.to_owned())]);
    let div = r#"{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">\u00e9 😀<br/></div>"}"#;
    let category = format!(r#"[{{"coding":[{{"system":"{}","code":"internal"}}]}}]"#, canonical::MESSAGE_CATEGORY);
    (
        (
            one("id", constant("\"x-9\"")),
            one("meta", meta.boxed()),
            one("extension", array(any_extension(), 4).boxed()),
            one("statusReason", reason.boxed()),
            one("payload", array(payload, 3).boxed()),
            one("note", string().prop_map(|text| format!(r#"[ {{"text":{text}}}]"#)).boxed()),
            one(
                "topic",
                (string(), extension())
                    .prop_map(|(text, extension)| format!(r#"{{"text" :{text},"extension":[ {extension}]}}"#))
                    .boxed(),
            ),
            addresses(),
            together,
        ),
        (
            one("text", constant(div)),
            one("language", constant("\"es-US\"")),
            one("partOf", constant(r#"[ {"reference":"Communication/other" } ,{"reference":"Task/t"}]"#)),
            one("_status", constant(WHY)),
            one("sent", constant("\"2026-06-01T10:00:00.500+02:00\"")),
            one("_sent", constant(WHY)),
            one("received", constant("\"2026-06-02\"")),
            one("_received", constant(WHY)),
            one("category", constant(category)),
            one("priority", constant("\"urgent\"")),
        ),
    )
        .prop_map(|((a, b, c, d, e, f, g, h, i), (j, k, l, m, n, o, p, q, r, s))| {
            vec![a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s]
        })
}

/// The members of a message as they are written, in any order, names with and without escapes.
fn message() -> impl Strategy<Value = Vec<String>> {
    let required = (select(vec!["in-progress", "completed"]), select(vec!["Patient/p", "Practitioner/n"])).prop_map(
        |(status, sender)| {
            vec![
                ("resourceType", "\"Communication\"".to_owned()),
                ("status", format!("\"{status}\"")),
                ("sender", format!(r#"{{"reference":"{sender}", "display":"\u004e"}}"#)),
            ]
        },
    );
    let some = optional().prop_flat_map(|all| {
        let count = all.len();
        subsequence(all, 0..=count)
    });
    let written = |((name, value), escapes, blank): ((&str, String), bool, String)| {
        let name = if escapes { name.replacen('e', "\\u0065", 1) } else { name.to_owned() };
        format!("\"{name}\"{blank}:{blank}{value}")
    };
    (some, required)
        .prop_map(|(some, required)| some.into_iter().flatten().chain(required).collect::<Vec<_>>())
        .prop_flat_map(move |members| {
            members
                .into_iter()
                .map(|member| (Just(member), proptest::bool::weighted(0.1), blank()).prop_map(written))
                .collect::<Vec<_>>()
        })
        .prop_shuffle()
}

/// A message as it is written, and its members.
fn text() -> impl Strategy<Value = (String, Vec<String>)> {
    (message(), blank(), blank()).prop_map(|(members, before, after)| {
        let spaced: Vec<_> = members.iter().map(|member| format!("{before}{member}{after}")).collect();
        (format!("{{{}}}", spaced.join(",")), members)
    })
}

fn raw<'t>(items: impl Iterator<Item = Value<'t>>) -> Vec<&'t str> {
    items.map(Value::raw).collect()
}

fn is_of(item: Value<'_>, member: &str, addresses: &[&str]) -> bool {
    addresses.iter().any(|address| item.get(member).is_some_and(|own| own.is_str(address)))
}

/// What a client has sent of an array, beside the items that are the service's.
fn theirs<'t>(object: Option<Value<'t>>, array: &str, member: &str, ours: &[&str]) -> Vec<&'t str> {
    let items = object.and_then(|object| object.get(array)).into_iter().flat_map(Value::items);
    raw(items.filter(|item| !is_of(*item, member, ours)))
}

/// The addresses with what stands beside each, but the service's own.
fn beside<'t>(root: Value<'t>) -> Vec<(Option<&'t str>, Option<&'t str>)> {
    let items = |name| root.get(name).into_iter().flat_map(Value::items).collect::<Vec<_>>();
    let (addresses, companions) = (items("instantiatesUri"), items("_instantiatesUri"));
    let of = |all: &[Value<'t>], at: usize| all.get(at).filter(|own| !own.is_null()).map(|own| own.raw());
    (0..addresses.len().max(companions.len()))
        .filter(|at| {
            !addresses.get(*at).is_some_and(|own| own.as_str().is_some_and(|own| own.starts_with(canonical::POLICY)))
        })
        .map(|at| (of(&addresses, at), of(&companions, at)))
        .collect()
}

/// Members beside those named, in their order, with their texts.
fn rest<'t>(object: Option<Value<'t>>, but: &[&str]) -> Vec<(String, &'t str)> {
    let members = object.into_iter().flat_map(Value::members);
    members.filter(|own| !but.contains(&&*own.name())).map(|own| (own.name().into_owned(), own.raw())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(1000)))]

    #[test]
    fn what_a_client_sent_stands_in_what_is_stored_byte_for_byte((text, members) in text(), held: bool, answers: bool) {
        // What FHIR does not allow in the text of a string is refused, and never changed.
        let Ok(communication) = Communication::parse(text.as_bytes()) else { return Ok(()) };
        let mut record = DECIDED.record.clone();
        if held {
            record.outcome = Outcome::HeldForReview;
        }
        let (own, thread) = (id(), &DECIDED.thread);
        let part_of = answers.then_some(&thread.id);
        let stamp = Stamp { id: &own, version: Version::FIRST, now: now(), thread, record: &record, part_of };
        let write = communication.sent(&stamp).unwrap();
        let (before, after) = (communication.document(), Document::parse(write.body.as_bytes(), KIND));
        let after = after.map_err(|issues| TestCaseError::fail(format!("{issues:#?}\n{}", write.body)))?;
        prop_assert!(after.warnings().is_empty());
        let (old, new) = (before.root(), after.root());

        // What is the service's is what it says.
        let instant = "2026-06-19T21:30:00.000Z";
        prop_assert_eq!(new.text("id").unwrap(), "m1");
        prop_assert_eq!(new.text("meta.versionId").unwrap(), "1");
        prop_assert_eq!(new.text("meta.lastUpdated").unwrap(), instant);
        prop_assert_eq!(new.text("sent").unwrap(), instant);
        let received = new.text("received");
        prop_assert_eq!(received.as_deref(), (!held).then_some(instant));
        prop_assert_eq!(new.text("status").unwrap(), if held { "on-hold" } else { "completed" });
        prop_assert!(["_sent", "_received"].iter().all(|name| new.get(name).is_none()));

        // All else is the client's, in its order.
        let partly = ["extension", "partOf", "statusReason"];
        let but = [OURS.as_slice(), &partly].concat();
        prop_assert_eq!(rest(Some(old), &["resourceType"].iter().chain(&but).copied().collect::<Vec<_>>()),
            rest(Some(new), &["resourceType"].iter().chain(&but).copied().collect::<Vec<_>>()));
        for member in &members {
            let tree = Tree::read(format!("{{{member}}}").as_bytes()).unwrap();
            let name = tree.root().members().next().unwrap().name().into_owned();
            if !but.contains(&name.as_str()) {
                prop_assert!(after.text().contains(member.as_str()), "{}", member);
            }
        }

        // Where both say something, the client's stands first.
        let meta = ["versionId", "_versionId", "lastUpdated", "_lastUpdated", "security"];
        prop_assert_eq!(rest(old.get("meta"), &meta), rest(new.get("meta"), &meta));
        let labels = theirs(old.get("meta"), "security", "system", &[canonical::SECURITY_LABEL]);
        let now_labels = raw(new.get("meta").into_iter().flat_map(|meta| meta.each("security")));
        prop_assert!(now_labels.starts_with(&labels));
        prop_assert_eq!(now_labels.len() - labels.len(), usize::from(communication.is_internal()));
        let extensions = theirs(Some(old), "extension", "url", &OUR_EXTENSIONS);
        let now_extensions = raw(new.each("extension"));
        prop_assert!(now_extensions.starts_with(&extensions));
        let stated = old.get("sent").is_some() || old.get("_sent").is_some();
        prop_assert_eq!(now_extensions.len() - extensions.len(), 1 + usize::from(stated));
        let kept = new.extension(canonical::CLIENT_SENT);
        prop_assert_eq!(old.get("sent").map(Value::raw), kept.and_then(|kept| kept.get("valueDateTime")).map(Value::raw));
        prop_assert_eq!(old.get("_sent").map(Value::raw), kept.and_then(|kept| kept.get("_valueDateTime")).map(Value::raw));
        let parts = raw(old.each("partOf"));
        let now_parts = raw(new.each("partOf"));
        prop_assert!(now_parts.starts_with(&parts));
        prop_assert_eq!(now_parts.len() - parts.len(), usize::from(answers));
        prop_assert_eq!(beside(old), beside(new));
        let last = new.each("instantiatesUri").last().and_then(Value::as_str);
        prop_assert!(last.is_some_and(|last| last.starts_with(canonical::POLICY)));
        let companions = new.get("_instantiatesUri").map(|own| own.items().last().is_some_and(Value::is_null));
        prop_assert_eq!(companions.unwrap_or(true), true, "what the service says has nothing of the client's beside it");

        // Why it waits is said beside the client's own reason, and is gone once it waits no more.
        if held {
            let reason = new.get("statusReason");
            prop_assert_eq!(rest(old.get("statusReason"), &["coding"]), rest(reason, &["coding"]));
            let codings = theirs(old.get("statusReason"), "coding", "system", &[canonical::STATUS_REASON]);
            let now_codings = raw(reason.into_iter().flat_map(|reason| reason.each("coding")));
            prop_assert!(now_codings.starts_with(&codings) && now_codings.len() == codings.len() + 1);
            let delivered = delivered(&write.body, &stamp);
            let delivered = Document::parse(delivered.as_bytes(), KIND).unwrap();
            let reason = delivered.get("statusReason");
            prop_assert_eq!(rest(old.get("statusReason"), &["coding"]), rest(reason, &["coding"]));
            prop_assert_eq!(codings, raw(reason.into_iter().flat_map(|reason| reason.each("coding"))));
            let (but, new) = (["meta", "statusReason", "status", "received", "extension"], delivered.root());
            prop_assert_eq!(rest(Some(after.root()), &but), rest(Some(new), &but));
        } else {
            prop_assert_eq!(old.get("statusReason").map(Value::raw), new.get("statusReason").map(Value::raw));
        }
    }
}

/// The text of a held message once it is delivered.
fn delivered(body: &str, stamp: &Stamp<'_>) -> String {
    let hold = Hold {
        message: id(),
        thread: stamp.thread.id.clone(),
        sender: "Patient/p".parse().unwrap(),
        patient: None,
        pool: "default".to_owned(),
        pool_reference: "HealthcareService/default".parse().unwrap(),
        cause: HoldCause::Limit,
        rule: "r".to_owned(),
        clock: id(),
        task: id(),
        received_at: now().into(),
        until: now().into(),
        facts: PatientFacts::default(),
        state: HoldState::Held,
        ended: None,
    };
    let stored = domain::change::Stored {
        key: domain::id::Key::new(KIND, id()),
        version: Version::FIRST,
        last_updated: now(),
        date: now(),
        deleted: false,
        made_by_update: false,
        thread: None,
        patient: None,
        body: body.to_owned(),
    };
    let next = Stamp { version: Version(2), ..stamp.clone() };
    released(&stored, &hold, &next).unwrap().body
}

#[test]
fn most_messages_that_are_made_here_are_valid() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let made = (0..200).map(|_| {
        let (text, _) = text().new_tree(&mut runner).unwrap().current();
        Communication::parse(text.as_bytes()).map(drop).map_err(|issues| (issues, text))
    });
    let wrong: Vec<_> = made.filter_map(Result::err).collect();
    assert!(wrong.len() < 50, "{} of 200, such as {:#?}", wrong.len(), wrong.first());
}
