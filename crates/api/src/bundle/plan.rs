//! What a transaction comes to before any of it is done: which resource each entry means, by which addresses the entries
//! know each other, and in which order they go.

use std::collections::{HashMap, HashSet};

use domain::change::Stored;
use domain::id::{Key, Reference, ResourceId, ResourceType};
use domain::time::Instant;
use fhir::bundle::{Entry, LinkKind, Method, links, narrated, relinked};
use fhir::interaction::served;
use fhir::issue::{Issue, IssueCode};
use fhir::resource::Document;

use super::Stopped;
use super::transaction::stopped;
use crate::conditional::Condition;
use crate::context::Context;
use crate::error::{Failure, Style};

/// An entry and what is known of it.
pub(super) struct Planned {
    pub(super) entry: Entry,
    /// The resource that it makes, changes or takes away; none when it looks, or is of no type that is stored.
    pub(super) key: Option<Key>,
    /// Whether that resource is to be made, under that id.
    pub(super) is_new: bool,
}

/// Everything that can be known before.
pub(super) struct Plan {
    pub(super) entries: Vec<Planned>,
    /// The positions of the entries in the order in which they are done.
    pub(super) order: Vec<usize>,
}

/// How many references by a search a transaction may have: each is looked for before it begins.
const MAX_SEARCHED: usize = 200;

/// What a transaction may search by. Everybody who writes waits for it, so it takes what leads straight to a resource.
const DIRECT: [&str; 2] = ["_id", "identifier"];

/// What may be said beside it, for it changes the answer and not the search.
const BESIDE: [&str; 6] = ["_count", "_elements", "_format", "_pretty", "_summary", "_total"];

/// Whether a query leads straight to what it searches.
fn is_direct(query: &str) -> bool {
    let names = || query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty());
    names().any(|name| DIRECT.contains(&name)) && names().all(|name| DIRECT.contains(&name) || BESIDE.contains(&name))
}

/// An issue of an entry.
fn wrong(position: usize, place: &str, code: IssueCode, text: impl Into<String>) -> Issue {
    Issue::error(code, text).at(format!("Bundle.entry[{position}]{place}"))
}

impl Plan {
    /// Plans a transaction. Conditions are looked for with the rights of the caller, in what is stored now.
    pub(super) async fn of(context: &Context, entries: Vec<Result<Entry, Issue>>) -> Result<Self, Stopped> {
        let mut issues = vec![];
        let mut read = vec![];
        for (position, entry) in entries.into_iter().enumerate() {
            match entry {
                Ok(entry) => {
                    issues.extend(misplaced(position, &entry));
                    read.push(entry);
                }
                Err(issue) => issues.push(issue),
            }
        }
        issues.extend(repeated(&read));
        if !read.is_empty() && read.iter().all(|entry| entry.method == Method::Get) {
            let text = "A transaction that writes nothing would only keep others from writing: send it as a batch.";
            issues.push(Issue::error(IssueCode::NotSupported, text).at("Bundle.type".to_owned()));
        }
        if !issues.is_empty() {
            return Err(Failure::Invalid(issues).into());
        }
        let mut entries = vec![];
        for (position, entry) in read.into_iter().enumerate() {
            entries.push(meant(context, position, entry).await?);
        }
        let overlapping = overlapping(&entries);
        if !overlapping.is_empty() {
            return Err(Failure::Invalid(overlapping).into());
        }
        relink(context, &mut entries).await?;
        let invalid = invalid(&entries);
        if !invalid.is_empty() {
            return Err(Failure::Invalid(invalid).into());
        }
        let order = order(&entries);
        Ok(Self { entries, order })
    }
}

