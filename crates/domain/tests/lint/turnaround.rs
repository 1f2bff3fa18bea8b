//! What is promised: turnaround policies, thresholds, rests, and answers that stay unread.

use serde_json::{Value, json};

use crate::{SAMPLE, error, found, is, warning};

#[test]
fn turnaround_that_leaves_a_message_without_a_promise_or_with_two() {
    let clock = "/turnaround/3/clocks/1";
    let at = |name: &str| format!("{clock}/{name}");
    error(
        "/turnaround",
        "2 policies have no condition",
        &[("/turnaround/2", serde_json::from_str::<Value>(SAMPLE).unwrap()["turnaround"][3].clone())],
    );
    error("/turnaround", "0 policies have no condition", &[("/turnaround/3/when", is("x"))]);
    error("/turnaround/1/order", "two policies", &[("/turnaround/1/order", json!(10))]);
    warning("/turnaround/1", "never governs", &[("/turnaround/1/when", is("appointment"))]);
    warning("/turnaround/3", "never governs", &[("/turnaround/2/when", json!({"all": []}))]);
    warning("/turnaround/0/when", "never holds", &[("/turnaround/0/when", json!({"any": []}))]);
    let first: Value = serde_json::from_str::<Value>(SAMPLE).unwrap()["turnaround"][3]["clocks"][0].clone();
    error("/turnaround/3/clocks", "nobody has to answer", &[("/turnaround/3/clocks", json!([first.clone()]))]);
    error("/turnaround/3/clocks/2/id", "has this clock already", &[("/turnaround/3/clocks/-", first)]);
    error(&at("calendar"), "no calendar", &[(&at("calendar"), json!("lunar"))]);
    error(&at("stops"), "does not stop", &[(&at("stops"), json!("opened-by-human"))]);
    error(&at("starts"), "does not begin with a team", &[(&at("starts"), json!("assigned"))]);
    error(&at("starts"), "every message but the first", &[(&at("starts"), json!("thread-opened"))]);
    error(&at("onReopen"), "writes again", &[(&at("onReopen"), json!("none"))]);
    error(&at("targets"), "no target for stat", &[(&at("targets/0/priority"), json!("asap"))]);
    error(&at("targets/1/priority"), "has a target already", &[(&at("targets/1/priority"), json!("stat"))]);
    error(&at("targets/2/amount"), "at most 366", &[(&at("targets/2/amount"), json!("P367D"))]);
    error(&at("targets/0/amount"), "leaves no time", &[(&at("targets/0/amount"), json!("PT0S"))]);
    error(&at("targets/0/dayEnds"), "open-days alone", &[(&at("targets/0/dayEnds"), json!("close"))]);
    error(&at("targets/0"), "beyond what the calendar clinic opens", &[(&at("targets/0/amount"), json!("PT9000H"))]);
    warning(&at("thresholds"), "nothing records", &[(&at("thresholds"), json!([]))]);
}

#[test]
fn thresholds_that_do_not_stand_where_they_should() {
    let threshold = |name: &str| format!("/turnaround/3/clocks/1/thresholds/0/{name}");
    let stands = |at: Value| [("/turnaround/3/clocks/1/thresholds/0/at", at)];
    for own in ["promise-missed", "pause-ends", "pause-ends-2"] {
        error(&threshold("id"), "every clock records by itself", &[(&threshold("id"), json!(own))]);
    }
    for percent in [0, 100, 200] {
        error(&threshold("at/percent"), "between start and due", &stands(json!({"percent": percent})));
    }
    error(&threshold("at"), "at due itself", &stands(json!({"before": "PT0S"})));
    error(&threshold("at"), "at due itself", &stands(json!({"after": "PT0S"})));
    warning(&threshold("at/before"), "before the start", &stands(json!({"before": "PT4H"})));
    let routes = ("/turnaround/3/clocks/1/thresholds/0/do/0", json!({"type": "route-to-pool", "to": "nobody"}));
    error(&threshold("do/0/to"), "no pool", &[routes]);
    let stands = |action: Value| [("/turnaround/3/clocks/1/thresholds/0/do/0", action)];
    for action in [
        json!({"type": "set-priority", "value": "stat"}),
        json!({"type": "assign", "to": "Practitioner/p"}),
        json!({"type": "send-template", "value": "accepted"}),
        json!({"type": "suggest-visit"}),
        json!({"type": "stop"}),
    ] {
        error(&threshold("do/0"), "cannot stand here", &stands(action));
    }
    for action in [json!({"type": "add-tag", "value": "late"}), json!({"type": "route-to-pool", "to": "refill"})] {
        assert_eq!(found(&stands(action)), []);
    }
    for own in ["needs-review", "visit-suggested"] {
        let tag = stands(json!({"type": "add-tag", "value": own}));
        error(&threshold("do/0/value"), "gives itself", &tag);
    }
}

#[test]
fn rests_that_say_something_twice_or_of_nothing() {
    let clock = |name: &str| format!("/turnaround/3/clocks/1/{name}");
    let caps = |caps: Value| [("/turnaround/3/clocks/1/pauseCaps", caps)];
    let cap = |reason: &str| json!({"while": reason, "openDays": 3});
    let twice = json!(["waiting-on-patient", "waiting-on-patient"]);
    error(&clock("pausesWhile/1"), "stands there already", &[("/turnaround/3/clocks/1/pausesWhile", twice)]);
    let patient = "waiting-on-patient";
    error(&clock("pauseCaps/1/while"), "a cap already", &caps(json!([cap(patient), cap(patient)])));
    let only = ("/turnaround/3/clocks/1/pausesWhile", json!([patient]));
    let other = ("/turnaround/3/clocks/1/pauseCaps", json!([cap(patient), cap("waiting-on-third-party")]));
    error(&clock("pauseCaps/1/while"), "never rests", &[only, other]);
    assert_eq!(found(&caps(json!([cap(patient)]))), []);
}

#[test]
fn answers_that_may_stay_unread_for_no_time_or_for_longer_than_a_calendar_holds() {
    let after = |amount: &str, count: &str| {
        [("/unreadByPatient", json!({"actionRequired": {"amount": amount, "count": count}, "otherwise": "never"}))]
    };
    let amount = "/unreadByPatient/actionRequired/amount";
    error(amount, "leaves no time", &after("P0D", "calendar-days"));
    error(amount, "at most 366", &after("P367D", "open-days"));
    let mut seldom = after("P200D", "open-days").to_vec();
    seldom.push(("/calendars/0/weekly", json!([{"days": ["sun"], "shifts": [{"start": "08:00", "end": "09:00"}]}])));
    error("/unreadByPatient/actionRequired", "lies beyond what the calendar clinic opens", &seldom);
    assert_eq!(found(&after("P366D", "calendar-days")), []);
    let named = [("/turnaround/3/clocks/1/thresholds/0/id", json!("unread-by-patient"))];
    error("/turnaround/3/clocks/1/thresholds/0/id", "tells that an answer is unread", &named);
}
