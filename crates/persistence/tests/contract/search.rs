//! Searching, compared with a search that looks at every resource in turn.

use domain::access::Visibility;
use domain::change::ResourceWrite;
use domain::id::ResourceType;
use domain::search::{DateMatch, Filter, Indexed, Page, Prefix, Search, SearchValue, Sort, SortBy, TokenMatch};
use domain::store::Store;
use jiff::Timestamp;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

const PREFIXES: [Prefix; 8] =
    [Prefix::Eq, Prefix::Ne, Prefix::Gt, Prefix::Ge, Prefix::Lt, Prefix::Le, Prefix::Sa, Prefix::Eb];

fn asked(filters: Vec<Filter>) -> Search {
    Search {
        tenant: tenant(),
        kind: ResourceType::Communication,
        filters,
        sort: Sort { by: SortBy::LastUpdated, descending: false },
        count: 100,
        after: None,
        total: false,
        visibility: Visibility::Everything,
    }
}

async fn names(store: &Fresh, filters: Vec<Filter>) -> String {
    ids(&store.search(asked(filters)).await.unwrap())
}

fn ids(page: &Page) -> String {
    page.rows.iter().map(|row| row.key.id.as_str()).collect::<Vec<_>>().join(" ")
}

fn found_by(name: &str, updated: i64, values: impl IntoIterator<Item = SearchValue>) -> ResourceWrite {
    let mut write = version(communication(name), 1);
    write.last_updated = moment(updated);
    write.values = values.into_iter().collect();
    write
}

fn token_match(system: Option<&str>, code: Option<&str>) -> TokenMatch {
    TokenMatch { system: system.map(Into::into), code: code.map(Into::into) }
}

async fn a_token_is_found_with_and_without_its_system(store: Fresh) {
    let all = change([
        found_by("a", 1, [token("category", Some("s"), "refill")]),
        found_by("b", 2, [token("category", None, "refill")]),
        found_by("c", 3, [token("category", Some("s"), "lab"), token("category", Some("z"), "refill")]),
        found_by("d", 4, [token("status", Some("s"), "refill"), token("category", Some("s"), "Refill")]),
        found_by("e", 5, []),
    ]);
    store.save(all).await.unwrap();
    let find = async |any: &[(Option<&str>, Option<&str>)]| {
        let any = any.iter().map(|(system, code)| token_match(*system, *code)).collect();
        names(&store, vec![Filter::Token { param: "category", any }]).await
    };
    assert_eq!(find(&[(None, Some("refill"))]).await, "a b c");
    assert_eq!(find(&[(Some("s"), Some("refill"))]).await, "a");
    assert_eq!(find(&[(Some(""), Some("refill"))]).await, "b");
    assert_eq!(find(&[(Some("s"), None)]).await, "a c d");
    assert_eq!(find(&[(Some("s"), Some("lab")), (Some(""), Some("refill"))]).await, "b c");
    assert_eq!(find(&[]).await, "", "any of nothing is nothing");
    let hostile = "refill' OR '1'='1";
    assert_eq!(find(&[(None, Some(hostile))]).await, "");
}

async fn a_reference_and_an_id_are_found_and_conditions_add_up(store: Fresh) {
    let long = format!("https://elsewhere.example/Patient/{}", "x".repeat(4000));
    let all = change([
        found_by("a", 1, [refers("sender", "Patient/1"), refers("recipient", "Patient/2")]),
        found_by("b", 2, [refers("sender", "Patient/2")]),
        found_by("c", 3, [refers("sender", &long)]),
    ]);
    store.save(all).await.unwrap();
    let sender = |any: &[&str]| Filter::Reference { param: "sender", any: any.iter().map(|&to| to.into()).collect() };
    assert_eq!(names(&store, vec![sender(&["Patient/1", "Patient/2"])]).await, "a b");
    assert_eq!(names(&store, vec![sender(&[&long])]).await, "c");
    let recipient = Filter::Reference { param: "recipient", any: vec!["Patient/2".into()] };
    assert_eq!(names(&store, vec![sender(&["Patient/1", "Patient/2"]), recipient]).await, "a");
    assert_eq!(names(&store, vec![Filter::Id(vec![id("c"), id("a"), id("z")])]).await, "a c");
    assert_eq!(names(&store, vec![Filter::Id(vec![id("c")]), sender(&["Patient/1"])]).await, "");
}