/// What a transaction does not take: it reads and writes resources.
fn misplaced(position: usize, entry: &Entry) -> Option<Issue> {
    let parts: Vec<&str> = entry.path.split('/').collect();
    let searched = match entry.method {
        Method::Get if parts.len() > 1 => None,
        Method::Post => {
            entry.if_none_exist.as_deref().map(|criteria| (criteria.trim().trim_start_matches('?'), "ifNoneExist"))
        }
        _ => Some((entry.query.as_str(), "url")).filter(|(query, _)| !query.is_empty()),
    };
    if let Some((_, place)) = searched.filter(|(query, _)| !is_direct(query)) {
        let text = "A transaction searches by _id and identifier alone, for others wait for it: search before it, or send \
                    a batch.";
        return Some(wrong(position, &format!(".request.{place}"), IssueCode::NotSupported, text));
    }
    let fits = match entry.method {
        Method::Get => match parts[..] {
            [_] => !entry.query.is_empty(),
            [_, id] => !id.starts_with('_'),
            [_, _, part, _] => part == "_history",
            _ => false,
        },
        Method::Post => parts.len() == 1 && entry.query.is_empty(),
        Method::Put | Method::Patch | Method::Delete => parts.len() == if entry.query.is_empty() { 2 } else { 1 },
    };
    let named =
        parts.iter().any(|part| part.starts_with('$') || (part.starts_with('_') && entry.method != Method::Get));
    let text = "A transaction creates ([type]), updates, patches and deletes ([type]/[id] or [type]?[search]), reads and \
                searches by GET; operations, histories and searches by POST are sent alone or in a batch.";
    (named || !fits).then(|| wrong(position, ".request.url", IssueCode::NotSupported, text))
}

/// Conditions that two entries share: nobody could tell which of them the others mean.
fn repeated(entries: &[Entry]) -> Vec<Issue> {
    let mut conditions = HashMap::new();
    let mut issues = vec![];
    for (position, entry) in entries.iter().enumerate() {
        if let Some(condition) = entry.if_none_exist.as_ref().filter(|_| entry.method == Method::Post)
            && let Some(first) = conditions.insert((&entry.path, condition), position)
        {
            let text = format!("Entry {first} is made under this condition already: refer to that one.");
            issues.push(wrong(position, ".request.ifNoneExist", IssueCode::Duplicate, text));
        }
    }
    issues
}

/// Which resource an entry means.
async fn meant(context: &Context, position: usize, entry: Entry) -> Result<Planned, Stopped> {
    let (kind, id) = entry.path.split_once('/').unwrap_or((&entry.path, ""));
    let Ok(kind) = kind.parse::<ResourceType>() else { return Ok(Planned { entry, key: None, is_new: false }) };
    let found = match entry.method {
        Method::Get => return Ok(Planned { entry, key: None, is_new: false }),
        Method::Post => match entry.if_none_exist.as_deref() {
            None => None,
            Some(_) if !served(kind).is_some_and(|served| served.has_conditional_create) => {
                let text = format!("A {kind} is not created under a condition: put it by a search instead.");
                let issue = wrong(position, ".request.ifNoneExist", IssueCode::NotSupported, text);
                return Err(Failure::Invalid(vec![issue]).into());
            }
            Some(criteria) => {
                let place = "ifNoneExist";
                let found =
                    sought(context, criteria.trim().trim_start_matches('?'), kind, place, Sought::Earlier).await;
                at(position, found).await?
            }
        },
        Method::Put | Method::Patch | Method::Delete if entry.query.is_empty() => {
            let key = id.parse::<ResourceId>().ok().map(|id| Key::new(kind, id));
            return Ok(Planned { entry, key, is_new: false });
        }
        Method::Put | Method::Patch | Method::Delete => {
            let found = sought(context, &entry.query, kind, "An address without an id", Sought::Now).await;
            at(position, found).await?
        }
    };
    if let Some(found) = found {
        return Ok(Planned { entry, key: Some(found.key), is_new: false });
    }
    let is_new = matches!(entry.method, Method::Post | Method::Put);
    let own = entry.resource.as_ref().filter(|_| entry.method == Method::Put);
    let own = own.and_then(|text| Document::stored(text.as_str(), kind).ok()?.id());
    let id = own.unwrap_or_else(|| context.state.ids(Instant::from(context.now())).next_id());
    Ok(Planned { entry, key: is_new.then(|| Key::new(kind, id)), is_new })
}

