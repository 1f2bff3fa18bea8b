//! What is alike for every type that engines feed.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{by_paths, operation};
use crate::consent::{consent, rule};
use crate::history::told_of;
use crate::house::House;
use crate::people::engine;
use crate::practitioner_role::role;

on_both!(house:
    each_type_is_fed_by_its_identifier_and_keeps_its_versions,
    each_type_is_patched_by_paths,
    a_path_that_cannot_be_followed_changes_nothing_and_says_where,
);

/// A type, with what a patch may change of it.
struct Fed {
    /// A resource whose id is `fed`.
    resource: Value,
    /// An element with one value, where it stands in JSON, and another value.
    single: (&'static str, &'static str, Value),
    /// What holds an element that repeats, that element's name, and parts that give three items of it.
    list: (&'static str, &'static str, [Value; 3]),
    /// The three items.
    items: [Value; 3],
}

fn each() -> [Fed; 4] {
    let identifier = json!([{ "system": "urn:fed", "value": "1", "use": "usual" }]);
    let concept = |text: &str| json!({ "name": "value", "valueCodeableConcept": { "text": text } });
    let concepts = ["a", "b", "c"].map(concept);
    let said = ["a", "b", "c"].map(|text| json!({ "text": text }));
    let referred = |name: &str, kind: &str, id: &str| json!({ "name": name, "valueReference": { "reference": format!("{kind}/{id}") } });
    let member = |id: &str| json!({ "name": "value", "part": [referred("member", "Practitioner", id)] });
    let about = |id: &str| {
        let meaning = json!({ "name": "meaning", "valueCode": "related" });
        json!({ "name": "value", "part": [meaning, referred("reference", "Communication", id)] })
    };
    let mut theirs = consent(&rule("permit", &[]));
    theirs["id"] = json!("fed");
    let mut all = [
        Fed {
            resource: json!({ "resourceType": "HealthcareService", "id": "fed", "name": "Lab" }),
            single: ("HealthcareService.name", "/name", json!({ "name": "value", "valueString": "Laboratory" })),
            list: ("HealthcareService", "program", concepts.clone()),
            items: said.clone(),
        },
        Fed {
            resource: role("fed", "Practitioner/ray"),
            single: ("PractitionerRole.active", "/active", json!({ "name": "value", "valueBoolean": false })),
            list: ("PractitionerRole", "specialty", concepts),
            items: said,
        },
        Fed {
            resource: json!({ "resourceType": "CareTeam", "id": "fed", "status": "active" }),
            single: ("CareTeam.status", "/status", json!({ "name": "value", "valueCode": "inactive" })),
            list: ("CareTeam", "participant", ["a", "b", "c"].map(member)),
            items: ["a", "b", "c"].map(|id| json!({ "member": { "reference": format!("Practitioner/{id}") } })),
        },
        Fed {
            resource: theirs,
            single: ("Consent.provision.type", "/provision/type", json!({ "name": "value", "valueCode": "deny" })),
            list: ("Consent.provision", "data", ["a", "b", "c"].map(about)),
            items: ["a", "b", "c"]
                .map(|id| json!({ "meaning": "related", "reference": { "reference": format!("Communication/{id}") } })),
        },
    ];
    for fed in &mut all {
        fed.resource["identifier"] = identifier.clone();
    }
    all
}

impl Fed {
    fn kind(&self) -> &str {
        self.resource["resourceType"].as_str().unwrap()
    }

    fn path(&self) -> String {
        format!("/fhir/{}/fed", self.kind())
    }

    /// Where the list stands in JSON.
    fn place(&self) -> String {
        let (parent, name, _) = &self.list;
        let steps: Vec<&str> = parent.split('.').skip(1).chain([*name]).collect();
        format!("/{}", steps.join("/"))
    }

