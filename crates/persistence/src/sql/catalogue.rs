//! What policy is made of: bundles, the resources of pools and people, and the generation that tells when either has changed.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use domain::change::{BundleRow, BundleState, CancelReason, Change};
use domain::id::{Key, ResourceId, ResourceType, TenantId, Version};
use domain::policy::bundle::Bundle;
use domain::store::{Catalogue, Service};
use domain::time::Instant;

use super::resource::read_id;
use super::statement::{Rows, Sql, insert, run};
use super::{Conn, Db, absence, counted, dialect, holiday};
use crate::error::{QueryError, unreadable};
use crate::readable::readable;
use crate::schema::{bundle, catalogue_generation, resource};
use crate::types::{Micros, Ts};

rows! {
    NewBundle, NewBundles in "bundle"
        on "(tenant, id, version) DO UPDATE SET hash = excluded.hash, state = excluded.state, \
            effective_from = excluded.effective_from, body = excluded.body, cancels = excluded.cancels \
            WHERE CASE WHEN excluded.state = 'draft' THEN bundle.state = 'draft' \
            ELSE bundle.hash = excluded.hash AND bundle.body = excluded.body END" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        version: Integer = i32,
        hash: Text = &'a str,
        state: Text = &'static str,
        effective_from: Ts = Micros,
        body: Text = &'a str,
        cancels: Nullable<Text> = Option<&'static str>,
    }
}

rows! {
    GenerationRow, GenerationRows {
        tenant: Text = &'a str,
        value: BigInt = i64,
    }
}

/// Starts the generation after the given one, unless another change was faster.
struct Next;
impl Sql for Next {
    const BEFORE: &'static str =
        "INSERT INTO catalogue_generation (tenant, value) SELECT given.tenant, given.value + 1 FROM ";
    const AFTER: &'static str = " WHERE true ON CONFLICT (tenant) DO UPDATE SET value = excluded.value \
         WHERE catalogue_generation.value = excluded.value - 1";
}

/// Starts a tenant's next generation; `false` when `current` is not the current one any more.
pub fn next_generation(conn: &mut Conn, tenant: &TenantId, current: i64) -> QueryResult<bool> {
    let mut rows = GenerationRows::default();
    rows.push(GenerationRow { tenant: tenant.as_str(), value: current });
    Ok(run::<Next, _>(conn, &rows)? == 1)
}

/// Writes bundles; `false` when one would change that is no draft any more.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let mut bundles: Vec<(&str, &BundleRow)> = vec![];
    for change in changes {
        bundles.extend(change.bundles.iter().map(|bundle| (change.tenant.as_str(), bundle)));
    }
    // The one that leaves makes room for the one that comes.
    bundles.sort_by_key(|(_, bundle)| bundle.state == BundleState::Active);
    for (tenant, bundle) in bundles {
        let mut rows = NewBundles::default();
        rows.push(NewBundle {
            tenant,
            id: &bundle.id,
            version: bundle.version,
            hash: &bundle.hash,
            state: bundle.state.as_str(),
            effective_from: bundle.effective_from.into(),
            body: &bundle.body,
            cancels: bundle.cancels.map(CancelReason::as_str),
        });
        if insert(conn, &rows)? != rows.count() {
            return Ok(false);
        }
    }
    Ok(true)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = bundle)]
struct Found {
    id: String,
    version: i32,
    hash: String,
    state: String,
    effective_from: Micros,
    body: String,
    cancels: Option<String>,
}

impl TryFrom<Found> for BundleRow {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        Ok(Self {
            id: row.id,
            version: row.version,
            hash: row.hash,
            state: BundleState::from_code(&row.state).ok_or_else(|| unreadable("bundle.state"))?,
            effective_from: row.effective_from.instant(),
            body: row.body,
            cancels: row
                .cancels
                .map(|code| CancelReason::from_code(&code).ok_or_else(|| unreadable("bundle.cancels")))
                .transpose()?,
        })
    }
}

/// The bundles of a tenant, newest version first.
pub fn bundles(conn: &mut Conn, tenant: &TenantId) -> Result<Vec<BundleRow>, QueryError> {
    let found: Vec<Found> = bundle::table
        .filter(bundle::tenant.eq(tenant.as_str()))
        .order((bundle::version.desc(), bundle::id))
        .select(Found::as_select())
        .load(conn)?;
    found.into_iter().map(BundleRow::try_from).collect()
}

