//! Conditions of searches, on a row of `resource`. None of them is ever unknown, so that each can be turned around.

use diesel::dsl::{IntoBoxed, Select, exists, not};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Text};
use domain::access::Visibility;
use domain::id::{Reference, ResourceId, ResourceType, TenantId};
use domain::search::{DateMatch, Filter, Link, Prefix, Selection, TokenMatch};

use super::Db;
use super::visibility::seen;
use crate::schema::{read_mark, resource, search_value, thread};
use crate::types::{Column, Micros, Ts, identifiers, indexed, texts};

/// A condition on a row of `resource`.
pub type Condition = Box<dyn BoxableExpression<resource::table, Db, SqlType = Bool>>;
type OfValue = Box<dyn BoxableExpression<search_value::table, Db, SqlType = Nullable<Bool>>>;
type OfThread = Box<dyn BoxableExpression<thread::table, Db, SqlType = Bool>>;
type ValueIds = IntoBoxed<'static, Select<search_value::table, search_value::id>, Db>;

#[diesel::declare_sql_function]
extern "SQL" {
    fn substr(text: Nullable<Text>, first: Integer, length: Integer) -> Text;
    fn coalesce(first: Nullable<Ts>, otherwise: Ts) -> Ts;
}

/// When anybody last wrote in a row's thread, as an expression to order and compare by.
macro_rules! activity {
    () => {
        coalesce(
            thread::table
                .filter(thread::tenant.eq(resource::tenant))
                .filter(thread::id.nullable().eq(resource::thread))
                .select(thread::last_activity_at)
                .single_value(),
            resource::last_updated_at,
        )
    };
}
pub(super) use activity;

/// Longer than any text that is indexed.
const TO_THE_END: i32 = 10_000;