    /// Feeds it, with blanks that no patch is to change.
    async fn put(&self, house: &House) {
        let mut text = self.resource.to_string();
        text.pop();
        text += r#", "meta" : {"tag":[ {"code":"x"}]},"language":"en" , "implicitRules":"urn:rules"}"#;
        let ask = house.ask(Method::PUT, &self.path()).by(&engine());
        ask.fhir(&text).send().await.is(201);
    }
}

async fn each_type_is_fed_by_its_identifier_and_keeps_its_versions(house: &House) {
    for fed in each() {
        let (kind, (_, place, value)) = (fed.kind(), &fed.single);
        let found = format!("/fhir/{kind}?identifier=urn:fed%7C1");
        let mut new = fed.resource.clone();
        new.as_object_mut().unwrap().remove("id");
        let conditional = || {
            let ask = house.ask(Method::POST, &format!("/fhir/{kind}")).by(&engine());
            ask.header("if-none-exist", "identifier=urn:fed|1").fhir(&new.to_string()).send()
        };
        let made = conditional().await.is(201);
        assert_eq!((made.header("etag"), conditional().await.is(200).id()), ("W/\"1\"", made.id()));
        new["language"] = json!("en");
        assert_eq!(house.put(&engine(), &found, &new).await.is(200).json()["meta"]["versionId"], "2");
        let path = format!("/fhir/{kind}/{}", made.id());
        let turned = async |address: &str, etag: &str, place: &str, value: &Value| {
            let changes = json!([{ "op": "replace", "path": place, "value": value }]);
            let ask = house.ask(Method::PATCH, address).by(&engine()).header("if-match", etag);
            ask.changes(&changes).send().await
        };
        let (before, after) = (new.pointer(place).unwrap().clone(), given(value));
        turned(&path, "W/\"1\"", place, after).await.is(412);
        assert_eq!(turned(&path, "W/\"2\"", place, after).await.is(200).json().pointer(place), Some(after));
        assert_eq!(turned(&found, "W/\"3\"", place, &before).await.is(200).json().pointer(place), Some(&before));
        let refused = turned(&path, "W/\"4\"", "/identifier/0/use", &json!("asleep")).await;
        assert_eq!(refused.is(400).issues(), ["value"]);
        assert_eq!(house.get(&engine(), &format!("{path}/_history/1")).await.is(200).json()["language"], Value::Null);
        house.ask(Method::DELETE, &found).by(&engine()).send().await.is(204);
        house.get(&engine(), &path).await.is(410);
        house.ask(Method::DELETE, &path).by(&engine()).send().await.is(204);
        // What was deleted may be fed again.
        new["id"] = json!(made.id());
        assert_eq!(house.put(&engine(), &path, &new).await.is(201).json()["meta"]["versionId"], "6");
        let told = told_of(house, &engine(), &format!("{kind}/{}", made.id())).await;
        assert_eq!(told, ["PUT 201", "DELETE 204", "PUT 200", "PUT 200", "PUT 200", "POST 201"], "{kind}");
    }
}

/// The value that a part gives.
fn given(part: &Value) -> &Value {
    part.as_object().unwrap().iter().find(|(name, _)| name.starts_with("value")).unwrap().1
}

