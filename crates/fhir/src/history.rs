//! Histories (<https://hl7.org/fhir/R4/http.html#history>): what is asked of them and the Bundle that answers.

use domain::access::Visibility;
use domain::change::Stored;
use domain::id::{Key, ResourceId, ResourceType, TenantId, Version};
use domain::search::{History, HistoryPage, Place};
use jiff::Timestamp;
use serde_json::json;

use crate::issue::{Issue, IssueCode};
use crate::search::{DEFAULT_COUNT, Handling, Interval, MAX_COUNT, Shape, encode, general, pairs, seal, unseal};
use crate::text::quote;
use crate::write::instant;

/// Of what a history is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    System,
    /// A type.
    Type(ResourceType),
    /// One resource.
    Instance(Key),
}

impl Scope {
    /// Its address under the base address.
    pub fn path(&self) -> String {
        match self {
            Self::System => "_history".to_owned(),
            Self::Type(kind) => format!("{kind}/_history"),
            Self::Instance(key) => format!("{key}/_history"),
        }
    }

    /// Of which resource, when it is one.
    pub fn id(&self) -> Option<&ResourceId> {
        match self {
            Self::Instance(key) => Some(&key.id),
            Self::System | Self::Type(_) => None,
        }
    }
}

/// What a query asks of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The history.
    pub history: History,
    /// Of what.
    pub scope: Scope,
    /// How much of each resource of a type is given out.
    pub shapes: Vec<(ResourceType, Shape)>,
    /// The parameters that were applied, without the position of the page.
    pub applied: Vec<(String, String)>,
}

/// The parameters of a history, beside those of every answer's form.
pub const PARAMETERS: [&str; 6] = ["_since", "_at", "_count", "_summary", "_elements", "_cursor"];

/// Reads the query of a history: `_since`, `_at`, `_count`, how much of each resource is wanted, and the position of a page.
/// What is not known is refused, unless leniency is preferred: an ignored condition would give out too much.
///
/// # Errors
/// Everything that is wrong with the query; parameters are named, values are not repeated.
pub fn parse(
    scope: Scope,
    query: &str,
    tenant: TenantId,
    of: Vec<(ResourceType, Visibility)>,
    handling: Handling,
) -> Result<Asked, Vec<Issue>> {
    let id = scope.id().cloned();
    let mut history = History { tenant, of, id, since: None, at: None, count: DEFAULT_COUNT, after: None };
    let (mut applied, mut errors, mut shaping) = (vec![], vec![], vec![]);
    for (name, value) in pairs(query).map_err(|issue| vec![issue])? {
        let read = match name.as_str() {
            "_since" => instant_of(&value).map(|since| history.since = Some(since)),
            "_at" => Interval::asked(&value).map(|at| history.at = Some((at.low, at.high))),
            "_count" => count(&value).map(|count| history.count = count),
            "_cursor" => place(&scope, &value).map(|place| history.after = Some(place)),
            "_format" | "_pretty" => continue,
            "_summary" | "_elements" => {
                shaping.push((name, value));
                continue;
            }
            _ if handling == Handling::Lenient => continue,
            _ => {
                let message = "A history takes _since, _at, _count, _summary, _elements and _format, and the position that a \
                               next link holds.";
                errors.push(Issue::error(IssueCode::NotSupported, message));
                continue;
            }
        };
        match read {
            Some(()) if name == "_cursor" => {}
            Some(()) => applied.push((name, value)),
            None => errors.push(Issue::error(IssueCode::Value, format!("{name} {}.", expected(&name)))),
        }
    }
    let query = encode(shaping.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut shapes = vec![];
    for (kind, _) in &history.of {
        // Of several types each has those of the elements that it has.
        let handling = if history.of.len() > 1 { Handling::Lenient } else { handling };
        match general(*kind, &query, handling) {
            // None of the elements that are wanted is one of this type's.
            Ok(Shape::Whole) if shaping.iter().any(|(name, _)| name == "_elements") => {
                shapes.push((*kind, Shape::Elements(vec![])));
            }
            Ok(shape) => shapes.push((*kind, shape)),
            Err(issues) => {
                errors.extend(issues);
                break;
            }
        }
    }
    applied.extend(shaping);
    if errors.is_empty() { Ok(Asked { history, scope, shapes, applied }) } else { Err(errors) }
}

fn expected(name: &str) -> String {
    match name {
        "_since" => "takes an instant, such as 2026-06-19T21:30:00Z".to_owned(),
        "_at" => "takes a date or a time, such as 2026-06-19 or 2026-06-19T21:30:00Z".to_owned(),
        "_count" => format!("takes a whole number from 1 to {MAX_COUNT}"),
        _ => "is not a page of this history: take the next link as it is".to_owned(),
    }
}

/// A moment: the first one of what is written, which may leave the seconds out.
fn instant_of(value: &str) -> Option<Timestamp> {
    value.contains('T').then(|| Interval::asked(value)).flatten().map(|at| at.low)
}

fn count(value: &str) -> Option<u16> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let count = value.parse::<u16>().unwrap_or(MAX_COUNT).min(MAX_COUNT);
    (digits && count > 0).then_some(count)
}

