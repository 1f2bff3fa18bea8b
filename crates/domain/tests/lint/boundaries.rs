//! Boundaries of the people concerned: quiet hours, automatic replies, limits.

use serde_json::{Value, json};

use crate::{error, warning};

#[test]
fn d4_quiet_hours_that_end_where_they_start_are_an_error_and_no_length_is_guessed() {
    for shift in
        [json!({"start": "08:00", "end": "08:00"}), json!({"start": "08:00", "end": "08:00", "endsNextDay": true})]
    {
        error("/quietHours/0/shifts/0", "all day", &[("/quietHours/0/shifts", json!([shift]))]);
    }
}

#[test]
fn boundaries_that_are_none_or_shut_everything() {
    let shifts = |shifts: Value| [("/quietHours/0/shifts", shifts)];
    let all_day = "all day";
    error("/quietHours/0/shifts/0", "ends before", &shifts(json!([{"start": "22:00", "end": "07:00"}])));
    error("/quietHours/0/shifts", all_day, &shifts(json!([{"start": "00:00", "end": "24:00"}])));
    let halves = json!([{"start": "20:00", "end": "08:00", "endsNextDay": true}, {"start": "08:00", "end": "20:00"}]);
    error("/quietHours/0/shifts", all_day, &shifts(halves));
    error("/quietHours/0/shifts", "no window", &shifts(json!([])));
    error("/quietHours/0/maxHold", "holds nothing", &[("/quietHours/0/maxHold", json!("PT0S"))]);
    let other = json!({
        "id": "day", "audience": "patient", "windowsIn": "clinic-timezone", "shifts": [{"start": "07:00", "end": "21:00"}],
    });
    error("/quietHours", "leave no time", &[("/quietHours/-", other)]);

    error("/awayReplies/0/template", "no template", &[("/awayReplies/0/template", json!("nothing"))]);
    error("/awayReplies/0/calendar", "no calendar", &[("/awayReplies/0/calendar", json!("lunar"))]);
    let second = json!({"id": "again", "when": "message-accepted", "template": "accepted"});
    warning("/awayReplies/3", "never sent", &[("/awayReplies/-", second)]);
    error("/awayReplies/0/calendar", "calendar-closed alone", &[("/awayReplies/0/calendar", json!("clinic"))]);
    let throttle = |per: &str, window: &str| [("/awayReplies/0/throttle", json!({"per": per, "window": window}))];
    error("/awayReplies/0/throttle/window", "holds nothing back", &throttle("sender", "PT0S"));
    error("/awayReplies/0/throttle/window", "longer than", &throttle("sender", "P32D"));
    error("/awayReplies/0/throttle/per", "no closure", &throttle("sender-closure", "PT1H"));
    error("/awayReplies/1/template", "not known yet", &[("/awayReplies/1/template", json!("accepted"))]);
    error("/length", "after the limit", &[("/length", json!({"notice": 2, "limit": 1}))]);
    error("/length/limit", "more than", &[("/length", json!({"notice": 2, "limit": 1_000_001}))]);
    error("/replyWindow", "at once", &[("/replyWindow", json!("PT0S"))]);
    error("/visitSuggestedFrom", "before the first", &[("/visitSuggestedFrom", json!(0))]);
}

#[test]
fn limits_that_lose_or_hold_what_they_must_not() {
    let limit = |scope: &str, on_exceed: &str, more: Value| {
        let mut limit = json!({"id": "l", "scope": scope, "max": 1, "window": "PT1H", "onExceed": on_exceed});
        limit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        [("/limits", json!([limit]))]
    };
    for (scope, on_exceed) in [("sender", "drop"), ("sender-thread", "reject"), ("tenant", "drop")] {
        error("/limits/0/onExceed", "would be lost", &limit(scope, on_exceed, json!({})));
    }
    error("/limits/0/onExceed", "not reviewed", &limit("automatic-per-thread", "hold-for-review", json!({})));
    let person = |more| limit("sender-new-threads", "hold-for-review", more);
    error("/limits/0/max", "lets nothing pass", &person(json!({"max": 0})));
    error("/limits/0/max", "more than 1000", &person(json!({"max": 1001})));
    error("/limits/0/max", "more than 100", &limit("automatic-per-recipient", "drop", json!({"max": 101})));
    error("/limits/0/window", "counts nothing", &person(json!({"window": "PT0S"})));
    error("/limits/0/window", "longer than", &person(json!({"window": "P32D"})));
    error("/limits/0/reviewWithin", "no time", &person(json!({"reviewWithin": "PT0S"})));
    error("/limits/0/longestHold", "no time", &person(json!({"longestHold": "PT0S"})));
    error("/limits/0/longestHold", "no time", &person(json!({"longestHold": "P32D"})));
    warning("/pools/0/leads", "nobody leads", &[("/pools/0/leads", json!([]))]);
    error("/turnaround/3/clocks/0/id", "started by holds", &[("/turnaround/3/clocks/0/id", json!("review"))]);
}
