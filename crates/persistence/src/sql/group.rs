//! A group of changes, saved in one transaction; one that cannot be saved is set aside and answered alone.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use domain::change::Change;
use domain::store::SaveError;

use super::{
    Conn, absence, audit, block, catalogue, clock, correspondent, counted, dialect, hold, holiday, mark, outbox,
    overrides, record, resource, retraction, schedule, simulation, thread,
};
use crate::error::QueryError;
use crate::writer::{Lost, Saved};

/// Why a change cannot be written, before its precise reason is looked up.
enum Failure {
    Refused(Refusal),
    Query(QueryError),
}

#[derive(Clone, Copy)]
enum Refusal {
    KeyTaken,
    Fired,
    Overtaken,
    Stale,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Query(error.into())
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

type Generations = HashMap<String, i64>;

/// Saves changes that touch nothing in common and answers each, in order. A change that starts a generation of the
/// catalogue comes alone.
pub fn save(conn: &mut Conn, changes: &[&Change]) -> Result<Vec<Saved>, Lost> {
    match together(conn, changes)? {
        Some(answers) => Ok(answers),
        None => apart(conn, changes),
    }
}

/// All in one go; `None` when one of them was refused, so that nothing has been written.
fn together(conn: &mut Conn, changes: &[&Change]) -> Result<Option<Vec<Saved>>, Lost> {
    let mut applied = false;
    let done = dialect::write(conn, |conn| {
        let generations = generations(conn, changes)?;
        let fresh = |change: &Change| change.generation.is_none_or(|taken| taken == current(&generations, change));
        let (valid, stale): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(|change| fresh(change));
        if !valid.is_empty() {
            apply(conn, &valid, &generations)?;
        }
        let answers = if stale.is_empty() {
            vec![Ok(()); changes.len()]
        } else {
            let answer = |change: &&Change| if fresh(change) { Ok(()) } else { Err(SaveError::StaleCatalogue) };
            changes.iter().map(answer).collect()
        };
        applied = true;
        Ok(answers)
    });
    match done {
        Ok(answers) => Ok(Some(answers)),
        Err(Failure::Query(error)) if error.is_broken() || error.is_victim() || applied => Err(lost(error, applied)),
        Err(Failure::Refused(_) | Failure::Query(_)) => Ok(None),
    }
}

/// One by one, each undone alone when it is refused, and all committed at once.
fn apart(conn: &mut Conn, changes: &[&Change]) -> Result<Vec<Saved>, Lost> {
    let mut applied = false;
    let done = dialect::write(conn, |conn| {
        let generations = generations(conn, changes)?;
        let mut answers = Vec::with_capacity(changes.len());
        for change in changes {
            answers.push(alone(conn, change, &generations)?);
        }
        applied = true;
        Ok(answers)
    });
    done.map_err(|error: QueryError| lost(error, applied))
}

/// One change, undone alone when it is refused.
fn alone(conn: &mut Conn, change: &Change, generations: &Generations) -> Result<Saved, QueryError> {
    let saved = conn.transaction(|conn| {
        if change.generation.is_some_and(|taken| taken != current(generations, change)) {
            return Err(Failure::Refused(Refusal::Stale));
        }
        apply(conn, &[change], generations)
    });
    Ok(match saved {
        Ok(()) => Ok(()),
        Err(Failure::Refused(refusal)) => Err(reason(conn, change, refusal)?),
        Err(Failure::Query(QueryError::Database(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))) => {
            Err(reason(conn, change, Refusal::Overtaken)?)
        }
        Err(Failure::Query(error)) if error.is_broken() || error.is_victim() => return Err(error),
        Err(Failure::Query(error)) => {
            let error = error.told();
            tracing::error!(%error, "a change could not be written");
            Err(SaveError::Store(error))
        }
    })
}

/// Saves one change within a transaction that is open already.
pub fn within(conn: &mut Conn, change: &Change) -> Result<Saved, QueryError> {
    let generations = generations(conn, &[change])?;
    alone(conn, change, &generations)
}

/// Why the steps of a transaction came to nothing.
enum Undone {
    /// Nobody asked to keep them.
    Asked,
    /// The database did not take them.
    Failed(Error),
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Runs the steps of a transaction. What they write is kept when they answer so, and committed when this answers `true`.
///
/// # Errors
/// The database did not take it, or nobody knows whether it did.
pub fn transaction(conn: &mut Conn, steps: &mut dyn FnMut(&mut Conn) -> bool) -> Result<bool, QueryError> {
    match dialect::write(conn, |conn| if steps(conn) { Ok(()) } else { Err(Undone::Asked) }) {
        Ok(()) => Ok(true),
        Err(Undone::Asked) => Ok(false),
        Err(Undone::Failed(error)) => Err(error.into()),
    }
}

/// The connection or the whole transaction is lost. Once everything was written, nobody knows whether it was kept.
fn lost(error: QueryError, applied: bool) -> Lost {
    Lost { again: (error.is_broken() || error.is_victim()) && !applied, broken: error.is_broken(), error: error.told() }
}

fn generations(conn: &mut Conn, changes: &[&Change]) -> QueryResult<Generations> {
    let asked = |change: &&&Change| change.generation.is_some() || change.new_generation;
    let tenants: BTreeSet<&str> = changes.iter().filter(asked).map(|change| change.tenant.as_str()).collect();
    if tenants.is_empty() {
        return Ok(Generations::new());
    }
    // Two that both hold a generation and both want to start the next would wait for each other.
    let next = changes.iter().any(|change| change.new_generation);
    Ok(dialect::generations(conn, &Vec::from_iter(tenants), next)?.into_iter().collect())
}

fn current(generations: &Generations, change: &Change) -> i64 {
    generations.get(change.tenant.as_str()).copied().unwrap_or(0)
}

/// Writes everything, table by table. Rows that may exist once come first, so that what is refused is refused early
/// and for its true reason.
fn apply(conn: &mut Conn, changes: &[&Change], generations: &Generations) -> Result<(), Failure> {
    let done = |done: bool, refusal| if done { Ok(()) } else { Err(Failure::Refused(refusal)) };
    done(resource::claim_keys(conn, changes)?, Refusal::KeyTaken)?;
    done(clock::fire(conn, changes)?, Refusal::Fired)?;
    done(outbox::dispatch(conn, changes)?, Refusal::Overtaken)?;
    done(outbox::put_off(conn, changes)?, Refusal::Overtaken)?;
    for change in changes.iter().filter(|change| change.new_generation) {
        let current = current(generations, change);
        done(catalogue::next_generation(conn, &change.tenant, current)?, Refusal::Stale)?;
    }
    done(catalogue::write(conn, changes)?, Refusal::Overtaken)?;
    done(absence::write(conn, changes)?, Refusal::Overtaken)?;
    done(holiday::write(conn, changes)?, Refusal::Overtaken)?;
    counted::write(conn, changes)?;
    done(correspondent::write(conn, changes)?, Refusal::Overtaken)?;
    done(hold::write(conn, changes)?, Refusal::Overtaken)?;
    done(block::write(conn, changes)?, Refusal::Overtaken)?;
    done(resource::write(conn, changes)?, Refusal::Overtaken)?;
    done(retraction::write(conn, changes)?, Refusal::Overtaken)?;
    done(schedule::write(conn, changes)?, Refusal::Overtaken)?;
    mark::write(conn, changes)?;
    done(thread::write(conn, changes)?, Refusal::Overtaken)?;
    done(clock::write(conn, changes)?, Refusal::Overtaken)?;
    done(outbox::write(conn, changes)?, Refusal::Overtaken)?;
    done(overrides::write(conn, changes)?, Refusal::Overtaken)?;
    done(simulation::write(conn, changes)?, Refusal::Overtaken)?;
    done(record::write(conn, changes)?, Refusal::Overtaken)?;
    done(audit::write(conn, changes)?, Refusal::Overtaken)
}

/// The precise reason, looked up after the change was undone.
fn reason(conn: &mut Conn, change: &Change, refusal: Refusal) -> Result<SaveError, QueryError> {
    Ok(match refusal {
        Refusal::KeyTaken => SaveError::NotUnique { owner: resource::taken(conn, change)? },
        Refusal::Fired => SaveError::AlreadyFired,
        Refusal::Overtaken => SaveError::Conflict { key: resource::overtaken(conn, change)? },
        Refusal::Stale => SaveError::StaleCatalogue,
    })
}