fn token(scope: &Scope, place: &Place) -> String {
    let mut bytes = place.at.as_nanosecond().to_be_bytes().to_vec();
    bytes.extend(place.version.0.to_be_bytes());
    bytes.extend(place.key.to_string().bytes());
    seal(scope.path().as_bytes(), &bytes)
}

fn place(scope: &Scope, token: &str) -> Option<Place> {
    let bytes = unseal(scope.path().as_bytes(), token)?;
    let (at, rest) = bytes.split_first_chunk::<16>()?;
    let (version, key) = rest.split_first_chunk::<4>()?;
    let (kind, id) = std::str::from_utf8(key).ok()?.split_once('/')?;
    Some(Place {
        at: Timestamp::from_nanosecond(i128::from_be_bytes(*at)).ok()?,
        key: Key::new(kind.parse().ok()?, id.parse().ok()?),
        version: Version(i32::from_be_bytes(*version)),
    })
}

/// The Bundle of a page as JSON text. Each version stands in it byte for byte as it was stored, unless only parts of it are
/// wanted; a deletion without a resource.
///
/// # Errors
/// A stored text is not JSON: the store is damaged.
pub fn bundle(base_url: &str, asked: &Asked, page: &HistoryPage) -> Result<String, Vec<Issue>> {
    let base = base_url.trim_end_matches('/');
    let link = |relation: &str, after: Option<&Place>| {
        let token = after.map(|place| token(&asked.scope, place));
        let applied = asked.applied.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query = encode(applied.chain(token.as_deref().map(|token| ("_cursor", token))));
        let mark = if query.is_empty() { "" } else { "?" };
        json!({ "relation": relation, "url": format!("{base}/{}{mark}{query}", asked.scope.path()) })
    };
    let mut links = vec![link("self", asked.history.after.as_ref())];
    links.extend(page.next.as_ref().map(|next| link("next", Some(next))));
    let entries: Vec<String> = page.rows.iter().map(|row| entry(base, asked, row)).collect::<Result<_, _>>()?;
    let links = serde_json::Value::Array(links);
    // FHIR has no empty arrays.
    let entries = if entries.is_empty() { String::new() } else { format!(r#","entry":[{}]"#, entries.join(",")) };
    Ok(format!(r#"{{"resourceType":"Bundle","type":"history","link":{links}{entries}}}"#))
}

fn entry(base: &str, asked: &Asked, row: &Stored) -> Result<String, Vec<Issue>> {
    // A patch is told as the update that it comes to: what stands beside it is the whole resource.
    let (method, url, status) = match row {
        Stored { deleted: true, .. } => ("DELETE", row.key.to_string(), "204"),
        Stored { made_by_update: true, .. } => ("PUT", row.key.to_string(), "201"),
        Stored { version: Version::FIRST, .. } => ("POST", row.key.kind.to_string(), "201"),
        _ => ("PUT", row.key.to_string(), "200"),
    };
    let request = json!({ "method": method, "url": url });
    let response = json!({
        "status": status,
        "etag": format!("W/\"{}\"", row.version),
        "lastModified": instant(row.last_updated),
    });
    let shape = asked.shapes.iter().find(|(kind, shape)| *kind == row.key.kind && !shape.is_whole());
    let resource = match shape {
        _ if row.deleted => String::new(),
        Some((kind, shape)) => format!(r#","resource":{}"#, shape.of(*kind, &row.body)?),
        None => format!(r#","resource":{}"#, row.body),
    };
    let url = quote(&format!("{base}/{}", row.key));
    Ok(format!(r#"{{"fullUrl":{url}{resource},"request":{request},"response":{response}}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Tree;
    use crate::validate::{Options, validate};

    const BASE: &str = "https://clinic.example/fhir";

    fn scope() -> Scope {
        Scope::Instance(Key::new(ResourceType::Task, "t-1".parse().unwrap()))
    }

    fn asked(query: &str) -> Result<Asked, Vec<Issue>> {
        parse(scope(), query, TenantId::new("t"), vec![(ResourceType::Task, Visibility::Everything)], Handling::Strict)
    }

    fn row(version: i32, deleted: bool, made_by_update: bool) -> Stored {
        Stored {
            key: Key::new(ResourceType::Task, "t-1".parse().unwrap()),
            version: Version(version),
            last_updated: "2026-06-19T21:30:00.25Z".parse().unwrap(),
            date: Timestamp::UNIX_EPOCH,
            deleted,
            made_by_update,
            thread: None,
            patient: None,
            body: r#"{"resourceType":"Task","id":"t-1","status":"requested","intent":"order"}"#.to_owned(),
        }
    }

    #[test]
    fn a_history_is_asked_from_when_at_when_and_how_much() {
        let good = asked("_since=2026-06-19T17:30:00-04:00&_at=2026-06&_count=500&_format=json").unwrap();
        assert_eq!(good.history.since, Some("2026-06-19T21:30:00Z".parse().unwrap()));
        let june = ("2026-06-01T00:00:00Z".parse().unwrap(), "2026-07-01T00:00:00Z".parse().unwrap());
        assert_eq!((good.history.at, good.history.count), (Some(june), MAX_COUNT));
        assert_eq!(good.applied.len(), 3);
        for (bad, code) in [
            ("_since=2026-06-19", IssueCode::Value),
            ("_since=Jane", IssueCode::Value),
            ("_at=ge2026", IssueCode::Value),
            ("_count=0", IssueCode::Value),
            ("_count=-1", IssueCode::Value),
            ("_cursor=Jane", IssueCode::Value),
            ("_sort=Jane", IssueCode::NotSupported),
            ("status=Jane", IssueCode::NotSupported),
        ] {
            let issues = asked(bad).unwrap_err();
            assert_eq!(issues[0].code, code, "{bad}");
            assert!(!issues[0].message.contains("Jane"));
        }
    }

    #[test]
    fn the_bundle_says_what_was_done_and_leads_on() {
        let first = asked("_count=3").unwrap();
        let rows = vec![row(3, true, false), row(2, false, false), row(1, false, false)];
        let next = Place::from(&rows[2]);
        let text = bundle(BASE, &first, &HistoryPage { rows, next: Some(next.clone()) }).unwrap();
        let tree = Tree::read(text.as_bytes()).unwrap();
        let issues = validate(&tree, "Bundle", Options { refuse_empty_arrays: true });
        assert!(issues.is_empty(), "{issues:?}");
        let told: serde_json::Value = serde_json::from_str(&text).unwrap();
        let methods: Vec<_> =
            told["entry"].as_array().unwrap().iter().map(|own| own["request"]["method"].clone()).collect();
        assert_eq!(methods, ["DELETE", "PUT", "POST"]);
        assert!(told["entry"][0].get("resource").is_none() && told["entry"][2]["resource"]["id"] == "t-1");
        assert_eq!(told["entry"][1]["response"]["etag"], "W/\"2\"");
        let url = told["link"][1]["url"].as_str().unwrap();
        let second = asked(url.split_once('?').unwrap().1).unwrap();
        assert_eq!((second.history.after, second.history.count), (Some(next), 3));
        let other = parse(Scope::System, url.split_once('?').unwrap().1, TenantId::new("t"), vec![], Handling::Strict);
        assert!(other.is_err(), "a place in one history is none in another");
        let empty = bundle(BASE, &first, &HistoryPage { rows: vec![], next: None }).unwrap();
        assert!(!empty.contains("entry"));
    }

    #[test]
    fn each_version_is_told_with_the_request_that_it_came_by() {
        for (row, told) in [
            (row(1, false, false), ("POST", "Task", "201")),
            (row(1, false, true), ("PUT", "Task/t-1", "201")),
            (row(2, false, false), ("PUT", "Task/t-1", "200")),
            (row(3, true, false), ("DELETE", "Task/t-1", "204")),
            (row(4, false, true), ("PUT", "Task/t-1", "201")),
        ] {
            let page = HistoryPage { rows: vec![row], next: None };
            let text = bundle(BASE, &asked("").unwrap(), &page).unwrap();
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            let entry = &read["entry"][0];
            assert_eq!(entry["request"], json!({ "method": told.0, "url": told.1 }));
            assert_eq!(entry["response"]["status"], told.2);
        }
    }
}