/// What a condition looks for.
enum Sought {
    /// What it finds now.
    Now,
    /// Also what it has found before.
    Earlier,
}

async fn sought(
    context: &Context,
    criteria: &str,
    kind: ResourceType,
    place: &str,
    what: Sought,
) -> Result<Option<Stored>, Failure> {
    let condition = Condition::of(context, criteria, kind, place).await?;
    match what {
        Sought::Now => condition.matching(context).await,
        Sought::Earlier => condition.existing(context).await,
    }
}

/// A failure as that of an entry.
async fn at<T>(position: usize, result: Result<T, Failure>) -> Result<T, Stopped> {
    match result {
        Ok(value) => Ok(value),
        Err(failure) => Err(stopped(position, failure.respond(Style::Fhir)).await),
    }
}

/// Entries that mean one resource: which of them is to come last, nobody has said.
fn overlapping(entries: &[Planned]) -> Vec<Issue> {
    let mut known: HashMap<&Key, usize> = HashMap::new();
    let mut issues = vec![];
    for (position, planned) in entries.iter().enumerate() {
        let Some(key) = &planned.key else { continue };
        let Some(first) = known.insert(key, position) else { continue };
        // Two creates that find the same one change nothing of it.
        if [first, position].iter().all(|one| entries[*one].entry.method == Method::Post) {
            continue;
        }
        let text = format!("Entry {first} is about the same resource: a transaction says one thing of each.");
        issues.push(wrong(position, ".request.url", IssueCode::Duplicate, text));
    }
    issues
}

/// Gives every resource the addresses under which the others will be stored.
async fn relink(context: &Context, entries: &mut [Planned]) -> Result<(), Stopped> {
    let base = format!("{}/", context.state.base_url);
    let mut places: HashMap<String, String> = HashMap::new();
    for planned in entries.iter() {
        if let (Some(url), Some(key)) = (&planned.entry.full_url, &planned.key) {
            if let Some(relative) = url.strip_prefix(&base) {
                places.insert(relative.to_owned(), key.to_string());
            }
            places.insert(url.clone(), key.to_string());
        }
    }
    let mut found: HashMap<String, String> = HashMap::new();
    for (position, planned) in entries.iter_mut().enumerate() {
        let Some(text) = planned.entry.resource.take() else { continue };
        let mut changes = vec![];
        for link in links(&text) {
            let to = match places.get(&link.text) {
                Some(to) => Some(to.clone()),
                None if link.kind == LinkKind::Narrative => {
                    narrated(&link.text, |address| places.get(address).cloned())
                }
                None if link.kind == LinkKind::Address => None,
                None => {
                    let relative = link.text.strip_prefix(&base).unwrap_or(&link.text);
                    match relative.split_once('?') {
                        Some((kind, criteria)) if kind.bytes().all(|b| b.is_ascii_alphabetic()) => {
                            if let Some(known) = found.get(relative) {
                                Some(known.clone())
                            } else if found.len() == MAX_SEARCHED {
                                let text = format!(
                                    "This is one reference by a search too many: {MAX_SEARCHED} are looked for. Refer by \
                                     addresses, or send several Bundles."
                                );
                                let at = within(position, &link.expression);
                                let issue = Issue::error(IssueCode::TooCostly, text).at(at);
                                return Err(Failure::Invalid(vec![issue]).into());
                            } else {
                                let key = referred(context, kind, criteria).await.map_err(|failure| (failure, &link));
                                let key = match key {
                                    Ok(key) => key,
                                    Err((failure, link)) => {
                                        let issues = placed(failure, position, &link.expression);
                                        return Err(stopped(position, issues.respond(Style::Fhir)).await);
                                    }
                                };
                                found.insert(relative.to_owned(), key.to_string());
                                Some(key.to_string())
                            }
                        }
                        _ if link.text.starts_with("urn:uuid:") || link.text.starts_with("urn:oid:") => {
                            let text = "No entry has this address as its fullUrl.";
                            let issue = Issue::error(IssueCode::NotFound, text).at(within(position, &link.expression));
                            return Err(Failure::Invalid(vec![issue]).into());
                        }
                        _ => None,
                    }
                }
            };
            changes.extend(to.map(|to| (link.span, to)));
        }
        planned.entry.resource = Some(relinked(&text, &changes));
    }
    Ok(())
}