/// One version of a bundle.
pub fn bundle(conn: &mut Conn, tenant: &TenantId, id: &str, version: i32) -> Result<Option<BundleRow>, QueryError> {
    let found: Option<Found> =
        bundle::table.find((tenant.as_str(), id, version)).select(Found::as_select()).first(conn).optional()?;
    found.map(BundleRow::try_from).transpose()
}

/// The bundle in a state in which a tenant has one at most.
fn the_one(conn: &mut Conn, tenant: &TenantId, state: BundleState) -> Result<Option<BundleRow>, QueryError> {
    let found: Option<Found> = bundle::table
        .filter(bundle::tenant.eq(tenant.as_str()))
        .filter(bundle::state.eq(state.as_str()))
        .select(Found::as_select())
        .first(conn)
        .optional()?;
    found.map(BundleRow::try_from).transpose()
}

/// Bundles whose instant to come into force is not after `now`, of all tenants, the earliest first.
pub fn due(conn: &mut Conn, now: Instant) -> Result<Vec<(TenantId, BundleRow)>, QueryError> {
    let found: Vec<(String, Found)> = bundle::table
        // In so many words, because a plan with a parameter could not use the partial index.
        .filter(sql::<Bool>("bundle.state = 'scheduled'"))
        .filter(bundle::effective_from.le(Micros::from(now)))
        .order((bundle::effective_from, bundle::tenant, bundle::id, bundle::version))
        .select((bundle::tenant, Found::as_select()))
        .load(conn)?;
    Ok(readable(found, |(tenant, row)| (tenant, &row.id), |(tenant, row)| Ok((TenantId::new(tenant), row.try_into()?))))
}

/// The current generation; 0 before the first change.
pub fn generation(conn: &mut Conn, tenant: &TenantId) -> Result<i64, QueryError> {
    let found = catalogue_generation::table.find(tenant.as_str()).select(catalogue_generation::value);
    Ok(found.first(conn).optional()?.unwrap_or(0))
}

/// What policy is made of, all of one moment; of absences those that end after `since`.
pub fn catalogue(conn: &mut Conn, tenant: &TenantId, since: Instant) -> Result<Catalogue, QueryError> {
    dialect::snapshot(conn, |conn| {
        let generation = generation(conn, tenant)?;
        let bundle = the_one(conn, tenant, BundleState::Active)?;
        let shadow = the_one(conn, tenant, BundleState::Shadow)?;
        // A bundle that cannot be read is replaced by one that names no team.
        let read: Vec<Bundle> = bundle.iter().chain(&shadow).filter_map(|row| Bundle::read(&row.body).ok()).collect();
        let named: Vec<ResourceId> = read.iter().flat_map(Bundle::teams).cloned().collect();
        Ok(Catalogue {
            generation,
            bundle,
            shadow,
            services: current(conn, tenant, ResourceType::HealthcareService)?,
            roles: current(conn, tenant, ResourceType::PractitionerRole)?,
            teams: teams(conn, tenant, &named)?,
            absences: absence::not_ended(conn, tenant, since)?,
            holidays: holiday::all(conn, tenant)?,
            calendars: counted::in_use(conn, tenant)?,
        })
    })
}

/// The current teams of these ids: directories hold one for each patient, and policy is made of the few that are pools.
pub fn teams(conn: &mut Conn, tenant: &TenantId, ids: &[ResourceId]) -> Result<Vec<Service>, QueryError> {
    let ids: Vec<&str> = ids.iter().map(ResourceId::as_str).collect();
    let of = of_type(tenant, ResourceType::CareTeam).filter(resource::id.eq_any(ids));
    services(conn, ResourceType::CareTeam, of)
}

/// The current resources of a type, by id.
fn current(conn: &mut Conn, tenant: &TenantId, kind: ResourceType) -> Result<Vec<Service>, QueryError> {
    services(conn, kind, of_type(tenant, kind))
}

fn of_type(tenant: &TenantId, kind: ResourceType) -> resource::BoxedQuery<'_, Db> {
    let of = resource::table.filter(resource::tenant.eq(tenant.as_str())).filter(resource::kind.eq(kind.as_str()));
    of.filter(diesel::dsl::not(resource::deleted)).into_boxed()
}

fn services(conn: &mut Conn, kind: ResourceType, of: resource::BoxedQuery<'_, Db>) -> Result<Vec<Service>, QueryError> {
    let found: Vec<(String, i32, String)> =
        of.order(resource::id).select((resource::id, resource::version, resource::body)).load(conn)?;
    let service = |(id, version, body): (String, i32, String)| {
        Ok(Service { key: Key::new(kind, read_id(id)?), version: Version(version), body })
    };
    found.into_iter().map(service).collect()
}