async fn a_superseded_value_finds_nothing(store: Fresh) {
    store.save(change([found_by("a", 1, [token("status", None, "draft"), token("n", None, "1")])])).await.unwrap();
    let mut next = found_by("a", 2, [token("status", None, "sent")]);
    next.version = next.version.next();
    store.save(change([next.clone()])).await.unwrap();
    let find =
        |code: &str| names(&store, vec![Filter::Token { param: "status", any: vec![token_match(None, Some(code))] }]);
    assert_eq!((find("draft").await, find("sent").await), (String::new(), "a".into()));
    next.version = next.version.next();
    next.deleted = true;
    store.save(change([next])).await.unwrap();
    assert_eq!(find("sent").await, "");
    assert_eq!(names(&store, vec![]).await, "", "what is deleted is not found");
}

async fn pages_follow_each_other_without_gap_or_repetition(store: Fresh) {
    let mut writes = vec![];
    for n in 0..23_i64 {
        let mut write =
            found_by(&format!("m{n:02}"), n / 4, [token("n", None, if n % 2 == 0 { "even" } else { "odd" })]);
        write.date = moment(100 - n / 5);
        writes.push(write);
    }
    store.save(change(writes.clone())).await.unwrap();
    for by in [SortBy::LastUpdated, SortBy::Date] {
        for descending in [false, true] {
            let key = |write: &ResourceWrite| {
                (if by == SortBy::Date { write.date } else { write.last_updated }, write.key.id.clone())
            };
            let mut expected: Vec<_> = writes.iter().map(key).collect();
            expected.sort();
            if descending {
                expected.reverse();
            }
            let mut search = asked(vec![]);
            search.sort = Sort { by, descending };
            search.count = 5;
            search.total = true;
            let (mut got, mut pages) = (vec![], 0);
            loop {
                let page = store.search(search.clone()).await.unwrap();
                assert_eq!(page.total, Some(23));
                got.extend(page.rows.into_iter().map(|row| row.key.id));
                pages += 1;
                match page.next {
                    Some(next) => search.after = Some(next),
                    None => break,
                }
            }
            assert_eq!(got, expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
            assert_eq!(pages, 5);
        }
    }
    let mut exact = asked(vec![]);
    exact.count = 23;
    assert_eq!(store.search(exact.clone()).await.unwrap().next, None, "a full last page has no next");
    exact.count = 0;
    exact.total = true;
    exact.filters = vec![Filter::Token { param: "n", any: vec![token_match(None, Some("even"))] }];
    assert_eq!(store.search(exact).await.unwrap(), Page { rows: vec![], next: None, total: Some(12) });
}

/// A sequence of numbers that looks random and is always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len() as u64) as usize]
    }

    fn interval(&mut self) -> (i64, i64) {
        let low = self.roll(12) as i64;
        (low, low + 1 + self.roll(4) as i64)
    }
}

async fn every_search_answers_as_looking_at_each_resource_would(store: Fresh) {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let systems = [None, Some("s"), Some("z")];
    let codes = ["a", "b", "c"];
    let mut writes = vec![];
    for n in 0..60 {
        let mut values = vec![];
        for _ in 0..dice.roll(3) {
            values.push(token("category", dice.pick(&systems), dice.pick(&codes)));
        }
        for _ in 0..dice.roll(3) {
            values.push(refers("recipient", &format!("Patient/{}", dice.pick(&codes))));
        }
        for _ in 0..dice.roll(3) {
            let (low, high) = dice.interval();
            values.push(date("sent", low, high));
        }
        writes.push(found_by(&format!("m{n:02}"), dice.roll(15) as i64, values));
    }
    for half in writes.chunks(30) {
        store.save(change(half.to_vec())).await.unwrap();
    }
    for _ in 0..400 {
        let filters: Vec<Filter> = (0..=dice.roll(2)).map(|_| random_filter(&mut dice)).collect();
        let mut expected: Vec<&ResourceWrite> =
            writes.iter().filter(|write| filters.iter().all(|filter| holds(filter, write))).collect();
        expected.sort_by_key(|write| (write.last_updated, write.key.id.clone()));
        let expected: Vec<&str> = expected.iter().map(|write| write.key.id.as_str()).collect();
        assert_eq!(names(&store, filters.clone()).await, expected.join(" "), "{filters:?}");
    }
}