/// A code without a system in a column of the row.
macro_rules! code {
    ($column:expr, $asked:expr) => {{
        let asked: &TokenMatch = $asked;
        if asked.system.as_deref().is_some_and(|system| !system.is_empty()) {
            never()
        } else {
            match &asked.code {
                Some(code) => {
                    Box::new($column.is_not_null().and($column.assume_not_null().eq(code.clone()))) as Condition
                }
                None => Box::new($column.is_not_null()) as Condition,
            }
        }
    }};
}
/// The condition of a search over a type, as the database understands it.
pub fn condition(tenant: &TenantId, kind: ResourceType, filter: &Filter) -> Condition {
    let of = |filter: &Filter| condition(tenant, kind, filter);
    let having = |param: String, any: Vec<OfValue>| -> Condition {
        match balanced(any, |a, b| Box::new(a.or(b))) {
            Some(any) => Box::new(resource::id.eq_any(ids(tenant, kind, param).filter(any))),
            None => never(),
        }
    };
    match filter {
        Filter::Id(any) => Box::new(resource::id.eq_any(owned(any))),
        Filter::LastUpdated(any) => some(any.iter().map(updated)),
        Filter::Thread(any) => {
            let own = resource::thread.assume_not_null().eq_any(owned(any));
            Box::new(resource::thread.is_not_null().and(own))
        }
        Filter::InThread => Box::new(resource::thread.is_not_null()),
        Filter::LastActivity(any) => {
            let any = balanced(any.iter().map(active), |a, b| Box::new(a.or(b)));
            any.map_or_else(never, |any| {
                let threads = thread::table.select(thread::id).filter(thread::tenant.eq(tenant.as_str().to_owned()));
                let own = resource::thread.assume_not_null().eq_any(threads.into_boxed::<'static, Db>().filter(any));
                Box::new(resource::thread.is_not_null().and(own))
            })
        }
        Filter::UnreadBy(any) => some(any.iter().map(unread)),
        Filter::AnsweredBy(any) => {
            let any: Vec<String> = any.iter().map(ToString::to_string).collect();
            let asked = thread::owner.is_null().and(thread::assigned.eq_any(any.clone()));
            let theirs = thread::table
                .select(thread::id)
                .filter(thread::tenant.eq(tenant.as_str().to_owned()))
                .filter(thread::owner.eq_any(any).or(asked));
            Box::new(resource::thread.is_not_null().and(resource::thread.assume_not_null().eq_any(theirs)))
        }
        Filter::Patient(any) => {
            let any: Vec<String> = any.iter().map(ToString::to_string).collect();
            Box::new(resource::patient.is_not_null().and(resource::patient.assume_not_null().eq_any(any)))
        }
        Filter::AboutPatient => Box::new(resource::patient.is_not_null()),
        Filter::Token { param, any } => match Column::of(param) {
            Some(Column::Status) => some(any.iter().map(|asked| code!(resource::status, asked))),
            Some(Column::Priority) => some(any.iter().map(|asked| code!(resource::priority, asked))),
            None => having((*param).to_owned(), any.iter().map(token).collect()),
        },
        Filter::Reference { param, any } => having((*param).to_owned(), vec![references(any)]),
        Filter::Identifier { param, any } => having(identifiers(param), any.iter().map(token).collect()),
        Filter::Date { param, any } => having((*param).to_owned(), any.iter().map(date).collect()),
        Filter::Text { param, any } => having(texts(param), any.iter().map(|any| begins(any)).collect()),
        Filter::Present { param } => match Column::of(param) {
            Some(Column::Status) => Box::new(resource::status.is_not_null()),
            Some(Column::Priority) => Box::new(resource::priority.is_not_null()),
            None => {
                let names = [(*param).to_owned(), texts(param), identifiers(param)];
                some(names.map(|name| Box::new(resource::id.eq_any(ids(tenant, kind, name))) as Condition))
            }
        },
        Filter::Refers { by, to } => refers(tenant, kind, by, to),
        Filter::ReferredTo { by, from } => referred_to(tenant, by, from),
        Filter::All(all) => {
            let all = balanced(all.iter().map(of), |a, b| Box::new(a.and(b)));
            all.unwrap_or_else(|| Box::new(resource::id.is_not_null()))
        }
        Filter::Any(any) => some(any.iter().map(of)),
        Filter::Not(one) => Box::new(not(of(one))),
    }
}

/// Somebody has neither written the message nor said that they have read it.
pub fn unread(reader: &Reference) -> Condition {
    let reader = reader.to_string();
    let written = resource::author.is_not_null().and(resource::author.assume_not_null().eq(reader.clone()));
    let read = exists(
        read_mark::table
            .filter(read_mark::tenant.eq(resource::tenant))
            .filter(read_mark::message.eq(resource::id))
            .filter(read_mark::reader.eq(reader)),
    );
    Box::new(resource::thread.is_not_null().and(not(written)).and(not(read)))
}

fn never() -> Condition {
    Box::new(not(resource::id.is_not_null()))
}

fn some(any: impl IntoIterator<Item = Condition>) -> Condition {
    balanced(any, |a, b| Box::new(a.or(b))).unwrap_or_else(never)
}

/// Joins conditions two by two, so that of many none stands deeper than a few levels: SQLite refuses what is nested more
/// than 1000 deep.
fn balanced<T>(all: impl IntoIterator<Item = T>, join: impl Fn(T, T) -> T) -> Option<T> {
    let mut all: Vec<T> = all.into_iter().collect();
    while all.len() > 1 {
        let mut joined = Vec::with_capacity(all.len().div_ceil(2));
        let mut rest = all.into_iter();
        while let Some(one) = rest.next() {
            joined.push(match rest.next() {
                Some(other) => join(one, other),
                None => one,
            });
        }
        all = joined;
    }
    all.pop()
}

fn owned(ids: &[ResourceId]) -> Vec<String> {
    ids.iter().map(|id| id.as_str().to_owned()).collect()
}

/// The ids of resources of a type with values under a name.
fn ids(tenant: &TenantId, kind: ResourceType, name: String) -> ValueIds {
    search_value::table
        .select(search_value::id)
        .filter(search_value::tenant.eq(tenant.as_str().to_owned()))
        .filter(search_value::kind.eq(kind.as_str()))
        .filter(search_value::param.eq(name))
        .into_boxed()
}

/// Those selected: a query that gives out one of their columns.
macro_rules! selected {
    ($tenant:expr, $selection:expr, $column:expr) => {{
        let selection: &Selection = $selection;
        let mut query = resource::table
            .select($column)
            .filter(resource::tenant.eq($tenant.as_str().to_owned()))
            .filter(resource::kind.eq(selection.kind.as_str()))
            .filter(not(resource::deleted))
            .filter(condition($tenant, selection.kind, &selection.filter))
            .into_boxed::<'static, Db>();
        if let Some(seen) = seen!(resource, &selection.visibility) {
            query = query.filter(seen);
        }
        query
    }};
}

/// The row refers to one of those selected.
fn refers(tenant: &TenantId, kind: ResourceType, by: &Link, to: &Selection) -> Condition {
    match by {
        Link::Thread => {
            let roots = selected!(tenant, to, resource::id);
            Box::new(resource::thread.is_not_null().and(resource::thread.assume_not_null().eq_any(roots)))
        }
        Link::Params { params, prefixes } => {
            let each = params.iter().flat_map(|param| prefixes.iter().map(move |prefix| (param, prefix)));
            some(each.map(|(param, prefix)| {
                let literals = selected!(tenant, to, prefix.clone().into_sql::<Text>().concat(resource::id).nullable());
                let referring = ids(tenant, kind, (*param).to_owned()).filter(search_value::value.eq_any(literals));
                Box::new(resource::id.eq_any(referring)) as Condition
            }))
        }
    }
}

/// One of those selected refers to the row.
fn referred_to(tenant: &TenantId, by: &Link, from: &Selection) -> Condition {
    match by {
        Link::Thread => {
            let threads =
                selected!(tenant, from, resource::thread.assume_not_null()).filter(resource::thread.is_not_null());
            Box::new(resource::id.eq_any(threads))
        }
        Link::Params { params, prefixes } => {
            let each = params.iter().flat_map(|param| prefixes.iter().map(move |prefix| (*param, prefix)));
            some(each.map(|(param, prefix)| {
                let length = i32::try_from(prefix.chars().count()).unwrap_or(TO_THE_END);
                let begins = substr(search_value::value, 1, length).eq(prefix.clone());
                let named = search_value::table
                    .select(substr(search_value::value, length + 1, TO_THE_END))
                    .filter(search_value::tenant.eq(tenant.as_str().to_owned()))
                    .filter(search_value::kind.eq(from.kind.as_str()))
                    .filter(search_value::param.eq(param))
                    .filter(search_value::value.is_not_null())
                    .filter(begins)
                    .filter(search_value::id.eq_any(selected!(tenant, from, resource::id)));
                Box::new(resource::id.eq_any(named)) as Condition
            }))
        }
    }
}

fn token(asked: &TokenMatch) -> OfValue {
    let code = asked.code.as_deref().map(|code| search_value::value.eq(indexed(code).into_owned()));
    let system: Option<OfValue> = asked.system.as_deref().map(|system| {
        if system.is_empty() {
            Box::new(search_value::system.is_null().nullable()) as OfValue
        } else {
            Box::new(search_value::system.eq(system.to_owned()))
        }
    });
    match (code, system) {
        (Some(code), Some(system)) => Box::new(code.and(system)),
        (Some(code), None) => Box::new(code),
        (None, Some(system)) => Box::new(system.and(search_value::value.is_not_null().nullable())),
        (None, None) => Box::new(search_value::value.is_not_null().nullable()),
    }
}

fn references(any: &[String]) -> OfValue {
    let any: Vec<String> = any.iter().map(|asked| indexed(asked).into_owned()).collect();
    Box::new(search_value::value.eq_any(any))
}

/// Texts are ordered by their bytes, and nothing that begins so is greater than this.
fn begins(asked: &str) -> OfValue {
    let end = format!("{asked}{}", char::MAX);
    Box::new(search_value::value.ge(asked.to_owned()).and(search_value::value.le(end)))
}

/// Compares a value's interval `[low_at, high_at)` with the asked one.
fn date(asked: &DateMatch) -> OfValue {
    let (low, high) = (Micros::from(asked.low), Micros::from(asked.high));
    let within = || search_value::low_at.ge(low).and(search_value::high_at.le(high));
    match asked.prefix {
        Prefix::Eq => Box::new(within()),
        Prefix::Ne => Box::new(search_value::low_at.lt(low).or(search_value::high_at.gt(high))),
        Prefix::Gt => Box::new(search_value::high_at.gt(high)),
        Prefix::Ge => Box::new(search_value::high_at.gt(high).or(within())),
        Prefix::Lt => Box::new(search_value::low_at.lt(low)),
        Prefix::Le => Box::new(search_value::low_at.lt(low).or(within())),
        Prefix::Sa => Box::new(search_value::low_at.ge(high)),
        Prefix::Eb => Box::new(search_value::high_at.le(low)),
        Prefix::Overlap => Box::new(search_value::low_at.lt(high).and(search_value::high_at.gt(low))),
    }
}

/// Compares a moment, an interval as short as can be, with the asked interval.
macro_rules! moment {
    ($at:expr, $asked:expr, $boxed:ty) => {{
        let asked: &DateMatch = $asked;
        let (low, high) = (Micros::from(asked.low), Micros::from(asked.high));
        match asked.prefix {
            Prefix::Eq | Prefix::Overlap => Box::new($at.ge(low).and($at.lt(high))) as $boxed,
            Prefix::Ne => Box::new($at.lt(low).or($at.ge(high))),
            Prefix::Gt | Prefix::Sa => Box::new($at.ge(high)),
            Prefix::Ge => Box::new($at.ge(low)),
            Prefix::Lt | Prefix::Eb => Box::new($at.lt(low)),
            Prefix::Le => Box::new($at.lt(high)),
        }
    }};
}

fn updated(asked: &DateMatch) -> Condition {
    moment!(resource::last_updated_at, asked, Condition)
}

fn active(asked: &DateMatch) -> OfThread {
    moment!(thread::last_activity_at, asked, OfThread)
}
