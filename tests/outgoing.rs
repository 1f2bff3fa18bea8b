//! The service calls nobody because of what somebody sends.

use std::net::TcpListener;

use serde_json::json;

use crate::house::House;
use crate::people::{engine, patient, refill};

on_both!(house: x9_what_a_message_refers_to_is_never_fetched);

async fn x9_what_a_message_refers_to_is_never_fetched(house: &House) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut message = refill("p-1001", "The picture is there.");
    message["payload"].as_array_mut().unwrap().extend([
        json!({ "contentAttachment": { "contentType": "image/png", "url": format!("{address}/rash.png") } }),
        json!({ "contentReference": { "reference": format!("{address}/fhir/Binary/1") } }),
    ]);
    message["about"] = json!([{ "reference": format!("{address}/fhir/Observation/1") }]);
    message["meta"] = json!({ "profile": [format!("{address}/StructureDefinition/mine")] });
    let id = house.create(&patient("p-1001"), &message).await.is(201).id();
    house.work().await;
    let read = house.get(&patient("p-1001"), &format!("/fhir/Communication/{id}")).await.is(200);
    assert!(read.text.contains("rash.png"), "it is kept as it was said");
    for query in [format!("about={address}/fhir/Observation/1"), "_include=Communication:about".to_owned()] {
        let found = house.get(&engine(), &format!("/fhir/Communication?{query}")).await;
        assert!(matches!(found.status, 200 | 400), "{query}: {}", found.text);
    }
    assert!(listener.accept().is_err(), "nobody has called");
}