fn random_filter(dice: &mut Dice) -> Filter {
    let dates = |dice: &mut Dice| {
        let (low, high) = dice.interval();
        DateMatch { prefix: dice.pick(&PREFIXES), low: moment(low), high: moment(high) }
    };
    let count = 1 + dice.roll(2);
    match dice.roll(5) {
        0 => Filter::LastUpdated((0..count).map(|_| dates(dice)).collect()),
        1 => Filter::Date { param: "sent", any: (0..count).map(|_| dates(dice)).collect() },
        2 => Filter::Reference {
            param: "recipient",
            any: (0..count).map(|_| format!("Patient/{}", dice.pick(&["a", "b", "c"]))).collect(),
        },
        3 => Filter::Id((0..20).map(|_| id(&format!("m{:02}", dice.roll(70)))).collect()),
        _ => {
            let mut one = || {
                let code = dice.pick(&[None, Some("a"), Some("b")]);
                let systems: &[Option<&str>] = if code.is_some() { &[None, Some(""), Some("s")] } else { &[Some("s")] };
                token_match(dice.pick(systems), code)
            };
            Filter::Token { param: "category", any: (0..count).map(|_| one()).collect() }
        }
    }
}

fn holds(filter: &Filter, write: &ResourceWrite) -> bool {
    let has = |name: &str, test: &dyn Fn(&Indexed) -> bool| {
        write.values.iter().any(|value| value.param == name && test(&value.value))
    };
    match filter {
        Filter::Id(any) => any.contains(&write.key.id),
        Filter::LastUpdated(any) => {
            let low = write.last_updated;
            let high = Timestamp::from_microsecond(low.as_microsecond() + 1).unwrap();
            any.iter().any(|asked| compares(asked, low, high))
        }
        Filter::Token { param, any } => has(param, &|value| match value {
            Indexed::Token { system, code } => any.iter().any(|asked| {
                asked.code.as_ref().is_none_or(|asked| asked == code)
                    && asked.system.as_ref().is_none_or(|asked| asked == system.as_deref().unwrap_or(""))
            }),
            _ => false,
        }),
        Filter::Reference { param, any } => has(param, &|value| match value {
            Indexed::Reference(to) => any.contains(to),
            _ => false,
        }),
        Filter::Date { param, any } => has(param, &|value| match value {
            Indexed::Date { low, high } => any.iter().any(|asked| compares(asked, *low, *high)),
            _ => false,
        }),
    }
}

/// The prefixes as the specification tells them, moment by moment: `[low, high)` are sets of microseconds.
fn compares(asked: &DateMatch, low: Timestamp, high: Timestamp) -> bool {
    let contained = low >= asked.low && high <= asked.high;
    let some_after = high > asked.high;
    let some_before = low < asked.low;
    match asked.prefix {
        Prefix::Eq => contained,
        Prefix::Ne => !contained,
        Prefix::Gt => some_after,
        Prefix::Ge => some_after || contained,
        Prefix::Lt => some_before,
        Prefix::Le => some_before || contained,
        Prefix::Sa => low >= asked.high,
        Prefix::Eb => high <= asked.low,
    }
}

on_both!(
    a_token_is_found_with_and_without_its_system,
    a_reference_and_an_id_are_found_and_conditions_add_up,
    a_superseded_value_finds_nothing,
    pages_follow_each_other_without_gap_or_repetition,
    every_search_answers_as_looking_at_each_resource_would,
);
