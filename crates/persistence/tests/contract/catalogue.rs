//! The catalogue: bundles, pools' own resources, and generations.

use domain::change::{BundleRow, BundleState, CancelReason, Change, DecisionRow};
use domain::decision::{Mode, Outcome};
use domain::id::{Key, ResourceType};
use domain::store::{Catalogue, SaveError, Service, Store};
use tokio::task::JoinSet;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

fn bundle(number: i32, state: BundleState) -> BundleRow {
    BundleRow {
        id: "default".into(),
        version: number,
        hash: format!("hash-{number}"),
        state,
        effective_from: at(number.into()),
        body: format!(r#"{{"version": {number}}}"#),
        cancels: (number == 2).then_some(CancelReason::ClinicCloses),
    }
}

async fn of_teams_those_alone_are_in_the_catalogue_that_are_pools(store: Fresh) {
    let team = |name: &str| Key::new(ResourceType::CareTeam, id(name));
    store.save(change(["pool", "theirs"].map(|name| version(team(name), 1)))).await.unwrap();
    let mut policy: serde_json::Value = serde_json::from_str(domain::policy::DEFAULT_BUNDLE).unwrap();
    policy["pools"][0]["reference"] = "CareTeam/pool".into();
    store.save(put(&[BundleRow { body: policy.to_string(), ..bundle(1, BundleState::Active) }])).await.unwrap();
    let keys = |teams: Vec<Service>| teams.into_iter().map(|team| team.key).collect::<Vec<_>>();
    assert_eq!(keys(store.catalogue(tenant(), at(0)).await.unwrap().teams), [team("pool")]);
    let asked = vec![id("theirs"), id("none")];
    assert_eq!(keys(store.teams(tenant(), asked).await.unwrap()), [team("theirs")], "as a simulation asks for them");
}

fn put(bundles: &[BundleRow]) -> Change {
    Change { bundles: bundles.to_vec(), new_generation: true, ..Change::new(tenant()) }
}

async fn the_catalogue_is_the_active_bundle_and_every_service(store: Fresh) {
    let empty = Catalogue {
        generation: 0,
        bundle: None,
        shadow: None,
        services: vec![],
        roles: vec![],
        teams: vec![],
        absences: vec![],
        holidays: vec![],
        calendars: vec![],
    };
    assert_eq!(store.catalogue(tenant(), at(0)).await.unwrap(), empty);
    let service = |name: &str| Key::new(ResourceType::HealthcareService, id(name));
    let mut hours = change([version(service("refill"), 1), version(service("closed"), 1)]);
    hours.new_generation = true;
    store.save(hours).await.unwrap();
    let mut gone = version(service("closed"), 2);
    gone.deleted = true;
    store.save(change([gone])).await.unwrap();
    store.save(put(&[bundle(1, BundleState::Active)])).await.unwrap();
    // In one change, whatever its order: the one before retires, the next comes into force.
    store.save(put(&[bundle(2, BundleState::Active), bundle(1, BundleState::Retired)])).await.unwrap();

    let catalogue = store.catalogue(tenant(), at(0)).await.unwrap();
    assert_eq!(catalogue.bundle, Some(bundle(2, BundleState::Active)));
    let written = version(service("refill"), 1);
    assert_eq!(catalogue.services, [Service { key: written.key, version: written.version, body: written.body }]);
    assert_eq!(catalogue.generation, 3);
    assert_eq!(store.generation(tenant()).await.unwrap(), 3);
    let states: Vec<_> =
        store.bundles(tenant()).await.unwrap().into_iter().map(|one| (one.version, one.state)).collect();
    assert_eq!(states, [(2, BundleState::Active), (1, BundleState::Retired)]);
}

async fn a_bundle_may_change_only_while_it_is_a_draft(store: Fresh) {
    let mut edited = bundle(1, BundleState::Draft);
    store.save(put(&[edited.clone()])).await.unwrap();
    edited.body = "{}".into();
    store.save(put(&[edited.clone()])).await.unwrap();
    edited.state = BundleState::Shadow;
    store.save(put(&[edited.clone()])).await.unwrap();
    let conflict = Err(SaveError::Conflict { key: None });
    let mut changed = edited.clone();
    changed.body = "{ }".into();
    assert_eq!(store.save(put(&[changed])).await, conflict);
    let mut again = edited.clone();
    again.state = BundleState::Draft;
    assert_eq!(store.save(put(&[again])).await, conflict);
    edited.state = BundleState::Active;
    store.save(put(&[edited.clone()])).await.unwrap();
    assert_eq!(store.save(put(&[bundle(2, BundleState::Active)])).await, conflict, "one is in force");
    assert_eq!(store.catalogue(tenant(), at(0)).await.unwrap().bundle, Some(edited));
}

async fn one_bundle_at_most_is_in_shadow_and_the_catalogue_has_it(store: Fresh) {
    store.save(put(&[bundle(1, BundleState::Active), bundle(2, BundleState::Shadow)])).await.unwrap();
    let refused = store.save(put(&[bundle(3, BundleState::Shadow)])).await;
    assert_eq!(refused, Err(SaveError::Conflict { key: None }));
    assert_eq!(store.catalogue(tenant(), at(0)).await.unwrap().shadow, Some(bundle(2, BundleState::Shadow)));
    store.save(put(&[bundle(2, BundleState::Retired)])).await.unwrap();
    assert_eq!(store.catalogue(tenant(), at(0)).await.unwrap().shadow, None);
}

async fn bundles_whose_instant_has_come_are_found_the_earliest_first(store: Fresh) {
    let waiting = |number: i32| bundle(number, BundleState::Scheduled);
    store.save(put(&[waiting(30), waiting(10), waiting(20), bundle(5, BundleState::Draft)])).await.unwrap();
    let due = store.due_bundles(at(20)).await.unwrap();
    assert_eq!(due, [(tenant(), waiting(10)), (tenant(), waiting(20))]);
    assert_eq!(store.due_bundles(at(9)).await.unwrap(), []);
}

async fn a_draft_that_was_replaced_meanwhile_does_not_come_into_force(store: Fresh) {
    let seen = bundle(1, BundleState::Draft);
    store.save(put(std::slice::from_ref(&seen))).await.unwrap();
    let replaced = BundleRow { hash: "another".into(), body: "{}".into(), ..seen.clone() };
    store.save(put(std::slice::from_ref(&replaced))).await.unwrap();
    let activated = BundleRow { state: BundleState::Active, ..seen };
    assert_eq!(store.save(put(&[activated])).await, Err(SaveError::Conflict { key: None }));
    assert_eq!(store.bundles(tenant()).await.unwrap(), [replaced]);
}

async fn of_activations_at_the_same_time_one_wins_and_one_is_in_force(store: Fresh) {
    store.save(put(&[bundle(1, BundleState::Active)])).await.unwrap();
    let generation = store.generation(tenant()).await.unwrap();
    let other = store.another(|_| {});
    let mut saves = JoinSet::new();
    for n in 2..10 {
        let store = if n % 2 == 0 { (*store).clone() } else { other.clone() };
        let mut change = put(&[bundle(n, BundleState::Active), bundle(1, BundleState::Retired)]);
        change.generation = Some(generation);
        saves.spawn(async move { store.save(change).await });
    }
    let answers = saves.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let bundles = store.bundles(tenant()).await.unwrap();
    assert_eq!(bundles.iter().filter(|one| one.state == BundleState::Active).count(), 1);
    assert_eq!((bundles.len(), store.generation(tenant()).await.unwrap()), (2, generation + 1));
}

async fn a_record_of_a_bundle_in_shadow_is_written_with_the_live_one(store: Fresh) {
    let decision = |name: &str, mode: Mode| DecisionRow {
        id: id(name),
        at: at(1),
        focus: communication("m"),
        thread: None,
        outcome: "delivered".into(),
        mode,
        bundle: "hash".into(),
        body: "{}".into(),
    };
    let mut both = change([version(communication("m"), 1)]);
    both.decisions = vec![decision("live", Mode::Live)];
    both.shadows = vec![decision("shadow", Mode::Shadow)];
    store.save(both).await.unwrap();
    let found = store.decisions(tenant(), Some(communication("m")), None, None, 9).await.unwrap();
    let mut ids: Vec<_> = found.iter().map(|one| one.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["live", "shadow"]);
    for mode in [Mode::Live, Mode::Shadow] {
        let found = store.decisions(tenant(), None, Some(mode), None, 9).await.unwrap();
        assert_eq!(found, [decision(mode.as_str(), mode)]);
    }
    // By outcome, alone and with what else is asked for.
    let merged = DecisionRow { outcome: "merged".into(), ..decision("other", Mode::Live) };
    store.save(Change { decisions: vec![merged.clone()], ..Change::new(tenant()) }).await.unwrap();
    let of = async |focus, mode, outcome| store.decisions(tenant(), focus, mode, Some(outcome), 9).await.unwrap();
    assert_eq!(of(None, None, Outcome::Merged).await, std::slice::from_ref(&merged));
    assert_eq!(of(Some(communication("m")), Some(Mode::Live), Outcome::Merged).await, [merged]);
    assert_eq!(of(None, Some(Mode::Live), Outcome::Delivered).await, [decision("live", Mode::Live)]);
    assert_eq!(of(None, None, Outcome::Delivered).await.len(), 2);
    assert_eq!(of(None, Some(Mode::Shadow), Outcome::Merged).await, []);
    assert_eq!(of(None, None, Outcome::Retracted).await, []);
    assert_eq!(store.decisions(tenant(), None, Some(Mode::Simulation), None, 9).await.unwrap(), []);
}

async fn a_decision_under_an_earlier_generation_is_refused_alone(store: Fresh) {
    let decided = |name: &str, generation: i64| {
        let mut change = change([version(communication(name), 1)]);
        change.generation = Some(generation);
        change
    };
    store.save(decided("before", 0)).await.unwrap();
    store.save(put(&[])).await.unwrap();
    let mut saves = JoinSet::new();
    for n in 0..60 {
        let (store, change) = ((*store).clone(), decided(&format!("m{n}"), i64::from(n % 3 != 0)));
        saves.spawn(async move { (n, store.save(change).await) });
    }
    for (n, saved) in saves.join_all().await {
        let expected = if n % 3 == 0 { Err(SaveError::StaleCatalogue) } else { Ok(()) };
        assert_eq!(saved, expected);
        let found = store.read(read(communication(&format!("m{n}")))).await.unwrap();
        assert_eq!(found.is_some(), expected.is_ok());
    }
}

async fn of_changes_that_start_the_same_generation_one_is_saved(store: Fresh) {
    for round in 0..3 {
        let other = store.another(|_| {});
        let mut saves = JoinSet::new();
        for n in 0..8 {
            let store = if n % 2 == 0 { (*store).clone() } else { other.clone() };
            let mut change = put(&[]);
            change.generation = Some(round);
            saves.spawn(async move { store.save(change).await });
        }
        let answers = saves.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert_eq!(answers.iter().filter(|answer| **answer == Err(SaveError::StaleCatalogue)).count(), 7);
        assert_eq!(store.generation(tenant()).await.unwrap(), round + 1);
    }
}

on_both!(
    of_teams_those_alone_are_in_the_catalogue_that_are_pools,
    the_catalogue_is_the_active_bundle_and_every_service,
    a_bundle_may_change_only_while_it_is_a_draft,
    one_bundle_at_most_is_in_shadow_and_the_catalogue_has_it,
    bundles_whose_instant_has_come_are_found_the_earliest_first,
    a_draft_that_was_replaced_meanwhile_does_not_come_into_force,
    of_activations_at_the_same_time_one_wins_and_one_is_in_force,
    a_record_of_a_bundle_in_shadow_is_written_with_the_live_one,
    a_decision_under_an_earlier_generation_is_refused_alone,
    of_changes_that_start_the_same_generation_one_is_saved,
);
