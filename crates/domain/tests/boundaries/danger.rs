//! Red flags: who hears of them, and what they hurry.

use domain::clock::ClockName;
use domain::decision::Decision;
use domain::id::ResourceId;
use serde_json::json;

use crate::world::*;

const POOL: &str = "HealthcareService/default";

fn alarmed(decision: &Decision) -> Vec<&str> {
    let flags = decision.outbox.iter().filter(|row| row.topic == "red-flag");
    assert!(flags.clone().all(|row| row.release_at == row.occurred_at), "nothing waits for an opening");
    let patient = |to: &&str| *to != PATIENT;
    flags.filter_map(|row| row.recipient.as_deref()).filter(patient).collect()
}

#[test]
fn a_red_flag_in_a_claimed_thread_tells_the_pool_for_red_flags_and_whoever_has_claimed_it() {
    let mut world = World::new(policy(|_| {}));
    let thread: ResourceId = world.begin(june(19, "09:00"), "One.").thread.id;
    world.threads.get_mut(&thread).unwrap().thread.owner = Some(reference("Practitioner/nurse"));
    let flagged = world.send(june(19, "23:00"), message(PATIENT, "chest pain"), Some(&thread));
    assert_eq!(alarmed(&flagged), [POOL, "Practitioner/nurse"]);
}

#[test]
fn a_red_flag_for_a_person_of_the_pool_for_red_flags_tells_the_whole_pool_too() {
    let mut world = World::new(policy(|_| {}));
    let mut flagged = message(PATIENT, "chest pain");
    flagged.recipients = vec![reference(LEAD)];
    let decision = world.send(june(19, "23:00"), flagged, None);
    assert_eq!(alarmed(&decision), [POOL, LEAD]);
    let nobody = world.begin(june(19, "23:30"), "chest pain");
    assert_eq!(alarmed(&nobody), [POOL], "once, where nobody else is to answer");
}

#[test]
fn danger_hurries_who_is_to_see_and_to_answer_and_not_the_matter() {
    let matter = json!({ "id": "resolve", "starts": "thread-opened", "stops": "thread-resolved",
        "calendar": { "of": "answering-pool" }, "targets": [
            { "priority": "routine", "amount": "P5D", "count": "open-days" },
            { "priority": "urgent", "amount": "P5D", "count": "open-days" },
            { "priority": "stat", "amount": "P5D", "count": "open-days" }] });
    let mut world = World::new(policy(|whole| {
        for turnaround in whole["turnaround"].as_array_mut().unwrap() {
            turnaround["clocks"].as_array_mut().unwrap().push(matter.clone());
        }
    }));
    let flagged = world.begin(june(19, "09:00"), "chest pain");
    for (name, due) in [
        (ClockName::FirstOpened, june(19, "09:30")),
        (ClockName::NextResponse, june(19, "09:30")),
        (ClockName::Resolve, june(26, "17:00")),
    ] {
        assert_eq!(clock(&flagged, name).unwrap().fold.due_at, Some(due), "{name}");
    }
}

#[test]
fn a_clock_that_is_due_before_danger_would_make_it_still_warns_at_once() {
    let mut world = World::new(policy(|whole| {
        let clocks = whole["turnaround"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .flat_map(|turnaround| turnaround["clocks"].as_array_mut().unwrap());
        for clock in clocks.filter(|clock| clock["id"] == "first-opened") {
            clock["thresholds"] = json!([{ "id": "breach", "at": { "due": true }, "deliver": "when-open",
                "do": [{ "type": "notify", "to": "pool-lead" }] }]);
        }
    }));
    let thread = world.begin(june(19, "13:00"), "One.").thread.id;
    // Four open hours are over at five: ten minutes after the patient tells of danger.
    let flagged = world.send(june(19, "16:50"), message(PATIENT, "chest pain"), Some(&thread));
    let opened = clock(&flagged, ClockName::FirstOpened).unwrap();
    assert_eq!(opened.fold.due_at, Some(june(19, "17:00")), "due moves earlier alone");
    assert!(
        opened.terms.thresholds.iter().all(|threshold| threshold.deliver == domain::policy::turnaround::Deliver::Now)
    );
}