/// The one resource that a conditional reference means.
async fn referred(context: &Context, kind: &str, criteria: &str) -> Result<Key, Failure> {
    let Ok(kind) = kind.parse::<ResourceType>() else {
        let text = "Resources of this type are not stored here, so none can be found by a search: refer to it by its \
                    address or its identifier.";
        return Err(Failure::invalid(IssueCode::NotSupported, text));
    };
    let found = sought(context, criteria, kind, "A reference by a search", Sought::Now).await?;
    found.map(|found| found.key).ok_or(Failure::NoneMatches)
}

/// A failure with its place, when it has none of its own.
fn placed(failure: Failure, position: usize, expression: &str) -> Failure {
    let at = |issues: Vec<Issue>| issues.into_iter().map(|issue| issue.at(within(position, expression))).collect();
    match failure {
        Failure::Invalid(issues) => Failure::Invalid(at(issues)),
        other => other,
    }
}

/// A place in an entry's resource.
pub(super) fn within(position: usize, expression: &str) -> String {
    let rest = expression.split_once('.').map(|(_, rest)| format!(".{rest}")).unwrap_or_default();
    format!("Bundle.entry[{position}].resource{rest}")
}

/// What is wrong with the resources: all of it is told at once.
fn invalid(entries: &[Planned]) -> Vec<Issue> {
    let mut issues = vec![];
    for (position, Planned { entry, key, .. }) in entries.iter().enumerate() {
        let written = matches!(entry.method, Method::Post | Method::Put);
        let (Some(key), Some(text), true) = (key, &entry.resource, written) else { continue };
        if let Err(found) = Document::parse(text.as_bytes(), key.kind) {
            let errors = found.into_iter().filter(Issue::is_error);
            issues.extend(errors.map(|issue| {
                let place = within(position, issue.expression.as_deref().unwrap_or_default());
                issue.at(place)
            }));
        }
    }
    issues
}

/// The order of the methods but, among messages, each after those that it answers. In a circle somebody has to begin: that
/// one is refused, for it answers what is not there.
fn order(entries: &[Planned]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|position| entries[*position].entry.method.turn());
    let writes = |planned: &Planned| matches!(planned.entry.method, Method::Post | Method::Put | Method::Patch);
    // A draft that is put or patched may be sent so, and then be answered.
    let made: HashMap<String, usize> = entries
        .iter()
        .enumerate()
        .filter(|(_, planned)| writes(planned))
        .filter_map(|(position, planned)| Some((planned.key.as_ref()?.to_string(), position)))
        .collect();
    let answers = |position: usize| -> Vec<usize> {
        let Planned { entry, key: Some(key), .. } = &entries[position] else { return vec![] };
        let document = entry.resource.as_ref().and_then(|text| Document::stored(text.as_str(), key.kind).ok());
        let Some(document) = document.filter(|_| matches!(entry.method, Method::Post | Method::Put)) else {
            return vec![];
        };
        let all = ["inResponseTo", "partOf"].into_iter().flat_map(|name| document.root().each(name));
        let local: Vec<Reference> = all.filter_map(fhir::json::Value::local_reference).collect();
        local.iter().filter_map(|to| made.get(&to.to_string()).copied()).collect()
    };
    let (mut done, mut sorted) = (HashSet::new(), vec![]);
    for first in order {
        // A way down to what nothing before it answers, and back up.
        let mut way = vec![(first, false)];
        while let Some((position, is_ready)) = way.pop() {
            if is_ready {
                sorted.push(position);
            } else if done.insert(position) {
                way.push((position, true));
                way.extend(answers(position).into_iter().rev().map(|before| (before, false)));
            }
        }
    }
    sorted
}
