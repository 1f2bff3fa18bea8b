//! Searching, compared with a search that looks at every resource in turn.

use domain::access::Visibility;
use domain::change::{Audience, Change, ResourceWrite};
use domain::id::ResourceType;
use domain::search::{
    DateMatch, Filter, Indexed, Link, Page, Prefix, Search, SearchValue, Selection, Sort, SortBy, TokenMatch, folded,
};
use domain::store::Store;
use jiff::Timestamp;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

const PREFIXES: [Prefix; 9] =
    [Prefix::Eq, Prefix::Ne, Prefix::Gt, Prefix::Ge, Prefix::Lt, Prefix::Le, Prefix::Sa, Prefix::Eb, Prefix::Overlap];

/// The text of a resource as long as one may be.
pub static LONG: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| "x".repeat(1 << 20));

fn asked(filters: Vec<Filter>) -> Search {
    Search {
        tenant: tenant(),
        kind: ResourceType::Communication,
        filters,
        sort: vec![Sort { by: SortBy::LastUpdated, descending: false }],
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

/// As many as a page that brings others along may ask for at once, and more than SQLite lets conditions nest.
async fn thousands_of_alternatives_are_one_search(store: Fresh) {
    let all = change([
        found_by("a", 1, [refers("sender", "Patient/1"), token("category", Some("s"), "refill")]),
        found_by("b", 2, [refers("sender", "Patient/2")]),
    ]);
    store.save(all).await.unwrap();
    let names = async |filter: Filter| names(&store, vec![filter]).await;
    let many = || (0..4000).map(|number| format!("Patient/x{number}"));
    let sender: Vec<String> = many().chain(["Patient/1".to_owned()]).collect();
    assert_eq!(names(Filter::Reference { param: "sender", any: sender }).await, "a");
    let codes = (0..2000).map(|number| format!("c{number}")).chain(["refill".to_owned()]);
    let any: Vec<TokenMatch> = codes.map(|code| token_match(Some("s"), Some(&code))).collect();
    assert_eq!(names(Filter::Token { param: "category", any: any.clone() }).await, "a");
    let each: Vec<Filter> =
        any.into_iter().map(|one| Filter::Token { param: "category", any: vec![one] }).skip(1500).collect();
    assert_eq!(names(Filter::Any(each.clone())).await, "a");
    let none = each.into_iter().map(|one| Filter::Not(Box::new(one)));
    assert_eq!(names(Filter::All(none.collect())).await, "b");
}

async fn a_page_ends_where_it_grows_too_long_and_the_next_begins_exactly_there(store: Fresh) {
    for n in 0..20 {
        // All but a few are of one instant: the id decides.
        let mut write = found_by(&format!("m{n:02}"), n / 15, [token("n", None, "x")]);
        write.body = LONG.repeat(if n == 7 { 12 } else { 1 });
        store.save(change([write])).await.unwrap();
    }
    let mut search = asked(vec![Filter::Token { param: "n", any: vec![token_match(None, Some("x"))] }]);
    let (mut forth, mut last) = (vec![], None);
    loop {
        let page = store.search(search.clone()).await.unwrap();
        forth.push(ids(&page));
        let next = page.next.clone();
        last = Some(page).or(last);
        search.after = next;
        if search.after.is_none() {
            break;
        }
    }
    assert_eq!(forth[0], "m00 m01 m02 m03 m04 m05 m06 m07", "the row that reaches the length is the last");
    assert_eq!(forth.iter().map(|page| page.split(' ').count()).collect::<Vec<_>>(), [8, 8, 4]);
    let mut all: Vec<String> = (0..20).map(|n| format!("m{n:02}")).collect();
    assert_eq!(forth.join(" "), all.join(" "), "nothing is passed over and nothing comes twice");
    let mut back = vec![];
    search.after = last.unwrap().previous;
    while search.after.is_some() {
        let page = store.search(search.clone()).await.unwrap();
        assert!(!page.rows.is_empty());
        back.extend(page.rows.iter().rev().map(|row| row.key.id.to_string()));
        search.after = page.previous;
    }
    all.truncate(16);
    all.reverse();
    assert_eq!(back, all);
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
        write.thread = (n % 3 > 0).then(|| id(if n % 3 == 1 { "t1" } else { "t9" }));
        writes.push(write);
    }
    let threads = vec![thread("t1", 1), thread("t9", 1)].into_iter();
    let threads = threads.map(|own| domain::thread::Thread { last_activity_at: activity(&own.id), ..own }).collect();
    store.save(Change { threads, ..change(writes.clone()) }).await.unwrap();
    let up = |by| Sort { by, descending: false };
    let down = |by| Sort { by, descending: true };
    for order in [
        vec![up(SortBy::LastUpdated)],
        vec![down(SortBy::LastUpdated)],
        vec![up(SortBy::Date)],
        vec![down(SortBy::Date)],
        vec![up(SortBy::Id)],
        vec![down(SortBy::Id)],
        vec![down(SortBy::Date), up(SortBy::LastUpdated)],
        vec![up(SortBy::LastActivity), down(SortBy::Date)],
        vec![down(SortBy::Date), up(SortBy::Id), up(SortBy::LastUpdated)],
    ] {
        let mut expected = writes.clone();
        expected.sort_by(|one, other| ordered(&order, one, other));
        let expected: Vec<_> = expected.into_iter().map(|write| write.key.id).collect();
        let mut search = asked(vec![]);
        search.sort.clone_from(&order);
        search.count = 5;
        search.total = true;
        let mut pages = vec![];
        loop {
            let page = store.search(search.clone()).await.unwrap();
            assert_eq!(page.total, Some(23));
            assert_eq!(page.previous.is_some(), !pages.is_empty(), "{order:?}");
            search.after.clone_from(&page.next);
            pages.push(page);
            if search.after.is_none() {
                break;
            }
        }
        let ids = |pages: &[Page]| -> Vec<_> {
            pages.iter().flat_map(|page| page.rows.iter().map(|row| row.key.id.clone())).collect()
        };
        assert_eq!(ids(&pages), expected, "{order:?}");
        assert_eq!(pages.len(), 5);
        // And back again, page by page.
        let mut back = vec![pages.pop().unwrap()];
        while let Some(previous) = back[0].previous.clone() {
            search.after = Some(previous);
            let page = store.search(search.clone()).await.unwrap();
            assert!(page.next.is_some(), "{order:?}: there is what it was reached from");
            back.insert(0, page);
        }
        assert_eq!(ids(&back), expected, "{order:?} backwards");
    }
    let mut exact = asked(vec![]);
    exact.count = 23;
    assert_eq!(store.search(exact.clone()).await.unwrap().next, None, "a full last page has no next");
    exact.count = 0;
    exact.total = true;
    exact.filters = vec![Filter::Token { param: "n", any: vec![token_match(None, Some("even"))] }];
    assert_eq!(store.search(exact).await.unwrap(), Page { rows: vec![], next: None, previous: None, total: Some(12) });
}

/// When anybody last wrote in a thread of these tests.
fn activity(thread: &domain::id::ResourceId) -> domain::time::Instant {
    at(i64::from(thread.as_str().bytes().last().unwrap() % 16))
}

/// How two resources follow each other.
fn ordered(order: &[Sort], one: &ResourceWrite, other: &ResourceWrite) -> std::cmp::Ordering {
    let moment = |write: &ResourceWrite, by: SortBy| match by {
        SortBy::LastUpdated => write.last_updated,
        SortBy::Date => write.date,
        SortBy::LastActivity => write.thread.as_ref().map_or(write.last_updated, |id| activity(id).timestamp()),
        SortBy::Id => Timestamp::MIN,
    };
    let last = Sort { by: SortBy::Id, ..*order.last().unwrap() };
    let keys = order.iter().copied().chain([last]);
    let each = keys.map(|key| {
        let found = match key.by {
            SortBy::Id => one.key.id.cmp(&other.key.id),
            by => moment(one, by).cmp(&moment(other, by)),
        };
        if key.descending { found.reverse() } else { found }
    });
    each.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
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

const CODES: [&str; 3] = ["a", "b", "c"];
const SYSTEMS: [Option<&str>; 3] = [None, Some("s"), Some("z")];

/// Resources of two types: messages and the Tasks of their threads.
fn archive(dice: &mut Dice) -> Vec<ResourceWrite> {
    let mut writes = vec![];
    for n in 0..60 {
        let mut values = vec![];
        for _ in 0..dice.roll(3) {
            values.push(token("category", dice.pick(&SYSTEMS), dice.pick(&CODES)));
        }
        for _ in 0..dice.roll(2) {
            let text = folded(dice.pick(&["Äpfel", "apfelmus", "Birne"]));
            values.push(SearchValue { param: "category", value: Indexed::Text(text) });
        }
        if dice.roll(4) > 0 {
            values.push(token("status", None, dice.pick(&CODES)));
        }
        for _ in 0..dice.roll(3) {
            values.push(refers("recipient", &format!("Patient/{}", dice.pick(&CODES))));
        }
        if dice.roll(3) == 0 {
            let to =
                dice.pick(&["Communication/m07", "http://here/Communication/m08", "Communication/m09", "Task/t01"]);
            values.push(refers("part-of", to));
        }
        for _ in 0..dice.roll(2) {
            let system = dice.pick(&SYSTEMS).map(Into::into);
            let value = Indexed::Identifier { system, value: dice.pick(&CODES).into() };
            values.push(SearchValue { param: "recipient", value });
        }
        for _ in 0..dice.roll(3) {
            let (low, high) = dice.interval();
            values.push(date("sent", low, high));
        }
        values.dedup();
        let mut write = found_by(&format!("m{n:02}"), dice.roll(15) as i64, values);
        if n >= 40 {
            write.key = task(&format!("t{n:02}"));
        }
        write.thread = (dice.roll(4) > 0).then(|| id(&format!("m{:02}", dice.roll(6))));
        write.patient = (dice.roll(3) > 0).then(|| reference(&format!("Patient/{}", dice.pick(&CODES))));
        write.author = Some(reference(&format!("Practitioner/{}", dice.pick(&CODES))));
        write.audience = if dice.roll(5) == 0 { Audience::Author } else { Audience::Thread };
        writes.push(write);
    }
    writes
}

async fn every_search_answers_as_looking_at_each_resource_would(store: Fresh) {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let writes = archive(&mut dice);
    let threads = (0..6).map(|n| {
        let own = thread(&format!("m{n:02}"), 1);
        domain::thread::Thread { last_activity_at: activity(&own.id), ..own }
    });
    store.save(Change { threads: threads.collect(), ..change(writes[..30].to_vec()) }).await.unwrap();
    store.save(change(writes[30..].to_vec())).await.unwrap();
    let mut found = 0;
    for _ in 0..600 {
        let filters: Vec<Filter> = (0..=dice.roll(2)).map(|_| random_filter(&mut dice, 2)).collect();
        let kind = dice.pick(&[ResourceType::Communication, ResourceType::Task]);
        let visibility = random_visibility(&mut dice);
        let seen = |write: &&ResourceWrite| write.key.kind == kind && sees(&visibility, write);
        let mut expected: Vec<&ResourceWrite> = writes
            .iter()
            .filter(seen)
            .filter(|write| filters.iter().all(|filter| holds(filter, write, &writes)))
            .collect();
        expected.sort_by_key(|write| (write.last_updated, write.key.id.clone()));
        let expected: Vec<&str> = expected.iter().map(|write| write.key.id.as_str()).collect();
        let search = Search { kind, visibility, total: true, ..asked(filters.clone()) };
        let page = store.search(search).await.unwrap();
        assert_eq!(ids(&page), expected.join(" "), "{kind} {filters:?}");
        assert_eq!(page.total, Some(expected.len() as u64), "{kind} {filters:?}");
        found += usize::from(!expected.is_empty());
    }
    assert!(found > 200, "most searches should find something: {found}");
}

fn random_visibility(dice: &mut Dice) -> Visibility {
    if dice.roll(2) == 0 {
        return Visibility::Everything;
    }
    let patient = reference(&format!("Patient/{}", dice.pick(&CODES)));
    Visibility::Patient {
        patient,
        me: reference(&format!("Practitioner/{}", dice.pick(&CODES))),
        sees: domain::access::Sees::ALL,
    }
}

/// Which rows exist for a caller, in the two ways of these tests.
fn sees(visibility: &Visibility, write: &ResourceWrite) -> bool {
    let Visibility::Patient { patient, me, .. } = visibility else { return true };
    let common = write.patient.is_none() && write.thread.is_none();
    let mine = write.audience == Audience::Author && write.author.as_ref() == Some(me);
    (write.patient.as_ref() == Some(patient) || common) && (write.audience == Audience::Thread || mine)
}

fn random_filter(dice: &mut Dice, depth: u8) -> Filter {
    let dates = |dice: &mut Dice| {
        let (low, high) = dice.interval();
        DateMatch { prefix: dice.pick(&PREFIXES), low: moment(low), high: moment(high) }
    };
    let tokens = |dice: &mut Dice, count: u64| -> Vec<TokenMatch> {
        let mut one = || {
            let code = dice.pick(&[None, Some("a"), Some("b")]);
            let systems: &[Option<&str>] = if code.is_some() { &[None, Some(""), Some("s")] } else { &[Some("s")] };
            token_match(dice.pick(systems), code)
        };
        (0..count).map(|_| one()).collect()
    };
    let count = 1 + dice.roll(2);
    let selection = |dice: &mut Dice| Selection {
        kind: dice.pick(&[ResourceType::Communication, ResourceType::Task]),
        visibility: random_visibility(dice),
        filter: Box::new(random_filter(dice, depth - 1)),
    };
    let link = |dice: &mut Dice| match dice.roll(2) {
        0 => Link::Thread,
        _ => Link::Params {
            params: vec!["recipient", "part-of"],
            prefixes: vec!["Communication/".into(), "http://here/Communication/".into()],
        },
    };
    match dice.roll(if depth == 0 { 13 } else { 19 }) {
        0 => Filter::LastUpdated((0..count).map(|_| dates(dice)).collect()),
        1 | 2 => Filter::Date { param: "sent", any: (0..count).map(|_| dates(dice)).collect() },
        3 => Filter::Reference {
            param: "recipient",
            any: (0..count).map(|_| format!("Patient/{}", dice.pick(&CODES))).collect(),
        },
        4 => Filter::Id((0..20).map(|_| id(&format!("m{:02}", dice.roll(70)))).collect()),
        5 => Filter::Thread((0..count).map(|_| id(&format!("m{:02}", dice.roll(8)))).collect()),
        6 => Filter::LastActivity((0..count).map(|_| dates(dice)).collect()),
        7 => Filter::Patient((0..count).map(|_| reference(&format!("Patient/{}", dice.pick(&CODES)))).collect()),
        8 if dice.roll(2) == 0 => Filter::InThread,
        8 => Filter::AboutPatient,
        9 => Filter::Present { param: dice.pick(&["status", "category", "recipient", "sent", "part-of", "none"]) },
        10 => Filter::Text { param: "category", any: vec![folded(dice.pick(&["äpfel", "Bir", "x"]))] },
        11 => Filter::Identifier { param: "recipient", any: tokens(dice, count) },
        12 => Filter::Token { param: dice.pick(&["category", "status"]), any: tokens(dice, count) },
        13 => Filter::All((0..dice.roll(3)).map(|_| random_filter(dice, depth - 1)).collect()),
        14 => Filter::Any((0..dice.roll(3)).map(|_| random_filter(dice, depth - 1)).collect()),
        15 | 16 => Filter::Not(Box::new(random_filter(dice, depth - 1))),
        17 => Filter::Refers { by: link(dice), to: selection(dice) },
        _ => Filter::ReferredTo { by: link(dice), from: selection(dice) },
    }
}

/// What a resource refers to by a link.
fn referred_to(by: &Link, write: &ResourceWrite) -> Vec<String> {
    match by {
        Link::Thread => write.thread.iter().map(ToString::to_string).collect(),
        Link::Params { params, prefixes } => {
            let own = write.values.iter().filter(|value| params.contains(&value.param));
            own.filter_map(|value| match &value.value {
                Indexed::Reference(to) => {
                    prefixes.iter().find_map(|prefix| to.strip_prefix(prefix.as_str())).map(str::to_owned)
                }
                _ => None,
            })
            .collect()
        }
    }
}

fn holds(filter: &Filter, write: &ResourceWrite, all: &[ResourceWrite]) -> bool {
    let has = |name: &str, test: &dyn Fn(&Indexed) -> bool| {
        write.values.iter().any(|value| value.param == name && test(&value.value))
    };
    let token = |any: &[TokenMatch], system: &Option<String>, code: &String| {
        any.iter().any(|asked| {
            asked.code.as_ref().is_none_or(|asked| asked == code)
                && asked.system.as_ref().is_none_or(|asked| asked == system.as_deref().unwrap_or(""))
        })
    };
    let lasting = |at: Timestamp, any: &[DateMatch]| {
        let high = Timestamp::from_microsecond(at.as_microsecond() + 1).unwrap();
        any.iter().any(|asked| compares(asked, at, high))
    };
    let selects = |selection: &Selection, other: &ResourceWrite| {
        other.key.kind == selection.kind && sees(&selection.visibility, other) && holds(&selection.filter, other, all)
    };
    match filter {
        Filter::Id(any) => any.contains(&write.key.id),
        Filter::LastUpdated(any) => lasting(write.last_updated, any),
        Filter::Thread(any) => write.thread.as_ref().is_some_and(|own| any.contains(own)),
        Filter::InThread => write.thread.is_some(),
        Filter::LastActivity(any) => write.thread.as_ref().is_some_and(|own| lasting(activity(own).timestamp(), any)),
        Filter::UnreadBy(any) => {
            write.thread.is_some() && any.iter().any(|reader| write.author.as_ref() != Some(reader))
        }
        // Nobody has claimed any of these threads, nor is asked to answer.
        Filter::AnsweredBy(_) => false,
        Filter::Patient(any) => write.patient.as_ref().is_some_and(|own| any.contains(own)),
        Filter::AboutPatient => write.patient.is_some(),
        Filter::Token { param, any } => {
            has(param, &|value| matches!(value, Indexed::Token { system, code } if token(any, system, code)))
        }
        Filter::Reference { param, any } => {
            has(param, &|value| matches!(value, Indexed::Reference(to) if any.contains(to)))
        }
        Filter::Identifier { param, any } => {
            has(param, &|value| matches!(value, Indexed::Identifier { system, value } if token(any, system, value)))
        }
        Filter::Date { param, any } => has(param, &|value| match value {
            Indexed::Date { low, high } => any.iter().any(|asked| compares(asked, *low, *high)),
            _ => false,
        }),
        Filter::Text { param, any } => has(param, &|value| match value {
            Indexed::Text(text) => any.iter().any(|asked| text.starts_with(asked.as_str())),
            _ => false,
        }),
        Filter::Present { param } => has(param, &|_| true),
        Filter::Refers { by, to } => {
            let named = referred_to(by, write);
            all.iter().any(|other| named.contains(&other.key.id.to_string()) && selects(to, other))
        }
        Filter::ReferredTo { by, from } => {
            all.iter().any(|other| referred_to(by, other).contains(&write.key.id.to_string()) && selects(from, other))
        }
        Filter::All(filters) => filters.iter().all(|own| holds(own, write, all)),
        Filter::Any(filters) => filters.iter().any(|own| holds(own, write, all)),
        Filter::Not(own) => !holds(own, write, all),
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
        Prefix::Overlap => low < asked.high && asked.low < high,
    }
}

on_both!(
    a_token_is_found_with_and_without_its_system,
    a_reference_and_an_id_are_found_and_conditions_add_up,
    a_superseded_value_finds_nothing,
    thousands_of_alternatives_are_one_search,
    a_page_ends_where_it_grows_too_long_and_the_next_begins_exactly_there,
    pages_follow_each_other_without_gap_or_repetition,
    every_search_answers_as_looking_at_each_resource_would,
);