async fn each_type_is_patched_by_paths(house: &House) {
    for fed in each() {
        fed.put(house).await;
        let (parent, name, [a, b, c]) = &fed.list;
        let list = format!("{parent}.{name}");
        let add = |part: &Value| operation("add", parent, &json!([{ "name": "name", "valueString": name }, part]));
        let at = |name: &str, index: usize| json!({ "name": name, "valueInteger": index });
        let (single, place, value) = &fed.single;
        let patch = by_paths(&json!([
            add(a),
            add(b),
            operation("insert", &list, &json!([at("index", 0), c])),
            operation("move", &list, &json!([at("source", 0), at("destination", 2)])),
            operation("replace", single, &json!([value])),
        ]));
        let patched = house.patch(&engine(), &fed.path(), &patch).await.is(200);
        let told = patched.json();
        let [first, second, third] = &fed.items;
        assert_eq!(told.pointer(&fed.place()).unwrap(), &json!([first, second, third]), "{list}");
        assert_eq!(told.pointer(place).unwrap(), given(value), "{single}");
        assert!(patched.text.contains(r#""tag":[ {"code":"x"}]"#), "what is not named keeps its bytes");
        assert_eq!(patched.header("etag"), "W/\"2\"");

        // By a search in place of the id; the last item takes its list along.
        let found = format!("/fhir/{}?identifier=urn:fed%7C1", fed.kind());
        let delete = by_paths(&json!([operation("delete", &format!("{list}[1]"), &json!([]))]));
        let left = house.patch(&engine(), &found, &delete).await.is(200).json();
        assert_eq!(left.pointer(&fed.place()).unwrap(), &json!([first, third]), "{list}");
        let delete = operation("delete", &format!("{list}.first()"), &json!([]));
        let both = by_paths(&json!([delete, delete]));
        let none = house.patch(&engine(), &fed.path(), &both).await.is(200).json();
        assert_eq!(none.pointer(&fed.place()), None, "{list}");
        let read = house.get(&engine(), &fed.path()).await.is(200);
        assert_eq!((read.header("etag"), read.json()), ("W/\"4\"", none));
    }
}

async fn a_path_that_cannot_be_followed_changes_nothing_and_says_where(house: &House) {
    let other = |name: &str, value: &str| json!([{ "name": "value", name: value }]);
    let text = other("valueString", "x");
    for fed in each() {
        fed.put(house).await;
        let (kind, (parent, name, [item, ..])) = (fed.kind(), &fed.list);
        let list = format!("{parent}.{name}");
        let replace = |path: &str, value: &Value| operation("replace", path, value);
        let at = |name: &str, index: usize| json!({ "name": name, "valueInteger": index });
        let (single, _, value) = &fed.single;
        let fine = replace(single, &json!([value]));
        let (first, second) = ("Parameters.parameter[0]", "Parameters.parameter[1]");
        for (operations, status, expression) in [
            (json!([replace(&format!("{kind}.colour"), &text)]), 400, first),
            (json!([replace("Patient.name", &text)]), 400, first),
            (json!([replace(&format!("{list}.skip(1)"), &text)]), 400, first),
            (json!([replace(&format!("{list}["), &text)]), 400, first),
            (json!([fine, replace(&format!("{kind}.colour"), &text)]), 400, second),
            (json!([operation("insert", single, &json!([at("index", 0), item]))]), 400, first),
            (json!([operation("colour", single, &text)]), 400, first),
            (json!([operation("add", kind, &text)]), 400, first),
            (json!([replace(&format!("{list}[7]"), &json!([item]))]), 422, first),
            (json!([fine, operation("insert", &list, &json!([at("index", 7), item]))]), 422, second),
            (json!([operation("move", &list, &json!([at("source", 0), at("destination", 1)]))]), 422, first),
            (json!([replace(kind, &text)]), 422, first),
            // What the patch comes to is looked at as an update is.
            (
                json!([fine, replace(&format!("{kind}.identifier[0].use"), &other("valueCode", "colour"))]),
                400,
                &format!("{kind}.identifier[0].use"),
            ),
            (json!([replace(&format!("{kind}.id"), &other("valueId", "other"))]), 400, &format!("{kind}.id")),
        ] {
            let refused = house.patch(&engine(), &fed.path(), &by_paths(&operations)).await;
            assert_eq!(refused.status, status, "{operations}: {}", refused.text);
            assert_eq!(refused.json()["issue"][0]["expression"][0], expression, "{operations}: {}", refused.text);
        }
        assert_eq!(house.get(&engine(), &fed.path()).await.is(200).header("etag"), "W/\"1\"", "{kind}");
        let ask = house.ask(Method::PATCH, &fed.path()).by(&engine()).header("if-match", "W/\"2\"");
        ask.fhir(&by_paths(&json!([fine])).to_string()).send().await.is(412);
    }
}
